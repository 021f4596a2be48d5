"""What pages of deliveries show beside the ledger: statements of a batch, days of runs, bank files last taken in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.store.database import Database
from sobank.store.listing import Page, Wish, cabinets_of, counted, looking
from sobank.store.schema import accounts, allocations, bank_files, batches, dossiers, statements


@dataclass(frozen=True, kw_only=True, slots=True)
class InBatch:
    """A statement of a batch; amounts in minor units, None where they cannot be read."""

    statement_id: int
    account_id: int
    iban: str
    dossier: str
    business_date: date
    currency: str
    decimals: int
    opening: int | None
    closing: int | None
    n_entries: int
    sum: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """A receipt in short: when (UTC), and the hash of what arrived, in hex."""

    at: datetime
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunDay:
    """A business day and what its runs sealed: batches and statements in them by state."""

    day: date
    batches: dict[BatchState, int]
    statements: int

    @property
    def total(self) -> int:
        """Batches of every state."""
        return sum(self.batches.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class BankFileRow:
    """A bank file; statements: of cabinets of who looks, quarantined: of those, how many are set aside now.

    duplicates, refused: statements that came again, and records that could not be read, of the whole file; None for who
    may not know of the rest of it.
    """

    name: str
    format: str
    ingested_at: datetime
    statements: int
    quarantined: int
    duplicates: int | None
    refused: int | None


def statements_of_batch(
    database: Database, batch_id: int, *, user: str | None, page: int = 1, size: int = 50
) -> Page[InBatch]:
    """Statements of a batch in the order of its file: IBAN, then date (O1). None of a batch that was given back.

    user: only if it is of a cabinet of this person; None is the operator.
    """
    wish, s = Wish.of(page, size), statements.c
    mine = sa.select(batches.c.id).where(batches.c.id == batch_id, batches.c.cabinet_id.in_(cabinets_of(user)))
    found = (
        sa.select(
            s.id.label("statement_id"), accounts.c.id.label("account_id"), accounts.c.iban,
            dossiers.c.name.label("dossier"), s.business_date, s.currency, s.decimals, s.opening, s.closing,
            s.n_entries, (s.credit + s.debit).label("sum"),
        )
        .select_from(
            allocations.join(statements, s.id == allocations.c.statement_id)
            .join(accounts, accounts.c.id == s.account_id)
            .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
        )
        .where(allocations.c.batch_id.in_(mine))
    )  # fmt: skip
    with looking(database) as connection:
        total, more = counted(connection, found.with_only_columns(s.id))
        rows = connection.execute(
            found.order_by(accounts.c.iban, s.business_date, s.id).limit(wish.room).offset(wish.offset)
        )
        shown = tuple(InBatch(**row._mapping) for row in rows)
    return Page(rows=shown, total=total, more=more, page=wish.page, size=wish.size)


def receipts(database: Database, batch_ids: Sequence[int], *, user: str | None) -> dict[int, Arrival]:
    """The evidence of those batches that have one. user: only of his cabinets; None is the operator."""
    b = batches.c
    query = sa.select(b.id, b.receipt).where(b.id.in_(batch_ids), b.cabinet_id.in_(cabinets_of(user)))
    with looking(database) as connection:
        found = connection.execute(query.where(b.receipt.is_not(None))).all()
    return {
        row.id: Arrival(at=datetime.fromisoformat(row.receipt["at"]), sha256=row.receipt["sha256"]) for row in found
    }


def run_days(database: Database, *, user: str | None, last: int = 14) -> list[RunDay]:
    """The last business days for which a run sealed something, newest first. user: as above."""
    b = batches.c
    mine = sa.true() if user is None else b.cabinet_id.in_(cabinets_of(user))
    days = sa.select(b.run_day).where(mine).distinct().order_by(b.run_day.desc()).limit(last).subquery()
    query = (
        sa.select(b.run_day, b.state, sa.func.count().label("n"), sa.func.sum(b.n_statements).label("statements"))
        .where(mine, b.run_day.in_(sa.select(days.c.run_day)))
        .group_by(b.run_day, b.state)
        .order_by(b.run_day.desc())
    )
    with looking(database) as connection:
        rows = connection.execute(query).all()
    return [
        RunDay(
            day=day,
            batches={BatchState(row.state): row.n for row in rows if row.run_day == day},
            statements=sum(int(row.statements) for row in rows if row.run_day == day),
        )
        for day in dict.fromkeys(row.run_day for row in rows)
    ]


def last_bank_files(database: Database, *, user: str | None, limit: int = 30) -> list[BankFileRow]:
    """The bank files last taken in, newest first.

    user: only those that hold statements of his cabinets, and of them no more; None is the operator, who sees all.
    """
    f, s = bank_files.c, statements.c
    mine = [] if user is None else [accounts.c.cabinet_id.in_(cabinets_of(user))]
    query = sa.select(bank_files).order_by(f.ingested_at.desc(), f.id.desc()).limit(limit)
    if mine:
        theirs = sa.select(s.bank_file_id).join(accounts, accounts.c.id == s.account_id).where(*mine)
        query = query.where(f.id.in_(theirs))
    with looking(database) as connection:
        files = connection.execute(query).all()
        set_aside = sa.func.count().filter(s.status == "quarantined").label("quarantined")
        counts = sa.select(s.bank_file_id, sa.func.count().label("all"), set_aside)
        counts = counts.where(s.bank_file_id.in_([file.id for file in files]), *mine).group_by(s.bank_file_id)
        if mine:
            counts = counts.join(accounts, accounts.c.id == s.account_id)
        held: dict[int, Any] = {row.bank_file_id: row for row in connection.execute(counts)}
    return [
        BankFileRow(
            name=file.name, format=file.format, ingested_at=file.ingested_at,
            statements=held[file.id].all if file.id in held else 0,
            quarantined=held[file.id].quarantined if file.id in held else 0,
            duplicates=file.duplicates if user is None else None,
            refused=file.records_refused if user is None else None,
        )
        for file in files
    ]  # fmt: skip
