"""The seeded day: what banks send and a registry to deliver it by, the same bytes for the same size every time.

A day is 100,000 statements of as many accounts, 1,000,000 entries, 2,000 cabinets (the largest has 5 % of the
accounts); `size` scales it, but above 1 the cabinets stay 2,000. Each cabinet has one connector, of eight names, which
takes 60 % of its accounts; its global file takes the rest. Nothing is wrong with any statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_identity import account_numbers
from sobank.store import incoming, schema
from sobank.store.bulk import bulk
from sobank.store.database import Database

DAY: Final = date(2026, 3, 3)
NOW: Final = datetime(2026, 3, 4, 6, tzinfo=UTC)
CONNECTORS: Final = tuple(f"{partner}-{n}" for partner in ("fizen", "fulll", "inqom", "myunisoft") for n in (1, 2))
STATEMENTS, CABINETS, ENTRIES_EACH = 100_000, 2_000, 10
ASSOCIATED, LARGEST, COMPLEMENTED = 0.6, 0.05, 0.6
#: Statements of one bank file, and of one block that is made at once.
_FILE, _BLOCK = 50_000, 10_000
_WIDTH: Final = 120

Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything about a day but its texts: arrays by statement, which is also the number of its account less one."""

    n_entries: Ints
    cabinet: Ints
    associated: npt.NDArray[np.bool_]
    cabinets: int

    @property
    def statements(self) -> int:
        """How many statements, and accounts."""
        return len(self.n_entries)

    @property
    def destinations(self) -> int:
        """How many files will leave: one a connector with accounts, and one a cabinet with others."""
        pairs = np.stack([self.cabinet, self.associated.astype(np.int64)], axis=1)
        return len(np.unique(pairs, axis=0))


@dataclass(kw_only=True, slots=True)
class Made:
    """What was written: money in cents, `debit` negative."""

    statements: int = 0
    entries: int = 0
    records: int = 0
    credit: int = 0
    debit: int = 0


def plan(size: float, *, cabinets: int | None = None) -> Plan:
    """The day of a size, without its texts; of as many cabinets as the size has, unless their number is said."""
    rng = np.random.default_rng(20260303)
    statements = max(200, round(STATEMENTS * size))
    cabinets = cabinets or max(20, round(CABINETS * min(size, 1.0)))
    weights = rng.lognormal(0.0, 1.0, statements)
    n_entries = rng.multinomial(ENTRIES_EACH * statements, weights / weights.sum())
    largest = max(LARGEST, 2 / cabinets)
    others = 1 / (np.arange(1, cabinets) + cabinets / 8)
    shares = np.concatenate([[largest], others / others.sum() * (1 - largest)])
    counts = np.maximum(1, np.floor(shares * statements)).astype(np.int64)
    left = statements - int(counts.sum())
    counts[1 : 1 + left] += 1
    counts[0] += statements - int(counts.sum())
    cabinet = rng.permutation(np.repeat(np.arange(cabinets), counts))
    return Plan(
        n_entries=n_entries.astype(np.int64),
        cabinet=cabinet,
        associated=rng.random(statements) < ASSOCIATED,
        cabinets=cabinets,
    )


def blocks(planned: Plan, made: Made) -> Iterator[Rows]:
    """The canonical records of the day, some thousand statements at a time, and what they add up to."""
    for first in range(0, planned.statements, _BLOCK):
        rng = np.random.default_rng([20260303, first])
        yield _block(rng, np.arange(first, min(first + _BLOCK, planned.statements)), planned, made)


def write(planned: Plan, folder: Path) -> tuple[list[Path], Made]:
    """Write the day as the files of a bank, lines of 120 characters and LF; the files, and what is in them."""
    made, files = Made(), []
    per_file = _FILE // _BLOCK
    for number, rows in enumerate(blocks(planned, made)):
        path = folder / f"SOBANK_300040_{number // per_file:016d}-{DAY + timedelta(days=1)}T08-00-00-000.cfonb.txt"
        if number % per_file == 0:
            files.append(path)
        with path.open("ab") as out:
            out.write(with_line_ends(rows, b"\n"))
    return files, made


def with_line_ends(rows: Rows, end: bytes) -> bytes:
    """Records as the bytes of a file."""
    lines = np.empty((len(rows), _WIDTH + len(end)), np.uint8)
    lines[:, :_WIDTH] = rows
    lines[:, _WIDTH:] = np.frombuffer(end, np.uint8)
    return lines.tobytes()


def load(database: Database, planned: Plan, files: list[Path], *, chunk_bytes: int = 8 << 20) -> None:
    """Fill an empty migrated database: the registry, then every statement and entry (COPY on PostgreSQL)."""
    load_registry(database, planned)
    for number, path in enumerate(files):
        received = incoming.Received(
            sha256=f"{number:064x}",
            name=path.name,
            format="cfonb120",
            size=path.stat().st_size,
            received_on=DAY + timedelta(days=1),
        )
        with path.open("rb") as stream:
            incoming.keep(database, received, Cfonb120().read(stream, chunk_bytes=chunk_bytes), now=NOW)
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM (ANALYZE, FREEZE)")


def load_registry(database: Database, planned: Plan) -> None:
    """Cabinets, one dossier each, accounts with approved mandates, connectors and associations."""
    with bulk(database, exclusive="ingest") as rows:
        for table, values in _registry(planned).items():
            target = schema.metadata.tables[table]
            # Numbered from 1 by the sequences themselves, so that the application goes on where this ends.
            rows.insert(target, values.append_column("id", rows.new_ids(target, values.num_rows)))


def _registry(planned: Plan) -> dict[str, pa.Table]:
    size, cabinets = planned.statements, planned.cabinets
    accounts, offices = np.arange(size), np.arange(cabinets)
    bank, branch, number = _rib(accounts)
    bban, iban = account_numbers(bank, branch, number)
    codes = [f"CAB{n:05d}" for n in range(cabinets)]
    taken = np.flatnonzero(planned.associated)
    since = pa.scalar(NOW - timedelta(days=90), pa.timestamp("us", tz="UTC"))
    return {
        "cabinets": pa.table({"code": codes, "name": [f"Cabinet {code}" for code in codes]}),
        "dossiers": pa.table(
            {"cabinet_id": offices + 1, "reference": pa.repeat("D1", cabinets), "name": pa.repeat("Dossier", cabinets)}
        ),
        "accounts": pa.table(
            {
                "cabinet_id": planned.cabinet + 1,
                "dossier_id": planned.cabinet + 1,
                "iban": iban,
                "bban": bban,
                "currency": pa.repeat("EUR", size),
            }
        ),
        "mandates": pa.table(
            {
                "account_id": accounts + 1,
                "step": pa.repeat("approved", size),
                "step_since": pa.repeat(since, size),
                "current": pa.repeat(pa.scalar(True), size),
            }
        ),
        "connectors": pa.table(
            {
                "cabinet_id": offices + 1,
                "partner": [CONNECTORS[n % len(CONNECTORS)].split("-")[0] for n in range(cabinets)],
                "name": [CONNECTORS[n % len(CONNECTORS)] for n in range(cabinets)],
            }
        ),
        "associations": pa.table(
            {
                "account_id": taken + 1,
                "connector_id": planned.cabinet[taken] + 1,
                "since": pa.repeat(since, len(taken)),
                "decided_by": pa.repeat("bench", len(taken)),
            }
        ),
    }


def _rib(accounts: Ints) -> tuple[Rows, Rows, Rows]:
    bank = np.broadcast_to(np.frombuffer(b"30004", np.uint8), (len(accounts), 5))
    return bank, digits(100 + accounts % 700, 5), digits(accounts + 1, 11)


def _block(rng: np.random.Generator, accounts: Ints, planned: Plan, made: Made) -> Rows:
    """01, then each 04 and perhaps its 05, then 07, of every account in order."""
    n_entries = planned.n_entries[accounts]
    entries, statements = int(n_entries.sum()), len(accounts)
    owner = np.repeat(np.arange(statements), n_entries)
    complemented = rng.random(entries) < COMPLEMENTED
    height = 1 + complemented.astype(np.int64)
    n_records = 2 + np.bincount(owner, weights=height, minlength=statements).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(n_records)[:-1]])
    before = np.cumsum(height) - height
    place = first[owner] + 1 + before - before[np.searchsorted(owner, owner)]
    amounts = rng.integers(1, 500_000, entries) * np.where(rng.random(entries) < ASSOCIATED, -1, 1)
    opening = rng.integers(-50_000, 5_000_000, statements)
    total = np.zeros(statements, np.int64)
    np.add.at(total, owner, amounts)

    rows = np.full((int(n_records.sum()), _WIDTH), ord(" "), np.uint8)
    rows[:, 2:32] = np.repeat(_account_zone(accounts), n_records, axis=0)
    _balance(rows, first, b"01", DAY - timedelta(days=1), opening)
    _balance(rows, first + n_records - 1, b"07", DAY, opening + total)
    _movements(rng, rows, place, amounts)
    _complements(rng, rows, place, np.flatnonzero(complemented))
    made.statements += statements
    made.entries += entries
    made.records += len(rows)
    made.credit += int(amounts[amounts > 0].sum())
    made.debit += int(amounts[amounts < 0].sum())
    return rows


def _account_zone(accounts: Ints) -> Rows:
    """Characters 3 to 32 of every record of an account."""
    bank, branch, number = _rib(accounts)
    zone = np.full((len(accounts), 30), ord(" "), np.uint8)
    zone[:, 0:5], zone[:, 9:14], zone[:, 19:30] = bank, branch, number
    zone[:, 14:18] = np.frombuffer(b"EUR2", np.uint8)
    return zone


def _balance(rows: Rows, at: Ints, code: bytes, day: date, amounts: Ints) -> None:
    rows[at, 0:2] = np.frombuffer(code, np.uint8)
    rows[at, 34:40] = _day(day)
    rows[at, 90:104] = signed(amounts)


def _movements(rng: np.random.Generator, rows: Rows, at: Ints, amounts: Ints) -> None:
    rows[at, 0:2] = np.frombuffer(b"04", np.uint8)
    kind = rng.integers(0, len(_LABELS), len(at))
    rows[at, 32:34] = _CODES[kind]
    rows[at, 34:40] = _day(DAY)
    rows[at, 42:48] = np.stack([_day(DAY), _day(DAY + timedelta(days=1))])[rng.integers(0, 2, len(at))]
    rows[at, 48:72] = _LABELS[kind]
    rows[at, 73:79] = digits(rng.integers(0, 10**6, len(at)), 6)
    rows[at, 81:88] = digits(rng.integers(0, 10**7, len(at)), 7)
    rows[at, 90:104] = signed(amounts)


def _complements(rng: np.random.Generator, rows: Rows, movements: Ints, chosen: Ints) -> None:
    at = movements[chosen] + 1
    rows[at, 0:2] = np.frombuffer(b"05", np.uint8)
    rows[at, 32:40] = rows[at - 1, 32:40]
    rows[at, 45:88] = _COMPLEMENTS[rng.integers(0, len(_COMPLEMENTS), len(at))]
    rows[at, 88:96] = digits(rng.integers(0, 10**8, len(at)), 8)


def digits(values: Ints, width: int) -> Rows:
    """Whole numbers ≥ 0 as `width` figures, zeros before them."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (values[:, None] // powers % 10 + ord("0")).astype(np.uint8)


def signed(amounts: Ints) -> Rows:
    """Amounts as CFONB writes them: 14 characters, the last with its sign."""
    cells, last = digits(np.abs(amounts), 14), np.abs(amounts) % 10
    cells[:, 13] = np.where(amounts < 0, _MINUS[last], _PLUS[last])
    return cells


def _day(day: date) -> Rows:
    return np.frombuffer(f"{day:%d%m%y}".encode(), np.uint8)


def _texts(texts: tuple[str, ...], width: int) -> Rows:
    padded = "".join(text.ljust(width) for text in texts).encode("latin-1")
    return np.frombuffer(padded, np.uint8).reshape(len(texts), width)


_PLUS, _MINUS = (np.frombuffer(signs, np.uint8) for signs in (b"{ABCDEFGHI", b"}JKLMNOPQR"))
_LABELS = _texts(
    ("VIR SEPA RECU CLIENT", "PRLV SEPA ÉLECTRICITÉ", "CARTE ACHAT MAGASIN", "CHEQUE", "REMISE CB", "FRAIS DE TENUE"),
    24,
)
_CODES = _texts(("05", "08", "11", "01", "17", "62"), 2)
_COMPLEMENTS = _texts(("LIBFACTURE DU MOIS NUMERO", "NPYSOCIETE DU MARCHE", "RCNMANDAT PERMANENT REFERENCE"), 43)
