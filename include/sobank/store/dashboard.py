"""What the dashboard shows, counted day by day: every question reads a bounded number of days, through their index.

user, everywhere: whose cabinets are counted; None is the operator, who sees every cabinet, and also what came for an
account that nobody has registered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import FINAL_STATES, BatchState
from sobank.domain.registry import MandateStep
from sobank.store.bank_news import cabinet_numbers
from sobank.store.database import Database
from sobank.store.exact_sum import exact_sum
from sobank.store.listing import looking
from sobank.store.schema import accounts, associations, batches, cabinets, connectors, mandates, statements
from sobank.store.standing import is_undecided, status

#: Days without statements between two that have some: beyond so many, the older ones are another story.
_SPAN: Final = timedelta(days=60)
#: A statement waits, and no run has missed it, as long as its mandate stands at one of these (D3).
_WAITING: Final = (
    MandateStep.DRAFT,
    MandateStep.SIGNED,
    MandateStep.SENT_TO_BANK,
    MandateStep.BANK_PROCESSING,
    MandateStep.REJECTED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """Statements of one business day for one place: where they are now.

    partner: code; None for global files. known: False where nobody has registered the account.
    under_way: in a batch that has not arrived. undecided: a run should have taken them. held: a person must decide.
    """

    day: date
    partner: str | None
    known: bool = True
    delivered: int = 0
    under_way: int = 0
    undecided: int = 0
    held: int = 0
    quarantined: int = 0

    @property
    def late(self) -> int:
        """Not arrived, and nobody has to decide anything for it."""
        return self.under_way + self.undecided

    @property
    def place(self) -> tuple[str | None, bool]:
        """What makes a row of the map: partner, and whether the account is known."""
        return self.partner, self.known


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """How many statements, and the sums of their movements in minor units of all currencies; debit is negative."""

    statements: int = 0
    credit: int = 0
    debit: int = 0

    def __add__(self, other: Figures) -> Figures:
        """Both together."""
        return Figures(
            statements=self.statements + other.statements,
            credit=self.credit + other.credit,
            debit=self.debit + other.debit,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DayBook:
    """The reconciliation of one day: what came in, as its statements say, beside where it is, as its batches say.

    waiting: pending until their mandate is approved; undecided: pending although a run should have taken them. pending:
    figures of both. arrived: statements of batches that have a receipt.
    """

    day: date
    received: Figures
    partners: Figures
    global_files: Figures
    quarantined: Figures
    rejected: Figures
    pending: Figures
    waiting: int
    undecided: int
    arrived: int

    @property
    def placed(self) -> Figures:
        """All that is somewhere."""
        return self.partners + self.global_files + self.quarantined + self.rejected + self.pending

    @property
    def balances(self) -> bool:
        """Whether what came in is what is somewhere, in count and to the cent."""
        return self.placed == self.received

    @property
    def under_way(self) -> int:
        """Statements in a batch that has not arrived."""
        return self.partners.statements + self.global_files.statements - self.arrived

    @property
    def holds(self) -> bool:
        """Whether nothing of the day is missing, late, or waits for a person's word on a batch."""
        return self.balances and not (self.under_way or self.undecided)


class Dashboard:
    """The figures of days, as one person may see them."""

    def __init__(self, database: Database, *, user: str | None) -> None:
        self._database = database
        self._cabinets = cabinet_numbers(database, user)

    def days(self, *, until: date, most: int) -> tuple[date, ...]:
        """The newest business days that have statements, at most `most`, newest first; the same for everybody."""
        found: list[date] = []
        newest = sa.select(sa.func.max(statements.c.business_date))
        with looking(self._database) as connection:
            before = until + timedelta(days=1)
            while len(found) < most:
                day = connection.scalar(newest.where(statements.c.business_date < before))
                if day is None or (found and day < found[0] - _SPAN):
                    break
                found.append(before := day)
        return tuple(found)

    def partners(self) -> tuple[str, ...]:
        """Codes of the partners that a connector stands for."""
        query = sa.select(connectors.c.partner).distinct().where(connectors.c.deleted_at.is_(None))
        query = self._mine(query, connectors.c.cabinet_id)
        with looking(self._database) as connection:
            return tuple(connection.scalars(query.order_by(connectors.c.partner)))

    def cells(self, days: Sequence[date]) -> tuple[Cell, ...]:
        """Where the statements of these days are, by day and place; a place without any has no cell."""
        found: dict[tuple[Any, ...], Cell] = {}
        with looking(self._database) as connection:
            for row in connection.execute(self._sent(days)):
                _add(found, Cell(day=row.business_date, partner=row.partner), _column(BatchState(row.state)), row.n)
            for column, query in (("quarantined", self._quarantined(days)), ("undecided", self._undecided(days))):
                for row in connection.execute(query):
                    _add(found, Cell(day=row.business_date, partner=row.partner, known=row.known), column, row.n)
        return tuple(found[key] for key in sorted(found, key=str))

    def book(self, day: date) -> DayBook:
        """The reconciliation of a day from statements and batches; sealed bytes are not read."""
        with looking(self._database) as connection:
            came = {row.status: _figures(row) for row in connection.execute(self._came_in(day))}
            sent: dict[str, Figures] = {}
            arrived = 0
            for row in connection.execute(self._batches_of(day)):
                sent[row.kind] = sent.get(row.kind, Figures()) + _figures(row)
                arrived += row.n if row.state == BatchState.DELIVERED else 0
            undecided = sum(row.n for row in connection.execute(self._undecided([day])))
        pending = came.get("pending", Figures())
        return DayBook(
            day=day,
            received=sum(came.values(), Figures()),
            partners=sent.get("connector", Figures()),
            global_files=sent.get("global", Figures()),
            quarantined=came.get("quarantined", Figures()),
            rejected=came.get("rejected", Figures()),
            pending=pending,
            waiting=pending.statements - undecided,
            undecided=undecided,
            arrived=arrived,
        )

    def _sent(self, days: Sequence[date]) -> sa.Select[Any]:
        b = batches.c
        query = (
            sa.select(b.business_date, connectors.c.partner, b.state, sa.func.sum(b.n_statements).label("n"))
            .select_from(batches.outerjoin(connectors, connectors.c.id == b.connector_id))
            .where(b.business_date.in_(days), b.state.not_in([BatchState.CANCELLED, BatchState.REJECTED]))
            .group_by(b.business_date, connectors.c.partner, b.state)
        )
        return self._mine(query, b.cabinet_id)

    def _quarantined(self, days: Sequence[date]) -> sa.Select[Any]:
        s = statements.c
        return self._not_sent(sa.and_(s.business_date.in_(days), s.status == "quarantined"), statements)

    def _undecided(self, days: Sequence[date]) -> sa.Select[Any]:
        """Pending, and the account does not wait: judged once an account, not once a statement, and so 3 × faster."""
        s, pending = statements.c, sa.and_(statements.c.business_date.in_(days), is_undecided())
        waits = self._mine(
            sa.select(accounts.c.id)
            .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
            .outerjoin(mandates, sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current))
            .where(accounts.c.id.in_(sa.select(s.account_id).where(pending)), _WAITS),
            accounts.c.cabinet_id,
        ).cte("waits")
        waits = waits.prefix_with("MATERIALIZED", dialect="postgresql")
        source = statements.outerjoin(waits, waits.c.id == s.account_id)
        return self._not_sent(sa.and_(pending, waits.c.id.is_(None)), source)

    def _not_sent(self, which: sa.ColumnElement[bool], source: sa.FromClause) -> sa.Select[Any]:
        s, known = statements.c, accounts.c.id.is_not(None).label("known")
        query = (
            sa.select(s.business_date, connectors.c.partner, known, sa.func.count().label("n"))
            .select_from(
                source.outerjoin(accounts, accounts.c.id == s.account_id)
                .outerjoin(
                    associations, sa.and_(associations.c.account_id == accounts.c.id, associations.c.until.is_(None))
                )
                .outerjoin(connectors, connectors.c.id == associations.c.connector_id)
            )
            .where(which)
            .group_by(s.business_date, connectors.c.partner, known)
        )
        return self._mine(query, accounts.c.cabinet_id)

    def _came_in(self, day: date) -> sa.Select[Any]:
        s = statements.c
        query = sa.select(status(), *_sums(s, sa.func.count())).where(s.business_date == day).group_by(status())
        if self._cabinets is None:
            return query
        of_accounts = query.select_from(statements.join(accounts, accounts.c.id == s.account_id))
        return self._mine(of_accounts, accounts.c.cabinet_id)

    def _batches_of(self, day: date) -> sa.Select[Any]:
        b = batches.c
        query = (
            sa.select(b.kind, b.state, *_sums(b, sa.func.sum(b.n_statements)))
            .where(b.business_date == day, b.state.not_in([BatchState.CANCELLED, BatchState.REJECTED]))
            .group_by(b.kind, b.state)
        )
        return self._mine(query, b.cabinet_id)

    def _mine(self, query: sa.Select[Any], cabinet: sa.ColumnElement[int]) -> sa.Select[Any]:
        return query if self._cabinets is None else query.where(cabinet.in_(self._cabinets))


_OTHER = accounts.alias()
_ITS_CABINET = cabinets.alias()
#: Another open cabinet has registered the account too: set aside at the next run, whatever the mandate (D3).
_CLAIMED_TWICE = sa.exists(
    sa.select(_OTHER.c.id)
    .join(_ITS_CABINET, _ITS_CABINET.c.id == _OTHER.c.cabinet_id)
    .where(
        _OTHER.c.bban == accounts.c.bban,
        _OTHER.c.currency == accounts.c.currency,
        _OTHER.c.cabinet_id != accounts.c.cabinet_id,
        _OTHER.c.closed_at.is_(None),
        _ITS_CABINET.c.closed_at.is_(None),
    )
)
_WAITS = sa.and_(
    accounts.c.closed_at.is_(None),
    cabinets.c.closed_at.is_(None),
    sa.or_(mandates.c.step.is_(None), mandates.c.step.in_(_WAITING)),
    ~_CLAIMED_TWICE,
)


def _sums(c: Any, n: sa.ColumnElement[int]) -> tuple[sa.ColumnElement[int], ...]:
    return n.label("n"), exact_sum(c.credit).label("credit"), exact_sum(c.debit).label("debit")


def _figures(row: Any) -> Figures:
    return Figures(statements=int(row.n), credit=row.credit, debit=row.debit)


def _column(state: BatchState) -> str:
    if state is BatchState.HELD:
        return "held"
    return "delivered" if state in FINAL_STATES else "under_way"


def _add(found: dict[tuple[Any, ...], Cell], empty: Cell, column: str, n: int) -> None:
    key = (empty.day, *empty.place)
    there = found.get(key, empty)
    found[key] = replace(there, **{column: getattr(there, column) + int(n)})
