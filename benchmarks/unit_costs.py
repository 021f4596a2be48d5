"""What a statement, a file and the day itself cost at each step: three small days that differ in one thing at a time.

`benchmarks.scale` takes these figures apart and says what follows at a hundred times the size.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers import postgres

from benchmarks import day
from benchmarks.daily import SERVER, Place, create, named, plain
from benchmarks.frame import Benchmark, Contender
from sobank.store import migrate
from sobank.store.database import Database

#: Parts of a day, and cabinets: the second has more statements than the first, the third more files than the second.
DAYS: Final = {"few": (0.05, 100), "more_statements": (0.25, 100), "more_files": (0.25, 500)}


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """Each day with a registry of its own; the bank's files are in the inbox when its time begins."""
    with postgres(**SERVER) as server:
        yield [
            Benchmark(
                name="costs",
                title="Unit costs: from the bank's files to the proof, three days",
                unit="statements",
                contenders=[_contender(name, size, folder / name, server) for name in DAYS],
            )
        ]


def _contender(name: str, size: float, folder: Path, server: str) -> Contender:
    part, cabinets = DAYS[name]
    planned = day.plan(part * size, cabinets=max(20, round(cabinets * min(size, 1))))
    folder.mkdir()
    files, made = day.write(planned, folder)
    place = Place(run=folder / "run", planned=planned, made=made, sizes=[])
    registry = Database(named(server, create(server, f"registry_{name}")))
    migrate.upgrade(registry)
    day.load_registry(registry, planned)
    registry.close()
    url = named(server, "run")

    def fresh() -> None:
        place.fresh()
        create(server, "run", template=f"registry_{name}")
        inbox = place.run / "inbox"
        inbox.mkdir()
        for path in files:
            shutil.copy(path, inbox)

    return Contender(
        name=name,
        label=f"{made.statements:,} statements, {planned.destinations:,} files",
        module="benchmarks.ours.day_costs",
        asked={
            "day": day.DAY.isoformat(),
            "database": plain(url),
            "environment": {
                "SOBANK_HOME": str(place.run), "SOBANK_DATABASE_URL": url, "SOBANK_QUIET_SECONDS": "0",
            },
        },
        verify=place.delivered,
        before=fresh,
    )  # fmt: skip
