"""What is set aside: listed by reason in pages, within what a person may see; one of them with what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.iban import masked
from sobank.errors import NotFound
from sobank.store.database import Database
from sobank.store.listing import Page, Wish, cabinets_of, counted, looking
from sobank.store.schema import accounts, bank_files, cabinets, entries, quarantine, statements
from sobank.store.statement_sheet import MOST_ENTRIES, rivals_of

_OPEN: Final = quarantine.c.closed_at.is_(None)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """A statement in quarantine. `iban` is masked; amounts in minor units; `reasons` in the order they were found.

    cabinet: None where nobody has registered the account. sum: of the movements. opening, closing, and their dates:
    None where they cannot be read.
    """

    statement_id: int
    account_id: int | None
    iban: str
    cabinet: str | None
    bank_file: str
    position: int
    business_date: date
    currency: str
    decimals: int
    opening_date: date | None
    opening: int | None
    closing_date: date | None
    closing: int | None
    n_entries: int
    sum: int
    reasons: tuple[str, ...]
    since: datetime

    @property
    def off_by(self) -> int | None:
        """By how much opening and movements miss the closing balance; None where a balance cannot be read (S8)."""
        if self.opening is None or self.closing is None:
            return None
        return self.closing - self.opening - self.sum


@dataclass(frozen=True, kw_only=True, slots=True)
class Movement:
    """One movement; `amount` in minor units. `label` is for who may see the account, and for nothing that is kept."""

    seq: int
    booking_date: date
    value_date: date | None
    amount: int
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rival:
    """Another statement of the same identity (S10): its file, and what became of it."""

    statement_id: int
    bank_file: str
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineSheet:
    """One statement set aside: what was found, codes of its errors and warnings, its first MOST_ENTRIES movements."""

    statement: SetAside
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    movements: tuple[Movement, ...]
    rivals: tuple[Rival, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineFilter:
    """What to look for; None leaves a filter out. day: business date; first, last: the same, included.

    user: only cabinets of which this person is a member; None is the operator, who also sees what is nobody's.
    """

    user: str | None
    reason: str | None = None
    cabinet: str | None = None
    day: date | None = None
    first: date | None = None
    last: date | None = None


def quarantine_page(database: Database, wanted: QuarantineFilter, *, page: int = 1, size: int = 50) -> Page[SetAside]:
    """Statements set aside, in the order in which they came; see `listing` for the bounds of a page."""
    wish, found = Wish.of(page, size), _matching(wanted)
    with looking(database) as connection:
        total, more = counted(connection, found.with_only_columns(statements.c.id))
        rows = connection.execute(found.order_by(statements.c.id).limit(wish.room).offset(wish.offset)).mappings().all()
        shown = _with_reasons(connection, rows)
    return Page(rows=shown, total=total, more=more, page=wish.page, size=wish.size)


def reason_counts(database: Database, wanted: QuarantineFilter) -> dict[str, int]:
    """How many statements have each reason, whatever reason is asked for; one with two reasons counts under both."""
    every = replace(wanted, reason=None)
    found = _matching(every).with_only_columns(statements.c.id).subquery()
    query = (
        sa.select(quarantine.c.reason, sa.func.count().label("statements"))
        .join(found, found.c.id == quarantine.c.statement_id)
        .where(_OPEN)
        .group_by(quarantine.c.reason)
        .order_by(quarantine.c.reason)
    )
    with looking(database) as connection:
        return {row.reason: row.statements for row in connection.execute(query)}


def quarantine_ids(database: Database, wanted: QuarantineFilter) -> list[int]:
    """Ids of every statement that matches, for a decision on all of them."""
    query = _matching(wanted).with_only_columns(statements.c.id).order_by(statements.c.id)
    with looking(database) as connection:
        return list(connection.scalars(query))


def quarantine_rows(database: Database, wanted: QuarantineFilter, ids: Sequence[int]) -> tuple[SetAside, ...]:
    """Those of some statements that match, by id; what is not in quarantine any more is left out."""
    query = _matching(wanted).where(statements.c.id.in_(ids)).order_by(statements.c.id)
    with looking(database) as connection:
        return _with_reasons(connection, connection.execute(query).mappings().all())


def quarantine_sheet(database: Database, statement_id: int, *, user: str | None) -> QuarantineSheet:
    """One statement that is set aside.

    Raises:
        NotFound: there is no such statement in quarantine on a cabinet of `user`.
    """
    query = _matching(QuarantineFilter(user=user)).add_columns(statements.c.errors, statements.c.warnings)
    with looking(database) as connection:
        row = connection.execute(query.where(statements.c.id == statement_id)).mappings().one_or_none()
        if row is None:
            raise NotFound(
                "no such statement in quarantine",
                subject=f"statement {statement_id}",
                remedy="`sobank quarantine list` shows those there are; it may have been decided meanwhile",
            )
        others = rivals_of(row["identity"], statement_id, user=user)
        return QuarantineSheet(
            statement=_with_reasons(connection, [row])[0],
            errors=tuple(row["errors"].split()),
            warnings=tuple(row["warnings"].split()),
            movements=_movements(connection, statement_id),
            rivals=tuple(Rival(**one._mapping) for one in connection.execute(others)),
        )


def _matching(wanted: QuarantineFilter) -> sa.Select[Any]:
    """What is open is reached by its own partial index: it costs the same however many statements there are."""
    set_aside = sa.select(quarantine.c.statement_id).where(_OPEN)
    if wanted.reason is not None:
        set_aside = set_aside.where(quarantine.c.reason == wanted.reason)
    s = statements.c
    columns = (
        s.id, s.account_id, s.bban, s.position, s.identity, s.business_date, s.currency, s.decimals, s.opening_date,
        s.opening, s.closing_date, s.closing, s.n_entries, s.credit, s.debit,
    )  # fmt: skip
    query = (
        sa.select(*columns, accounts.c.iban, cabinets.c.code, bank_files.c.name.label("bank_file"))
        .select_from(
            statements.join(bank_files, bank_files.c.id == s.bank_file_id)
            .outerjoin(accounts, accounts.c.id == s.account_id)
            .outerjoin(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        )
        .where(s.status == "quarantined", s.id.in_(set_aside))
    )
    if wanted.user is not None:
        query = query.where(accounts.c.cabinet_id.in_(cabinets_of(wanted.user)))
    if wanted.cabinet is not None:
        query = query.where(cabinets.c.code == wanted.cabinet)
    if wanted.day is not None:
        query = query.where(s.business_date == wanted.day)
    if wanted.first is not None:
        query = query.where(s.business_date >= wanted.first)
    if wanted.last is not None:
        query = query.where(s.business_date <= wanted.last)
    return query


def _with_reasons(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> tuple[SetAside, ...]:
    query = sa.select(quarantine.c.statement_id, quarantine.c.reason, quarantine.c.opened_at)
    query = query.where(quarantine.c.statement_id.in_([row["id"] for row in rows]), _OPEN)
    reasons: dict[int, list[tuple[str, datetime]]] = {}
    for statement_id, why, since in connection.execute(query.order_by(quarantine.c.id)):
        reasons.setdefault(statement_id, []).append((why, since))
    return tuple(_set_aside(row, reasons[row["id"]]) for row in rows)


def _movements(connection: sa.Connection, statement_id: int) -> tuple[Movement, ...]:
    e = entries.c
    query = sa.select(e.seq, e.booking_date, e.value_date, e.amount, e.label).where(e.statement_id == statement_id)
    return tuple(Movement(**row._mapping) for row in connection.execute(query.order_by(e.seq).limit(MOST_ENTRIES)))


def _set_aside(row: sa.RowMapping, reasons: list[tuple[str, datetime]]) -> SetAside:
    taken = ("account_id", "bank_file", "position", "business_date", "currency", "decimals", "opening_date", "opening",
             "closing_date", "closing", "n_entries")  # fmt: skip
    return SetAside(
        statement_id=row["id"],
        iban=masked(row["iban"] or row["bban"]),
        cabinet=row["code"],
        sum=row["credit"] + row["debit"],
        reasons=tuple(reason for reason, _ in reasons),
        since=min(since for _, since in reasons),
        **{name: row[name] for name in taken},
    )
