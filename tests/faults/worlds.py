"""A small world in which batches are pushed into a partner's folder, and a judge who only looks at that folder.

Statements are 120 bytes each, all different; a payload is a concatenation of them. The judge counts each statement in
what the partner has: the files in his folder, and those he took away the moment they appeared.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from sobank.domain.delivery import Batch
from sobank.domain.sink import Sink
from sobank.services.push import push_all
from sobank.services.worker import PushReport, Worker
from sobank.sinks.disk import Disk
from sobank.sinks.folder import COMPANION_SUFFIX, FolderSink
from sobank.store import schema
from sobank.store.circuits import Circuits
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore

START = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
PARTNER = "connector:CAB001/fizen"
OTHER_PARTNER = "connector:CAB001/fulll"
GLOBAL = "global:CAB001"
LEASE = timedelta(minutes=5)
_CONNECTORS = {PARTNER: 1, OTHER_PARTNER: 2, GLOBAL: None}
_RECORD = 120


def statement_bytes(number: int) -> bytes:
    """The canonical record of statement `number`."""
    return f"STATEMENT {number:06d}".encode().ljust(_RECORD)


def seed_registry(database: Database) -> None:
    """One cabinet with two connectors, and the one bank file that all statements come from."""
    with database.write() as c:
        c.execute(sa.insert(schema.cabinets).values(id=1, code="CAB001", name="Cabinet Exemple"))
        c.execute(sa.insert(schema.dossiers).values(id=1, cabinet_id=1, reference="D001", name="Boulangerie du Port"))
        for name, key in (("fizen", 1), ("fulll", 2)):
            c.execute(sa.insert(schema.connectors).values(id=key, cabinet_id=1, partner=name, name=name, settings={}))
        c.execute(
            sa.insert(schema.bank_files).values(
                id=1, sha256=bytes(32), name="f", format="cfonb120", size=0, ingested_at=START, records_total=0,
                records_parsed=0, records_blank=0, records_refused=0, statements=0, duplicates=0,
            )
        )  # fmt: skip


def seed_batch(
    database: Database,
    spool: ObjectStore,
    batch_id: int,
    *,
    destination: str = PARTNER,
    day: date = DAY,
    seq: int = 1,
    size: int = 2,
) -> list[int]:
    """A sealed batch of `size` statements, each of an account of its own with an approved mandate; their ids."""
    ids = [batch_id * 1000 + n for n in range(size)]
    records = [statement_bytes(number) for number in ids]
    digest = spool.put(b"".join(records))
    connector = _CONNECTORS[destination]
    day_0 = START - timedelta(days=90)
    with database.write() as c:
        for number, record in zip(ids, records, strict=True):
            bban = f"{number:023d}"
            c.execute(
                sa.insert(schema.accounts).values(
                    id=number, cabinet_id=1, dossier_id=1, iban=f"FR76{bban}", bban=bban, currency="EUR"
                )
            )
            c.execute(
                sa.insert(schema.mandates).values(
                    id=number, account_id=number, step="approved", step_since=day_0, current=True
                )
            )
            if connector:
                c.execute(
                    sa.insert(schema.associations).values(
                        id=number, account_id=number, connector_id=connector, since=day_0, decided_by="anne"
                    )
                )
            c.execute(sa.insert(schema.statements).values(**_statement(number, record, bban, day)))
        c.execute(
            sa.insert(schema.batches).values(
                id=batch_id, destination=destination, kind=destination.partition(":")[0], cabinet_id=1,
                connector_id=connector, business_date=day, seq=seq, state="sealed",
                object_name=object_name(batch_id), idempotency_key=f"key-{batch_id}",
                payload_sha256=bytes.fromhex(digest), payload_size=_RECORD * size, n_statements=size, n_entries=0,
                n_records=size, credit=0, debit=0, first_date=day, last_date=day, run_day=day, sealed_at=START,
            )
        )  # fmt: skip
        for number in ids:
            c.execute(
                sa.insert(schema.allocations).values(
                    statement_id=number, batch_id=batch_id, mandate_id=number,
                    association_id=number if connector else None, decided_at=START,
                )
            )  # fmt: skip
    return ids


def object_name(batch_id: int) -> str:
    """The final name of a batch."""
    return f"SOBANK_{batch_id:03d}.cfonb.txt"


def _statement(number: int, record: bytes, bban: str, day: date) -> dict[str, object]:
    digest = hashlib.sha256(record).digest()
    return {
        "id": number, "status": "decided", "bank_file_id": 1, "position": number, "identity": digest,
        "content_sha256": digest, "account_id": number, "bban": bban, "bank": bban[:5], "branch": bban[5:10],
        "account": bban[10:21], "currency": "EUR", "decimals": 2, "business_date": day, "due_date": day,
        "n_entries": 0, "credit": 0, "debit": 0, "n_records": 1, "records": record, "warnings": "", "errors": "",
    }  # fmt: skip


@dataclass
class Clock:
    """Time that moves only when told."""

    at: datetime = START

    def __call__(self) -> datetime:
        return self.at

    def pass_leases(self) -> None:
        """Every lease given so far is over."""
        self.at += 2 * LEASE


@dataclass
class PartnerFolder:
    """The partner: he reads whatever has a final name, and where he is greedy takes it away at once."""

    folder: Path
    greedy: bool
    taken: list[tuple[str, bytes]] = field(default_factory=list)

    def look(self) -> None:
        """Take what has appeared, if greedy."""
        if self.greedy:
            self.take()

    def take(self) -> None:
        """Take away what has appeared."""
        for path in self._files():
            self.taken.append((path.name, path.read_bytes()))
            path.unlink()

    def received(self) -> list[tuple[str, bytes]]:
        """Name and bytes of every file he ever had."""
        return self.taken + [(path.name, path.read_bytes()) for path in self._files()]

    def violations(self, expected: list[int]) -> list[str]:
        """What is missing, doubled or foreign in what he has."""
        pieces = [
            content[start : start + _RECORD]
            for _, content in self.received()
            for start in range(0, len(content), _RECORD)
        ]
        counts, wanted = Counter(pieces), {statement_bytes(number) for number in expected}
        return (
            [f"missing {piece[:16]!r}" for piece in wanted if counts[piece] == 0]
            + [f"{count} times {piece[:16]!r}" for piece, count in counts.items() if count > 1]
            + [f"foreign {piece[:16]!r}" for piece in counts if piece not in wanted]
        )

    def _files(self) -> list[Path]:
        return sorted(
            path
            for path in self.folder.iterdir()
            if not path.name.startswith(".") and not path.name.endswith(COMPANION_SUFFIX)
        )


class WatchedDisk(Disk):
    """The real disk, with the partner looking after every operation that may show him something."""

    def __init__(self, partner: PartnerFolder) -> None:
        self._partner = partner

    def move(self, root: int, old: str, new: str) -> None:
        super().move(root, old, new)
        self._partner.look()

    def sync(self, descriptor: int) -> None:
        """No wait: these tests end workers, never the machine."""


@dataclass
class World:
    """A database with batches, a spool, and one partner's folder for all destinations."""

    database: Database
    breaking: Database
    spool: ObjectStore
    partner: PartnerFolder
    clock: Clock = field(default_factory=Clock)
    expected: list[int] = field(default_factory=list)
    ledger_class: Callable[[Database], Ledger] = Ledger
    disk_class: Callable[[PartnerFolder], Disk] = WatchedDisk
    sink_around: Callable[[Sink], Sink] = lambda sink: sink
    alerts: list[str] = field(default_factory=list)

    def sink_of(self, batch: Batch, disk: Disk | None = None) -> Sink:
        """The sink of a batch; global files have a companion."""
        companion = b'{"n": 1}' if batch.kind == "global" else None
        return self.sink_around(
            FolderSink(self.partner.folder, companion=companion, disk=disk or self.disk_class(self.partner))
        )

    def worker(self, name: str, *, ledger: Ledger | None = None, attempts: int = 1) -> Worker:
        """A worker that does not wait between attempts."""
        return Worker(
            name=name, ledger=ledger or self.ledger_class(self.database), spool=self.spool, now=self.clock,
            sleep=lambda _seconds: None, circuits=Circuits(self.database), alert=self.alerts.append,
            lease=LEASE, attempts=attempts,
        )  # fmt: skip

    def push(self, name: str = "w") -> PushReport:
        """One undisturbed push of everything open."""
        worker = self.worker(name)
        return push_all(worker, self.sink_of, worker.ledger.open_batches())

    def settle(self, runs: int = 3) -> int:
        """Push until nothing is open, at most `runs` times, each after every lease is over; how many it took."""
        for run in range(runs):
            if not Ledger(self.database).open_batches():
                return run
            self.clock.pass_leases()
            self.push(f"settle-{run}")
        assert not Ledger(self.database).open_batches(), f"batches are still open after {runs} further runs"
        return runs


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
            sa.event.listen(database.engine, "connect", _without_waiting_for_the_disk)

    def new(self, *, greedy: bool) -> World:
        """A world in its first state; the one before it ends."""
        for database in (self.database, self.breaking):
            database.close()
        for suffix in ("-wal", "-shm"):
            (self._home / f"db{suffix}").unlink(missing_ok=True)
        shutil.copy(self._seed, self._home / "db")
        folder = self._home / "partner"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return World(
            database=self.database, breaking=self.breaking, spool=self._spool,
            partner=PartnerFolder(folder=folder, greedy=greedy), expected=self._expected,
        )  # fmt: skip


def _without_waiting_for_the_disk(connection: object, _record: object) -> None:
    """These tests end workers, never the machine: nothing is learnt from waiting for a platter."""
    connection.execute("PRAGMA synchronous=OFF")  # type: ignore[attr-defined]
