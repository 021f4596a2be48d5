"""A small world for tests: accounts, statements, files, and a house to deliver them with, on either database."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from sobank.domain import iban
from sobank.domain.statement import Entry, Statement
from sobank.formats.cfonb120_write import Lines, render, write
from sobank.quality import contract
from sobank.quality.judge import FAILURES, judge
from sobank.services.decide import decide
from sobank.services.ingest import FileOutcome, ingest_file
from sobank.services.push import push_all
from sobank.services.register import register
from sobank.services.validate import validate
from sobank.services.worker import PushReport
from sobank.settings import Settings
from sobank.store import schema
from sobank.store.decision import deciding
from sobank.store.extract import extract, frames, partition
from sobank.store.iban_check import checked_iban
from sobank.store.registry_import import RegistryImporter
from sobank.store.standing import status
from sobank.wiring import House

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
BANK, BRANCH = "30004", "00828"


def account_number(n: int) -> str:
    """The n-th account of the tests' bank."""
    return f"{n:011d}"


def iban_of(n: int) -> str:
    """IBAN of the n-th account."""
    return iban.iban(iban.bban(BANK, BRANCH, account_number(n)))


def statement(n: int, day: date, *amounts: int, opening: int = 0, label: str = "VIR SEPA", **other: Any) -> Statement:
    """A balanced statement of the n-th account that closes on `day`; amounts in cents."""
    fields: dict[str, Any] = {
        "bank": BANK,
        "branch": BRANCH,
        "account": account_number(n),
        "currency": "EUR",
        "decimals": 2,
        "opening_date": day - timedelta(days=1),
        "opening": opening,
        "closing_date": day,
        "closing": opening + sum(amounts),
        "entries": tuple(Entry(amount=a, booking_date=day, value_date=day, label=label) for a in amounts),
    }
    return Statement(**(fields | other))


def file_of(*statements: Statement, terminator: bytes = b"\n") -> bytes:
    """The bytes of a CFONB 120 file."""
    return write(b"".join(render(s) for s in statements), terminator)


def named(received: date, n: int = 1) -> str:
    """A name as So bank gives it to a file received on a day."""
    return f"SOBANK_100001_{n:016d}-{received.isoformat()}T08-00-00-000.cfonb.txt"


@dataclass
class Cabinet:
    """A cabinet as the registry file has it; `accounts` maps the n of an account to (mandate, connector).

    settings: by name of connector.
    """

    code: str
    connectors: tuple[str, ...] = ("fizen",)
    accounts: dict[int, tuple[str | None, str | None]] = field(default_factory=dict)
    closed: bool = False
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tree(self) -> dict[str, Any]:
        """One item of `cabinets:`."""
        accounts = [
            {"iban": iban_of(n), "currency": "EUR", "mandate": mandate, "connector": connector}
            for n, (mandate, connector) in self.accounts.items()
        ]
        return {
            "code": self.code,
            "name": f"Cabinet {self.code}",
            "closed": self.closed,
            "members": [{"user": "anne", "profile": "administrateur"}],
            "connectors": [
                {"name": name, "partner": name.split("-")[0]}
                | ({"settings": self.settings[name]} if name in self.settings else {})
                for name in self.connectors
            ],
            "dossiers": [{"reference": "D1", "name": "Dossier", "accounts": accounts}],
        }


class TestHouse(House):
    """A house over one database and one folder, with the steps of a run at hand."""

    __test__ = False

    def __init__(self, folder: Path, database_url: str) -> None:
        super().__init__(
            Settings(
                home=folder,
                database_url=database_url,
                runs_url=(folder / "runs").as_uri(),
                spool_url=(folder / "spool").as_uri(),
                archive_url=(folder / "archive").as_uri(),
                inbox=folder / "inbox",
                quiet_seconds=0,
            )
        )
        self._runs = 0

    def register(self, *cabinets: Cabinet, now: datetime = NOW) -> None:
        """Import a registry."""
        register(
            RegistryImporter(self.database),
            {"cabinets": [cabinet.tree() for cabinet in cabinets]},
            source="test",
            partners=self.partners,
            check_iban=checked_iban,
            check_encryption=self.encryption.check,
            now=now,
        )

    def take_in(self, data: bytes, name: str = "bank.txt", now: datetime = NOW) -> FileOutcome:
        """Ingest one file."""
        return ingest_file(name, io.BytesIO(data), self.ingest_parts(), now=now)

    def decide(self, day: date, *, judged: bool = False, now: datetime = NOW) -> dict[str, int]:
        """Extract, partition, validate (`judged`: by Great Expectations, else everything passes) and decide."""
        self._runs += 1
        files = self.run_files(day, f"run-{self._runs}")
        self.ledger.cancel_withdrawn(until=day, worker="test", now=now)
        extract(self.database, files)
        partition(files, self.line_ends())
        failures = FAILURES.empty_table()
        if judged:
            contracts = contract.load_all(self.contracts)
            validate(files, frames(files), lambda found: judge(found, contracts))
            failures = files.read("errors")
        with deciding(self.database, day=day, now=now) as decision:
            decide(
                decision,
                validated=files.read("partitioned")["statement_id"].combine_chunks(),
                failures=failures.select(["statement_id", "rule"]),
                envelopes=self.envelopes(),
                write=Lines,
                spool=self.spool,
                encryption=self.encryption,
            )
        return decision.counts

    def push(self, day: date | None = None) -> PushReport:
        """Push everything that is under way."""
        worker = self.worker(lambda: NOW)
        return push_all(worker, self.sink_of, self.ledger.open_batches(until=day))

    def run(self, day: date, **options: Any) -> dict[str, int]:
        """A whole run but its proof."""
        counts = self.decide(day, **options)
        self.push(day)
        return counts

    def batches(self) -> set[tuple[Any, ...]]:
        """What identifies each batch and its bytes."""
        c = schema.batches.c
        query = sa.select(c.destination, c.business_date, c.seq, c.object_name, c.payload_sha256, c.state)
        with self.database.read() as connection:
            return {tuple(row) for row in connection.execute(query)}

    def delivered(self) -> dict[str, bytes]:
        """Every file that lies at a partner's or in a cabinet's folder, by its path."""
        return dict(_files(self.settings.home, ("partners", "global")))

    def statuses(self) -> dict[int, str]:
        """Status of every statement by the n of its account (the last one stored, if it has several)."""
        c = schema.statements.c
        with self.database.read() as connection:
            return {int(a): s for a, s in connection.execute(sa.select(c.account, status()).order_by(c.id))}

    def reasons(self) -> list[tuple[int, str]]:
        """(n of the account, reason) of everything in quarantine."""
        query = (
            sa.select(schema.statements.c.account, schema.quarantine.c.reason)
            .join(schema.statements, schema.statements.c.id == schema.quarantine.c.statement_id)
            .where(schema.quarantine.c.closed_at.is_(None))
        )
        with self.database.read() as connection:
            return sorted((int(account), reason) for account, reason in connection.execute(query))


def _files(home: Path, folders: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted((home / folder).rglob("*")):
            if path.is_file():
                yield str(path.relative_to(home)), path.read_bytes()
