"""Which banks have sent what they should: the accounts with an approved mandate, and their newest statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.registry import MandateStep
from sobank.store.database import Database
from sobank.store.listing import cabinets_of, looking
from sobank.store.schema import accounts, cabinets, mandates, statements

#: Literals: PostgreSQL groups by an expression only where it is asked for in the same words.
_BANK: Final = sa.func.coalesce(
    accounts.c.bank_name, sa.func.substr(accounts.c.bban, sa.literal_column("1"), sa.literal_column("5"))
)
_COLLECTED: Final = accounts.join(
    mandates,
    sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current, mandates.c.step == MandateStep.APPROVED),
).join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
_OPEN: Final = sa.and_(accounts.c.closed_at.is_(None), cabinets.c.closed_at.is_(None))


@dataclass(frozen=True, kw_only=True, slots=True)
class BankNews:
    """A bank, by its name or else its code: accounts it should send, how many of them have sent nothing since a day.

    last: newest business date that any of them sent; None where there is none in the days that were looked at.
    """

    bank: str
    accounts: int
    silent: int
    last: date | None


def bank_news(database: Database, *, since: date, days: Sequence[date], user: str | None) -> tuple[BankNews, ...]:
    """Banks of the accounts with an approved mandate, the most worrying first.

    Args:
        since: who has sent no statement of this business day or a later one is silent.
        days: newest first; where to look for the last news of a bank that is silent as a whole.
        user: whose cabinets are counted; None is the operator, who sees every cabinet.
    """
    mine = cabinet_numbers(database, user)
    with looking(database) as connection:
        found = [
            BankNews(bank=row.bank, accounts=row.accounts, silent=int(row.silent), last=row.last)
            for row in connection.execute(_mine(_since(since), mine))
        ]
        for day in (day for day in days if day < since):
            if not (quiet := [bank.bank for bank in found if bank.last is None]):
                break
            heard = set(connection.scalars(_mine(_heard(day, quiet), mine)))
            found = [replace(bank, last=day) if bank.bank in heard else bank for bank in found]
    return tuple(sorted(found, key=_worry))


def _worry(bank: BankNews) -> tuple[date, float, int, str]:
    return bank.last or date.min, -bank.silent / bank.accounts, -bank.silent, bank.bank


def _since(since: date) -> sa.Select[Any]:
    s = statements.c
    heard = (
        sa.select(s.account_id, sa.func.max(s.business_date).label("last"))
        .where(s.business_date >= since, s.account_id.is_not(None))
        .group_by(s.account_id)
        .subquery()
    )
    silent = sa.func.sum(sa.case((heard.c.last.is_(None), 1), else_=0))
    columns = [_BANK.label("bank"), sa.func.count().label("accounts"), silent.label("silent")]
    return (
        sa.select(*columns, sa.func.max(heard.c.last).label("last"))
        .select_from(_COLLECTED.outerjoin(heard, heard.c.account_id == accounts.c.id))
        .where(_OPEN)
        .group_by(_BANK)
    )


def _heard(day: date, banks: Sequence[str]) -> sa.Select[Any]:
    return (
        sa.select(_BANK)
        .distinct()
        .select_from(_COLLECTED.join(statements, statements.c.account_id == accounts.c.id))
        .where(statements.c.business_date == day, _OPEN, _BANK.in_(banks))
    )


def cabinet_numbers(database: Database, user: str | None) -> tuple[int, ...] | None:
    """The cabinets of a member as numbers; None is the operator, who sees every cabinet.

    Asked before the question itself: PostgreSQL then knows how few of the rows of a day are his, and plans for that.
    """
    if user is None:
        return None
    with database.read() as connection:
        return tuple(connection.scalars(cabinets_of(user)))


def _mine(query: sa.Select[Any], numbers: Sequence[int] | None) -> sa.Select[Any]:
    return query if numbers is None else query.where(accounts.c.cabinet_id.in_(numbers))
