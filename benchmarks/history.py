"""What a day costs after many others: the same day on a database that holds nothing else, and on one of 200 days.

DAYS: how many are there (200). Each is a twentieth of a day (times SIZE): 5,000 statements, 50,000 entries.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers import postgres

from benchmarks import day
from benchmarks.daily import SERVER, Place, create, named
from benchmarks.frame import Benchmark, Comparison, aim
from benchmarks.old_days import add_old_days
from sobank.store import migrate
from sobank.store.database import Database

DAYS: Final = 200
#: Part of a day that each of them is.
EACH: Final = 0.05
#: What the day may cost then, by what it costs alone.
AT_MOST: Final = 1.2


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """Two databases of one server with the same day, one of them with all that was delivered before."""
    planned, days = day.plan(size * EACH), int(os.environ.get("DAYS") or DAYS)
    files, made = day.write(planned, folder)
    with postgres(**SERVER) as server:
        for name in ("alone", "old"):
            database = Database(named(server, create(server, name)))
            migrate.upgrade(database)
            day.load(database, planned, files)
            if name == "old":
                add_old_days(database, days)
            database.close()
        yield [_benchmark(size, Place(run=folder / "run", planned=planned, made=made, sizes=[]), server, days)]


def _benchmark(size: float, place: Place, server: str, days: int) -> Benchmark:
    url = named(server, "run")

    def copy_of(template: str) -> None:
        place.fresh()
        create(server, "run", template=template)

    statements, entries = place.made.statements, place.made.entries
    return Benchmark(
        name="history",
        title=f"A small day of {statements:,} statements, {entries:,} entries, alone and after {days} like it",
        unit="statements",
        contenders=[
            place.ours(
                name,
                f"ours, database of {label}",
                url,
                lambda name=name: copy_of(name),
                judged=False,
                proved=True,
                metered=True,
            )
            for name, label in (("alone", "this day"), ("old", f"{days} days"))
        ],
        comparisons=(
            Comparison(of="old", to="alone", at_most=aim(size, AT_MOST)),
            Comparison(of="old", to="alone", measure="cpu"),
        ),
    )
