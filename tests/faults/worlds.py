"""A small world in which sealed batches are pushed to one partner, by workers whose clock moves only when told."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from sobank.domain.delivery import Batch, BatchState
from sobank.domain.roles import Operator
from sobank.domain.sink import Sink
from sobank.services.held import confirm_held, release_held
from sobank.services.push import push_all
from sobank.services.worker import PushReport, Worker
from sobank.store.circuits import Circuits
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.faults.partners import Around, Partner, as_it_is
from tests.faults.seeds import (
    START,
    seed_registry,
)

LEASE = timedelta(minutes=5)
#: Longer than every lease and than the longest pause of a circuit (one hour): a run after it may try.
BETWEEN_RUNS = timedelta(hours=2)


@dataclass
class Clock:
    """Time that moves only when told."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def pass_leases(self) -> None:
        """Every lease given so far is over."""
        self.at += 2 * LEASE

    def pass_pauses(self) -> None:
        """Every lease given so far is over, and every circuit lets one batch try."""
        self.at += BETWEEN_RUNS


@dataclass
class World:
    """A database with batches, a spool, and one partner for all destinations.

    held: how many batches a person had to decide on. at_once: how many destinations a worker pushes side by side.
    """

    database: Database
    breaking: Database
    spool: ObjectStore
    partner: Partner
    clock: Clock = field(default_factory=Clock)
    expected: list[int] = field(default_factory=list)
    ledger_class: Callable[[Database], Ledger] = Ledger
    sink_around: Callable[[Sink], Sink] = lambda sink: sink
    alerts: list[str] = field(default_factory=list)
    held: int = 0
    at_once: int = 1

    def sink_of(self, batch: Batch, around: Around = as_it_is) -> Sink:
        """The sink of a batch; global files have a companion."""
        companion = b'{"n": 1}' if batch.kind == "global" else None
        return self.sink_around(self.partner.sink(payload=self.spool.open, companion=companion, around=around))

    def worker(self, name: str, *, database: Database | None = None, attempts: int = 1) -> Worker:
        """A worker that does not wait between attempts."""
        return Worker(
            name=name, ledger=self.ledger_class(database or self.database), spool=self.spool, now=self.clock,
            sleep=lambda _seconds: None, circuits=Circuits(database or self.database), alert=self.alerts.append,
            lease=LEASE, attempts=attempts, at_once=self.at_once,
        )  # fmt: skip

    def push(self, name: str = "w") -> PushReport:
        """One undisturbed push of everything open."""
        worker = self.worker(name)
        return push_all(worker, self.sink_of, worker.ledger.open_batches())

    def open_batches(self) -> list[Batch]:
        """What is not final."""
        return Ledger(self.database).open_batches()

    def run(self, name: str) -> None:
        """A person looks at what is held; then a push, two hours after the last."""
        self.a_person_decides()
        if self.open_batches():
            self.clock.pass_pauses()
            self.push(name)

    def settle(self, runs: int = 3) -> int:
        """Run until nothing is open, at most `runs` times; how many it took."""
        for run in range(runs):
            self.a_person_decides()
            if not self.open_batches():
                return run
            self.run(f"settle-{run}")
        self.a_person_decides()
        assert not self.open_batches(), f"batches are still open after {runs} further runs"
        return runs

    def a_person_decides(self) -> None:
        """Somebody looks into the partner's inbox and says of each held batch what is true there."""
        ledger, arrived = Ledger(self.database), {content for _, content in self.partner.received()}
        for batch in self.open_batches():
            if batch.state is BatchState.HELD:
                self.held += 1
                decide = confirm_held if self.spool.read(batch.outgoing.sha256) in arrived else release_held
                decide(
                    ledger, self.sink_of(batch), batch.id,
                    actor=Operator("anne"), reason="looked into the partner's inbox", now=self.clock(),
                )  # fmt: skip


class Worlds:
    """Makes worlds alike, one at a time, by copying one seeded SQLite file back over the last one.

    The engines stay, so that their compiled SQL does: `breaking` is the database of workers that are disturbed.
    """

    def __init__(self, home: Path, sqlite_url: str, seed: Callable[[Database, ObjectStore], list[int]]) -> None:
        self._home = home
        self._seed = Path(sa.make_url(sqlite_url).database or "")
        self._spool = ObjectStore((home / "spool").as_uri())
        seeded = Database(sqlite_url)
        seed_registry(seeded)
        self._expected = seed(seeded, self._spool)
        with seeded.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        seeded.close()
        self.database, self.breaking = (Database(f"sqlite:///{home / 'db'}") for _ in range(2))
        for database in (self.database, self.breaking):
            sa.event.listen(database.engine, "connect", without_waiting_for_the_disk)

    def new(self, partner: Partner, *, greedy: bool) -> World:
        """A world in its first state; the one before it ends."""
        partner.reset(greedy=greedy)
        return self.restored(partner)

    def restored(self, partner: Partner) -> World:
        """The world whose database is in its first state, whatever the partner has; the one before it ends."""
        for database in (self.database, self.breaking):
            database.close()
        for suffix in ("-wal", "-shm"):
            (self._home / f"db{suffix}").unlink(missing_ok=True)
        shutil.copy(self._seed, self._home / "db")
        return World(
            database=self.database, breaking=self.breaking, spool=self._spool, partner=partner, expected=self._expected
        )


def without_waiting_for_the_disk(connection: object, _record: object) -> None:
    """These tests end workers, never the machine: nothing is learnt from waiting for a platter."""
    connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]
