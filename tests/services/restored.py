"""A house whose database can be restored from a backup, and what its people do (ADR 0022)."""

from __future__ import annotations

import shutil
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from sobank.cli.reconcile import carry_out
from sobank.domain.delivery import Batch
from sobank.domain.proof import Proof
from sobank.domain.roles import Operator
from sobank.services.decide_quarantine import release_statements
from sobank.services.prove import prove
from sobank.services.reconcile import Plan
from sobank.store import schema
from sobank.store.proof import ProofRows
from sobank.store.quarantine import Quarantine
from tests.builders import NOW, Cabinet, TestHouse, file_of, named, statement
from tests.conftest import FreshUrl

DAY = date(2026, 3, 2)
DAYS = [DAY + timedelta(days=n) for n in range(4)]
ACCOUNTS: dict[int, tuple[str | None, str | None]] = {
    1: ("approved", "fizen"), 2: ("approved", "fizen"), 3: ("approved", "fulll"), 4: ("approved", None),
}  # fmt: skip


@dataclass
class World:
    """A house whose database can be restored, and partners who take every file away at once."""

    folder: Path
    fresh_url: FreshUrl
    taken: list[tuple[str, bytes]] = field(default_factory=list)
    house: TestHouse = field(init=False)

    def __post_init__(self) -> None:
        self.house = TestHouse(self.folder, self.fresh_url())
        self.register()

    def register(self, **settings: object) -> None:
        """The registry, as its file has it."""
        self.house.register(Cabinet("CAB1", connectors=("fizen", "fulll"), accounts=ACCOUNTS, **settings))  # type: ignore[arg-type]

    def backup(self) -> str:
        """A copy of the database as it is now; its URL."""
        self.house.database.close()
        return _copied(self.house.database.url)

    def restore(self, backup: str) -> None:
        """Workers are stopped, and a copy of the backup takes the place of the database."""
        self.house.database.close()
        self.house = TestHouse(self.folder, _copied(sa.make_url(backup)))

    def reconcile(self) -> Plan:
        """What a person does after a restore."""
        return carry_out(self.house, by=Operator("anne"), why="restored from yesterday's backup", now=NOW)

    def take_in(self, day: date, *numbers: int, amount: int = 100) -> None:
        """The bank's file of a day, received the morning after."""
        statements = (statement(n, day, amount, opening=n) for n in numbers or ACCOUNTS)
        self.house.take_in(file_of(*statements), named(day + timedelta(days=1), amount))

    def push(self, day: date | None = None) -> None:
        """Everything open leaves, and the partners take it away."""
        self.house.push(day)
        self.empty()

    def empty(self) -> None:
        """The partners take away what has come."""
        for path in sorted((self.folder / "partners").rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                self.taken.append((str(path.relative_to(self.folder)), path.read_bytes()))
                path.unlink()

    def run(self, day: date) -> None:
        """A whole run of a day."""
        self.house.decide(day)
        self.push(day)

    def proof(self, day: date) -> Proof:
        """What the proof of a day says."""
        house = self.house
        return prove(day, rows=ProofRows(house.database), spool=house.spool, read=house.read_sealed)

    def arrived(self) -> Counter[tuple[str, bytes]]:
        """Name and bytes of all that ever arrived anywhere."""
        shown = [(Path(name), content) for name, content in self.house.delivered().items()]
        here = [(str(p), content) for p, content in shown if p.name[0] != "." and ".manifest" not in p.name]
        return Counter([*self.taken, *here])

    def states(self) -> Counter[str]:
        """How many batches are in which state."""
        return Counter(row[-1] for row in self.house.batches())


def _copied(url: sa.URL) -> str:
    """A copy of a database that nobody is connected to; its URL."""
    name = f"r{uuid.uuid4().hex}"
    if url.get_backend_name() == "sqlite":
        copy = Path(url.database or "").with_name(f"{name}.db")
        shutil.copy(url.database or "", copy)
        return f"sqlite:///{copy}"
    server = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {url.database}")
    return url.set(database=name).render_as_string(hide_password=False)


def forget_lineages(folder: Path, last: int) -> None:
    """What a reconcile left in the trace, as if it had not been."""
    for path in sorted((folder / "trace").rglob("*"), reverse=True):
        lineage = int(path.relative_to(folder / "trace").parts[0])
        if lineage > last or path.name == "closed":
            path.rmdir() if path.is_dir() else path.unlink()


def hold(world: World) -> Batch:
    """Other bytes lie under the name, so that the one open batch is held after it was staged; then they are gone."""
    (batch,) = world.house.ledger.open_batches()
    inbox = world.folder / "partners" / "fizen" / "CAB1"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / batch.outgoing.object_name).write_bytes(b"other")
    world.house.push()
    (inbox / batch.outgoing.object_name).unlink()
    return batch


def hold_and_reject(world: World) -> None:
    """The one open batch is held; a person gives it up, and takes away what was staged."""
    batch = hold(world)
    world.house.ledger.reject(batch.id, actor="anne", role="operator", reason="not his", now=NOW)
    world.house.sink_of(batch).discard(batch.outgoing, staging=world.house.ledger.batch(batch.id).staging or "")


def release(world: World, account: int) -> None:
    found = sa.select(schema.statements.c.id).where(schema.statements.c.account == f"{account:011d}")
    with world.house.database.read() as connection:
        ids = connection.execute(found).scalars().all()
    report = release_statements(Quarantine(world.house.database), ids, actor=Operator("anne"), reason="his", now=NOW)
    assert report.applied
