"""Bank files on their way in: reading beside the public Python reader, storing beside PostgreSQL's own COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from tests.servers import postgres

from benchmarks import day
from benchmarks.aside import put_aside
from benchmarks.daily import SERVER, create, named, plain
from benchmarks.frame import Benchmark, Comparison, Contender, Work, WrongOutput, aim
from benchmarks.ours.copy_rows import TABLES
from sobank.store import incoming, migrate
from sobank.store.database import Database

#: Part of the day that is a file of some 100 MB; the public reader gets it too, and a tenth of it, where it is faster.
FILE, TENTH = 0.46, 10
#: One statement in so many is broken in the other file.
BROKEN = 100
_LINE = 121


@dataclass(frozen=True, kw_only=True, slots=True)
class Bank:
    """A bank file and what a reader must find in it; `faulty` statements and their entries may be left out."""

    path: Path
    statements: int
    faulty: int
    records: int
    entries: int
    cents: int

    def read(self, work: Work) -> None:
        """What a reader says of a file, all of it or at least all that is not faulty."""
        if work["faulty"] != self.faulty or work["records"] != self.records:
            raise WrongOutput(f"{work} was read from {self}")
        if self.faulty == 0 and (work["statements"], work["entries"], work["cents"]) != (
            self.statements,
            self.entries,
            self.cents,
        ):
            raise WrongOutput(f"{work} was read from {self}")


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """A clean file, one in which every line is trimmed and one statement in a hundred is broken, and a database."""
    large, small = (day.plan(FILE * min(size, 1.0) / parts) for parts in (1, TENTH))
    whole, part = (clean(folder, name, planned) for name, planned in (("whole", large), ("part", small)))
    harmed, harmed_part = (broken(bank, folder / f"{bank.path.stem}_broken.txt") for bank in (whole, part))
    with postgres(**SERVER) as server:
        _prepare(server, large, whole, folder)
        yield [
            _reading("ingest_clean", "Reading a clean file", whole, part, at_least=aim(size, 30)),
            _reading("ingest_broken", "Reading a trimmed file, 1 % broken", harmed, harmed_part, at_least=aim(size, 5)),
            _storing(server, whole, folder, at_most=2 if size >= 1 else None),
        ]


def clean(folder: Path, name: str, planned: day.Plan) -> Bank:
    """A day as one file, `<name>.txt`."""
    (folder / name).mkdir()
    files, made = day.write(planned, folder / name)
    path = folder / f"{name}.txt"
    with path.open("wb") as out:
        for file in files:
            out.write(file.read_bytes())
            file.unlink()
    return Bank(
        path=path,
        statements=made.statements,
        faulty=0,
        records=made.records,
        entries=made.entries,
        cents=made.credit + made.debit,
    )


def broken(bank: Bank, path: Path) -> Bank:
    """Every line without its blanks at the end; in one statement of a hundred an amount that cannot be read."""
    wanted, statements, faulty = False, 0, 0
    with bank.path.open("rb") as lines, path.open("wb") as out:
        for line in lines:
            record = line
            if line.startswith(b"01"):
                wanted = wanted or statements % BROKEN == 0
                statements += 1
            elif wanted and line.startswith(b"04"):
                record, wanted, faulty = line[:95] + b"?" + line[96:], False, faulty + 1
            out.write(record.rstrip() + b"\n")
    return Bank(path=path, statements=bank.statements, faulty=faulty, records=bank.records, entries=0, cents=0)


def _reading(name: str, title: str, whole: Bank, part: Bank, *, at_least: float | None) -> Benchmark:
    return Benchmark(
        name=name,
        title=f"{title}: {whole.path.stat().st_size / 1e6:,.0f} MB, {whole.records:,} records",
        unit="records",
        contenders=(
            Contender(
                name="ours",
                label="our reader",
                module="benchmarks.ours.ingest",
                asked={"file": str(whole.path)},
                verify=whole.read,
            ),
            _public("python_cfonb", "python-cfonb", whole),
            _public("python_cfonb_tenth", "python-cfonb, a tenth of it", part),
        ),
        comparisons=(
            Comparison(of="ours", to="python_cfonb", measure="rate", at_least=at_least, step="read"),
            Comparison(of="ours", to="python_cfonb", measure="rate", at_least=at_least),
            Comparison(of="ours", to="python_cfonb_tenth", measure="rate"),
        ),
    )


def _public(name: str, label: str, bank: Bank) -> Contender:
    return Contender(
        name=name,
        label=label,
        module="benchmarks.peers.python_cfonb",
        asked={"file": str(bank.path), "mended": bank.faulty > 0},
        verify=bank.read,
        peer=True,
    )


def _prepare(server: str, planned: day.Plan, bank: Bank, folder: Path) -> None:
    """Database `registry` with the accounts of the file and nothing else, and the rows of the file for COPY."""
    registry = Database(named(server, create(server, "registry")))
    migrate.upgrade(registry)
    day.load_registry(registry, planned)
    registry.close()
    taken = Database(named(server, create(server, "taken", template="registry")))
    with bank.path.open("rb") as stream:
        received = incoming.Received(
            sha256="00" * 32, name=bank.path.name, format="cfonb120", size=bank.path.stat().st_size, received_on=None
        )
        incoming.keep(taken, received, day.Cfonb120().read(stream, chunk_bytes=8 << 20), now=day.NOW)
    taken.close()
    engine = sa.create_engine(named(server, "taken"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        for table in TABLES:
            with (
                (folder / table).open("wb") as out,
                connection.connection.cursor() as cursor,
                cursor.copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy,  # type: ignore[attr-defined]
            ):
                for piece in copy:
                    out.write(piece)
    engine.dispose()


def _storing(server: str, bank: Bank, folder: Path, *, at_most: float | None) -> Benchmark:
    url = named(server, "run")
    home = folder / "home"

    def fresh() -> None:
        put_aside(home)
        create(server, "run", template="registry")

    return Benchmark(
        name="ingest_store",
        title=f"Storing {bank.statements:,} statements, {bank.entries:,} entries in PostgreSQL",
        unit="entries",
        contenders=(
            Contender(
                name="ours",
                label="our ingest, archive to commit",
                module="benchmarks.ours.ingest",
                asked={
                    "file": str(bank.path),
                    "environment": {"SOBANK_HOME": str(home), "SOBANK_DATABASE_URL": url},
                },
                verify=_stored(url, bank),
                before=fresh,
            ),
            Contender(
                name="copy",
                label="PostgreSQL's COPY of its rows",
                module="benchmarks.ours.copy_rows",
                asked={
                    "folder": str(folder),
                    "database": plain(url),
                },
                verify=_stored(url, bank),
                before=fresh,
            ),
        ),
        comparisons=(Comparison(of="ours", to="copy", at_most=at_most),),
    )


def _stored(url: str, bank: Bank) -> Callable[[Work], None]:
    def verify(_work: Work) -> None:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with engine.connect() as connection:
            statements = connection.exec_driver_sql("SELECT count(*) FROM undecided").scalar()
            entries = connection.exec_driver_sql("SELECT count(*), sum(amount) FROM entries").one()
        engine.dispose()
        if (statements, *entries) != (bank.statements, bank.entries, bank.cents):
            raise WrongOutput(f"{statements} statements, {entries[0]} entries were stored from {bank}")

    return verify
