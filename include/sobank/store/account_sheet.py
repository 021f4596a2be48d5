"""The statements of one account as its sheet lists them: balances, what became of each, and where it went (S9, D3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.balance_chain import Balances
from sobank.domain.delivery import BatchState
from sobank.domain.routing import Reason
from sobank.store.database import Database
from sobank.store.listing import Page, Wish, cabinets_of, counted, looking
from sobank.store.schema import accounts, allocations, batches, connectors, quarantine, statements
from sobank.store.standing import status

#: Older statements read beside a page, so that its oldest is seen in its chain even after some that are in none.
_BESIDE: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOfStatement:
    """The batch in which a statement leaves. connector: name, None for the global file of the cabinet."""

    id: int
    object_name: str
    business_date: date
    state: BatchState
    connector: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """Who decided that a statement never leaves, and why."""

    by: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementOfAccount:
    """A statement; amounts in minor units, None where they cannot be read. reasons: why it is set aside now."""

    id: int
    status: str
    business_date: date
    opening_date: date | None
    opening: int | None
    closing_date: date | None
    closing: int | None
    currency: str
    decimals: int
    n_entries: int
    credit: int
    debit: int
    warnings: tuple[str, ...]
    batch: BatchOfStatement | None
    reasons: tuple[str, ...]
    rejection: Rejection | None

    @property
    def balances(self) -> Balances | None:
        """Its place in the chain; None where it has none: given up, the double of another, or not to be read."""
        if self.opening_date is None or self.opening is None or self.closing_date is None or self.closing is None:
            return None
        if self.status == "rejected" or Reason.CONFLICT in self.reasons:
            return None
        return Balances(
            id=self.id, opening_date=self.opening_date, opening=self.opening, closing_date=self.closing_date,
            closing=self.closing,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSheet:
    """A page of statements, newest first, and the balances of a few older ones, in which their chain begins."""

    page: Page[StatementOfAccount]
    older: tuple[Balances, ...]


def account_sheet(
    database: Database, account_id: int, *, user: str | None, page: int = 1, size: int = 50
) -> AccountSheet:
    """Statements of an account; none if it is not of a cabinet of this person (None: the operator)."""
    wish, s = Wish.of(page, size), statements.c
    mine = sa.select(accounts.c.id).where(accounts.c.id == account_id, accounts.c.cabinet_id.in_(cabinets_of(user)))
    matching = sa.select(s.id).where(s.account_id == mine.scalar_subquery())
    order = (s.business_date.desc(), s.opening_date.desc(), s.id.desc())
    with looking(database) as connection:
        total, more = counted(connection, matching)
        chosen = matching.order_by(*order).limit(wish.size + _BESIDE).offset(wish.offset)
        ids = list(connection.scalars(chosen))
        found = _rows(connection, ids)
    rows = [found[id_] for id_ in ids]
    shown = tuple(rows[: wish.size])
    return AccountSheet(
        page=Page(rows=shown, total=total, more=more, page=wish.page, size=wish.size),
        older=tuple(balances for row in rows[len(shown) :] if (balances := row.balances)),
    )


def statement_of_account(
    database: Database, account_id: int, statement_id: int, *, user: str | None
) -> StatementOfAccount | None:
    """One statement; None where it is not of this account, or the account of no cabinet of this person."""
    mine = sa.select(accounts.c.id).where(accounts.c.id == account_id, accounts.c.cabinet_id.in_(cabinets_of(user)))
    s = statements.c
    with looking(database) as connection:
        ids = list(
            connection.scalars(sa.select(s.id).where(s.id == statement_id, s.account_id == mine.scalar_subquery()))
        )
        return _rows(connection, ids).get(statement_id)


def _rows(connection: sa.Connection, ids: list[int]) -> dict[int, StatementOfAccount]:
    s, b = statements.c, batches.c
    columns = [
        s.id, status(), s.business_date, s.opening_date, s.opening, s.closing_date, s.closing, s.currency, s.decimals,
        s.n_entries, s.credit, s.debit, s.warnings,
    ]  # fmt: skip
    leaving = [
        b.id.label("batch_id"), b.object_name, b.business_date.label("batch_date"), b.state, connectors.c.name,
    ]  # fmt: skip
    query = (
        sa.select(*columns, *leaving)
        .select_from(
            statements.outerjoin(allocations, allocations.c.statement_id == s.id)
            .outerjoin(batches, b.id == allocations.c.batch_id)
            .outerjoin(connectors, connectors.c.id == b.connector_id)
        )
        .where(s.id.in_(ids))
    )
    reasons, rejections = _set_aside(connection, ids)
    return {
        row.id: StatementOfAccount(
            **{column.name: row._mapping[column.name] for column in columns if column.name != "warnings"},
            warnings=tuple(row.warnings.split()),
            batch=_batch(row),
            reasons=tuple(reasons.get(row.id, ())),
            rejection=rejections.get(row.id) if row.status == "rejected" else None,
        )
        for row in connection.execute(query)
    }


def _batch(row: Any) -> BatchOfStatement | None:
    if row.batch_id is None:
        return None
    return BatchOfStatement(
        id=row.batch_id, object_name=row.object_name, business_date=row.batch_date, state=BatchState(row.state),
        connector=row.name,
    )  # fmt: skip


def _set_aside(connection: sa.Connection, ids: list[int]) -> tuple[dict[int, list[str]], dict[int, Rejection]]:
    """Open reasons by statement, in the order in which they were found; and who gave it up."""
    q = quarantine.c
    reasons: dict[int, list[str]] = {}
    rejections: dict[int, Rejection] = {}
    for row in connection.execute(sa.select(quarantine).where(q.statement_id.in_(ids)).order_by(q.id)):
        if row.closed_at is None:
            reasons.setdefault(row.statement_id, []).append(row.reason)
        elif row.resolution == "rejected":
            rejections[row.statement_id] = Rejection(by=row.resolved_by, why=row.resolution_reason)
    return reasons, rejections
