"""Where a statement stands, as people know it: `pending`, `decided`, `quarantined` or `rejected`.

An accepted statement is pending while it has a row in `undecided` (schema/received.py), and decided from then on.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.routing import MISREAD
from sobank.store.schema import accounts, statements, undecided

_ACCEPTED: Final[sa.ColumnElement[str]] = sa.literal_column("'accepted'")


def is_undecided(s: Any = statements) -> sa.ColumnElement[bool]:
    """Whether it waits for a decision."""
    return sa.exists(sa.select(undecided.c.statement_id).where(undecided.c.statement_id == s.c.id))


def is_accepted(s: Any = statements) -> sa.ColumnElement[bool]:
    """Whether it is on its way: pending or decided. Literal, so that PostgreSQL sees which partial index has it."""
    found: sa.ColumnElement[bool] = s.c.status == _ACCEPTED
    return found


def is_decided(s: Any = statements) -> sa.ColumnElement[bool]:
    """Whether it has been given a destination."""
    return sa.and_(is_accepted(s), ~is_undecided(s))


def is_unreadable(s: Any = statements) -> sa.ColumnElement[bool]:
    """Whether it cannot be released: a balance or a day is not known, or its records hold more than was read."""
    unread = (s.c.opening.is_(None), s.c.opening_date.is_(None), s.c.closing.is_(None), s.c.closing_date.is_(None))
    errors = sa.literal_column("' '").concat(s.c.errors).concat(sa.literal_column("' '"))
    return sa.or_(*unread, *(errors.contains(f" {code} ", autoescape=True) for code in sorted(MISREAD)))


def status(s: Any = statements) -> sa.Label[Any]:
    """The word for it, as a column `status`; literals only, so that a query may group by it."""
    return sa.case(
        (s.c.status != _ACCEPTED, s.c.status),
        (is_undecided(s), sa.literal_column("'pending'")),
        else_=sa.literal_column("'decided'"),
    ).label("status")


def list_undecided(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> None:
    """Put statements back on the list of what waits for a decision, each with the cabinet of its account."""
    whose = sa.select(statements.c.id, accounts.c.cabinet_id).outerjoin(
        accounts, accounts.c.id == statements.c.account_id
    )
    connection.execute(sa.insert(undecided).from_select(["statement_id", "cabinet_id"], whose.where(chosen)))
