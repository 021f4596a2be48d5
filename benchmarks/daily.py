"""The daily path from stored statements to synced files, beside the limit of the disk and a script in pandas."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa
from tests.servers import postgres

from benchmarks import day
from benchmarks.aside import put_aside
from benchmarks.check_day import files_of, verify_files
from benchmarks.frame import Benchmark, Comparison, Contender, Work, WrongOutput, aim
from sobank.store import migrate
from sobank.store.database import Database

#: A server as it is run, not as tests are made fast.
SERVER = {"fsync": "on", "full_page_writes": "on", "max_wal_size": "4GB"}
_TERMINATED = 122
#: What our day has done when it is decided, described as contenders describe their work.
SEALED = {"written": "from stored records, once (spool)", "durable": "fsync"}
#: The script holds the whole day: 1.7 GB of one, 17 of the big one, for twenty minutes.
PANDAS_UP_TO = 3
_SIZES = """
    SELECT sum(s.n_records) FROM statements s
      JOIN accounts a ON a.id = s.account_id
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
     GROUP BY a.cabinet_id, x.connector_id
"""


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """The day in a PostgreSQL that runs beside the contenders on the same cores, and in SQLite."""
    planned = day.plan(size)
    files, made = day.write(planned, folder)
    with postgres(**SERVER) as server:
        template = Database(named(server, create(server, "day")))
        lite = Database(f"sqlite:///{folder / 'day.db'}")
        for database in (template, lite):
            migrate.upgrade(database)
            day.load(database, planned, files)
        with template.read() as connection:
            sizes = [int(records) * _TERMINATED for (records,) in connection.exec_driver_sql(_SIZES)]
        for database in (template, lite):
            database.close()
        for path in files:
            path.unlink()
        place = Place(run=folder / "run", planned=planned, made=made, sizes=sizes)
        yield [
            _on_postgres(size, place, server, f"{planned.statements:,} statements, {made.entries:,} entries"),
            _on_sqlite(place, folder / "day.db", f"{planned.statements:,} statements, {made.entries:,} entries"),
        ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where contenders write, and what must be there then. `sizes`: bytes of each file of the day."""

    run: Path
    planned: day.Plan
    made: day.Made
    sizes: list[int]

    def fresh(self) -> None:
        """Empty."""
        put_aside(self.run)
        self.run.mkdir()

    def ours(
        self,
        name: str,
        label: str,
        url: str,
        before: Callable[[], None],
        *,
        judged: bool,
        proved: bool = False,
        metered: bool = False,
    ) -> Contender:
        """Our daily path; `proved`: to the proof of the day; `metered`: with what each step costs in PostgreSQL."""
        settings = {"SOBANK_HOME": str(self.run), "SOBANK_DATABASE_URL": url}
        return Contender(
            name=name,
            label=label,
            module="benchmarks.ours.daily",
            asked={
                "day": day.DAY.isoformat(),
                "judged": judged,
                "proved": proved,
                "metered": plain(url) if metered else None,
                "environment": settings,
            },
            verify=self.delivered,
            before=before,
        )

    def delivered(self, work: Work) -> None:
        """See `verify_files`; and what the contender says it did."""
        said = (work["statements"], work["entries"])
        if said != (self.made.statements, self.made.entries):
            raise WrongOutput(f"says it delivered {said[0]} statements, {said[1]} entries")
        found = len(files_of(self.run))
        if work["files"] != found:
            raise WrongOutput(f"says it wrote {work['files']} files, there are {found}")
        verify_files(self.run, self.planned, self.made)

    def written(self, work: Work) -> None:
        """The bytes of the limit, in number."""
        if (work["statements"], work["entries"]) != (self.made.statements, self.made.entries):
            raise WrongOutput("other rows were read")
        if sorted(path.stat().st_size for path in self.run.iterdir()) != sorted(self.sizes):
            raise WrongOutput("other files were written")

    def copied(self, work: Work) -> None:
        """Every row in Parquet, with its records and amounts."""
        statements, entries = (
            pq.read_table(sorted((self.run / "copy" / "day" / table).glob("*.parquet")), columns=[column])[column]
            for table, column in (("statements", "records"), ("entries", "amount"))
        )
        found = (len(statements), len(entries), pc.sum(entries).as_py(), pc.sum(pc.binary_length(statements)).as_py())
        made = self.made
        if found != (made.statements, made.entries, made.credit + made.debit, made.records * 120):
            raise WrongOutput(f"{work} was copied, which holds {found}")


def _on_postgres(size: float, place: Place, server: str, rows: str) -> Benchmark:
    url = named(server, "run")

    def fresh() -> None:
        place.fresh()
        create(server, "run", template="day")

    benchmark = Benchmark(
        name="daily_postgres",
        title=f"A day on PostgreSQL: {rows}, {len(place.sizes):,} files",
        unit="statements",
        contenders=(
            place.ours("ours", "ours, nothing judged", url, fresh, judged=False),
            place.ours("ours_judged", "ours, Great Expectations", url, fresh, judged=True),
            Contender(
                name="limit",
                label="the limit: COPY and write",
                module="benchmarks.ours.limit",
                asked={"database": plain(url), "folder": str(place.run), "sizes": place.sizes},
                verify=place.written,
                before=fresh,
            ),
            Contender(
                name="pandas",
                label="a script in pandas",
                module="benchmarks.peers.pandas_day",
                asked={"database": url, "folder": str(place.run)},
                verify=place.delivered,
                peer=True,
                before=fresh,
            ),
            Contender(
                name="dlt",
                label="dlt, which only copies",
                module="benchmarks.peers.dlt_copy",
                asked={
                    "database": url,
                    "plain_database": plain(url),
                    "folder": str(place.run / "copy"),
                    "home": str(place.run / "dlt"),
                },
                verify=place.copied,
                peer=True,
                before=fresh,
            ),
        ),
        comparisons=(
            *_beside_the_limit("ours", at_most=aim(size, 2, big_day=1)),
            *_beside_the_limit("ours_judged", at_most=aim(size, None, big_day=1.4)),
            Comparison(of="ours", to="pandas", measure="rate"),
            Comparison(of="ours_judged", to="pandas", measure="rate", at_least=aim(size, 3)),
            Comparison(of="ours_judged", to="pandas", measure="peak_mb"),
            Comparison(of="ours", to="dlt", at_most=aim(size, 1), up_to="decide", had_done=SEALED),
            Comparison(of="ours", to="dlt", at_most=aim(size, 1)),
        ),
    )
    if size <= PANDAS_UP_TO:
        return benchmark
    return replace(
        benchmark,
        title=f"{benchmark.title}; without pandas, which would hold all of it",
        contenders=[one for one in benchmark.contenders if one.name != "pandas"],
        comparisons=[one for one in benchmark.comparisons if one.to != "pandas"],
    )


def _beside_the_limit(of: str, *, at_most: float | None) -> tuple[Comparison, Comparison]:
    """Up to the last file sealed, each byte read and written once as by the limit; and all of it."""
    return (
        Comparison(of=of, to="limit", at_most=at_most, up_to="decide", had_done=SEALED),
        Comparison(of=of, to="limit", at_most=at_most),
    )


def _on_sqlite(place: Place, database: Path, rows: str) -> Benchmark:
    copy = database.with_name("run.db")

    def fresh() -> None:
        place.fresh()
        for left in database.parent.glob("run.db*"):
            left.unlink()
        shutil.copy(database, copy)

    return Benchmark(
        name="daily_sqlite",
        title=f"A day on SQLite: {rows}, {len(place.sizes):,} files",
        unit="statements",
        contenders=(
            place.ours("ours", "ours, nothing judged", f"sqlite:///{copy}", fresh, judged=False),
            place.ours("ours_judged", "ours, Great Expectations", f"sqlite:///{copy}", fresh, judged=True),
        ),
    )


def create(server: str, name: str, *, template: str = "template1") -> str:
    """A new database in place of one of that name: its name."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        newer = connection.dialect.server_version_info >= (15,)  # type: ignore[operator]
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        how = " STRATEGY file_copy" if newer else ""
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}{how}")
        connection.exec_driver_sql("CHECKPOINT")
    engine.dispose()
    return name


def named(server: str, database: str) -> str:
    """The URL of another database of the server."""
    return sa.make_url(server).set(database=database).render_as_string(hide_password=False)


def plain(url: str) -> str:
    """The URL as PostgreSQL itself writes it, for those who do not know SQLAlchemy's."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
