"""The seeded registry of a million accounts: who owns them, what each is called, and the statements they received.

As in the day (`day.py`), cabinets are 2,000 and the largest has 5 % of the accounts; here it also comes first in the
list, where everybody looks. A dossier has four accounts. Every account has received one statement, those of the first
`OLD` one a day for two years.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks import day
from sobank.formats.cfonb120_identity import account_numbers
from sobank.store import schema
from sobank.store.bulk import bulk
from sobank.store.database import Database, with_literals

#: Members: of the largest cabinet, of a small one, of one in ten.
BIG, SMALL, MANY = "big", "small", "many"
OLD, OLD_DAYS = 200, 500
STEPS: Final = ("approved", "draft", "signed", "sent_to_bank", "bank_processing", "revoked", "rejected", "expired")
_STEP_SHARES: Final = (0.85, 0.05, 0.03, 0.03, 0.02, 0.01, 0.005, 0.005)
_BANKS: Final = ("30004", "30003", "30002", "10278", "13506", "14445", "17515", "18206")
_TRADES: Final = ("Boulangerie", "Garage", "Société", "Pharmacie", "Menuiserie", "Café", "Épicerie", "Atelier")
_PLACES: Final = (
    "du Port",
    "de la Gare",
    "du Marché",
    "des Écoles",
    "du Centre",
    "de l'Église",
    "des Halles",
    "du Lac",
)
#: One company in ten thousand is called so.
RARE: Final = "Zinguerie"
_ACCOUNTS_EACH: Final = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Everything about the registry, by place in the list: cabinet, dossier, IBAN. Ids count from 1 in this order."""

    cabinet: npt.NDArray[np.int64]
    dossier: npt.NDArray[np.int64]
    cabinet_of_dossier: npt.NDArray[np.int64]
    iban: pa.Array
    bban: pa.Array
    bank: npt.NDArray[np.int64]
    company: list[str]
    siret: list[str]
    step: npt.NDArray[np.int64]
    associated: npt.NDArray[np.bool_]
    cabinets: int

    @property
    def accounts(self) -> int:
        """How many there are."""
        return len(self.cabinet)

    def code(self, cabinet: int) -> str:
        """Code of a cabinet."""
        return f"CAB{cabinet:05d}"

    def members(self) -> dict[str, list[int]]:
        """Cabinets by the name of their member."""
        return {BIG: [0], SMALL: [self.cabinets - 1], MANY: list(range(0, self.cabinets, 10))}


def world(accounts: int) -> World:
    """The registry of so many accounts, the same every time."""
    planned = day.plan(accounts / day.STATEMENTS)
    rng = np.random.default_rng(20261122)
    cabinet = np.sort(planned.cabinet)
    size = len(cabinet)
    first = np.searchsorted(cabinet, np.arange(planned.cabinets))
    in_cabinet = np.arange(size) - first[cabinet]
    new = in_cabinet % _ACCOUNTS_EACH == 0
    dossier = np.cumsum(new) - 1
    # The numbers of a dossier's accounts ascend as its accounts do: places in the list are ids.
    number = rng.permutation(size // _ACCOUNTS_EACH + planned.cabinets)[dossier] * _ACCOUNTS_EACH + in_cabinet % 4
    bank = rng.integers(0, len(_BANKS), int(dossier[-1]) + 1)[dossier]
    codes = np.array([list(code.encode()) for code in _BANKS], np.uint8)
    branch = np.broadcast_to(np.frombuffer(b"00828", np.uint8), (size, 5))
    bban, iban = account_numbers(codes[bank], branch, day.digits(number + 1, 11))
    count = int(dossier[-1]) + 1
    return World(
        cabinet=cabinet,
        dossier=dossier,
        cabinet_of_dossier=cabinet[new],
        iban=iban,
        bban=bban,
        bank=bank,
        company=_companies(rng, count),
        siret=[f"{digits:014d}" for digits in rng.integers(10**13, 10**14, count)],
        step=rng.choice(len(STEPS), size, p=_STEP_SHARES),
        associated=planned.associated,
        cabinets=planned.cabinets,
    )


def _companies(rng: np.random.Generator, count: int) -> list[str]:
    trades, places = rng.integers(0, len(_TRADES), count), rng.integers(0, len(_PLACES), count)
    names = [f"{_TRADES[t]} {_PLACES[p]} {n}" for n, (t, p) in enumerate(zip(trades, places, strict=True))]
    for n in range(5, count, 10_000):
        names[n] = f"{RARE} {names[n]}"
    return names


def load(database: Database, made: World) -> None:
    """Fill an empty migrated PostgreSQL."""
    with bulk(database, exclusive="ingest") as rows:
        for table, values in _registry(made).items():
            target = schema.metadata.tables[table]
            if "id" in target.c:
                values = values.append_column("id", rows.new_ids(target, values.num_rows))
            rows.insert(target, values)
        rows.execute("SET LOCAL session_replication_role = replica")  # what is made here needs no check of keys
        for statement in _RECEIVED:
            rows.execute(with_literals(statement, {"old": OLD, "days": OLD_DAYS, "day": day.DAY}))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE, FREEZE)")


def _registry(made: World) -> dict[str, Any]:
    ids, taken = np.arange(made.accounts) + 1, np.flatnonzero(made.associated)
    since = pa.scalar(day.NOW - timedelta(days=90), pa.timestamp("us", tz="UTC"))
    codes = [made.code(n) for n in range(made.cabinets)]
    members = [(user, cabinet + 1) for user, theirs in made.members().items() for cabinet in theirs]
    first = np.searchsorted(made.cabinet_of_dossier, np.arange(made.cabinets))
    local = np.arange(len(made.company)) - first[made.cabinet_of_dossier]
    return {
        "cabinets": pa.table({"code": codes, "name": [f"Cabinet {code}" for code in codes]}),
        "memberships": pa.table(
            {
                "user": [user for user, _ in members],
                "cabinet_id": [cabinet for _, cabinet in members],
                "profile": pa.repeat("superviseur", len(members)),
            }
        ),
        "dossiers": pa.table(
            {
                "cabinet_id": made.cabinet_of_dossier + 1,
                "reference": [f"D{n:06d}" for n in local],
                "name": made.company,
                "siret": made.siret,
            }
        ),
        "accounts": pa.table(
            {
                "cabinet_id": made.cabinet + 1,
                "dossier_id": made.dossier + 1,
                "iban": made.iban,
                "bban": made.bban,
                "currency": pa.repeat("EUR", made.accounts),
                "bank_name": [f"Banque {_BANKS[n]}" for n in made.bank],
            }
        ),
        "mandates": pa.table(
            {
                "account_id": ids,
                "step": pa.array(STEPS).take(pa.array(made.step)),
                "step_since": pa.repeat(since, made.accounts),
                "current": pa.repeat(pa.scalar(True), made.accounts),
            }
        ),
        "connectors": pa.table(
            {
                "cabinet_id": np.arange(made.cabinets) + 1,
                "partner": [connector_of(n).split("-")[0] for n in range(made.cabinets)],
                "name": [connector_of(n) for n in range(made.cabinets)],
            }
        ),
        "associations": pa.table(
            {
                "account_id": taken + 1,
                "connector_id": made.cabinet[taken] + 1,
                "since": pa.repeat(since, len(taken)),
                "decided_by": pa.repeat("bench", len(taken)),
            }
        ),
    }


def connector_of(cabinet: int) -> str:
    """Name of the one connector of a cabinet."""
    return day.CONNECTORS[cabinet % len(day.CONNECTORS)]


_RECEIVED: Final = (
    """
    INSERT INTO bank_files (sha256, name, format, size, ingested_at, records_total, records_parsed, records_blank,
                            records_refused, statements, duplicates)
    VALUES (sha256('bench'), 'bench.txt', 'cfonb120', 0, now(), 0, 0, 0, 0, 0, 0)
    """,
    """
    INSERT INTO statements (bank_file_id, position, status, identity, content_sha256, account_id, bban, bank, branch,
                            account, currency, decimals, business_date, due_date, opening_date, opening, closing_date,
                            closing, n_entries, credit, debit, n_records, records, warnings, errors)
    SELECT 1, row_number() OVER (), 'accepted',
           sha256(convert_to(a.bban || n, 'UTF8')), sha256(convert_to('c' || a.bban || n, 'UTF8')), a.id, a.bban,
           left(a.bban, 5), substr(a.bban, 6, 5), substr(a.bban, 11, 11), 'EUR', 2, d, d, d - 1, 0, d, 0, 0, 0, 0, 2,
           convert_to(repeat('0', 240), 'UTF8'), '', ''
      FROM accounts a JOIN mandates m ON m.account_id = a.id,
           LATERAL generate_series(1, CASE WHEN a.id <= :old THEN :days ELSE 1 END) n,
           LATERAL (SELECT :day - n::int + 1 AS d) days
    """,
    """
    INSERT INTO undecided
    SELECT s.id FROM statements s JOIN mandates m ON m.account_id = s.account_id WHERE m.step <> 'approved'
    """,
    """
    INSERT INTO batches (destination, kind, cabinet_id, connector_id, business_date, seq, state, object_name,
                         idempotency_key, payload_sha256, payload_size, n_statements, n_entries, n_records, credit,
                         debit, first_date, last_date, run_day, sealed_at, fence, receipt)
    SELECT CASE WHEN k.id IS NULL THEN 'global:' || c.code ELSE 'connector:' || c.code || '/' || k.name END,
           CASE WHEN k.id IS NULL THEN 'global' ELSE 'connector' END, c.id, k.id, s.business_date, 1,
           'delivered', 'b', c.code || s.business_date || coalesce(k.id, 0), sha256('b'), 1, count(*), 0,
           count(*) * 2, 0, 0, s.business_date, s.business_date, s.business_date, now(), 1, '{"remote_name": "b"}'
      FROM statements s
      JOIN accounts a ON a.id = s.account_id JOIN cabinets c ON c.id = a.cabinet_id
      LEFT JOIN associations x ON x.account_id = a.id LEFT JOIN connectors k ON k.id = x.connector_id
     WHERE NOT EXISTS (SELECT FROM undecided u WHERE u.statement_id = s.id)
     GROUP BY c.id, c.code, k.id, k.name, s.business_date
    """,
    """
    INSERT INTO allocations (statement_id, batch_id, mandate_id, association_id, decided_at)
    SELECT s.id, b.id, m.id, x.id, now()
      FROM statements s
      JOIN accounts a ON a.id = s.account_id JOIN mandates m ON m.account_id = a.id
      LEFT JOIN associations x ON x.account_id = a.id
      JOIN batches b ON b.cabinet_id = a.cabinet_id AND b.business_date = s.business_date
                    AND b.connector_id IS NOT DISTINCT FROM x.connector_id
     WHERE NOT EXISTS (SELECT FROM undecided u WHERE u.statement_id = s.id)
    """,
)
