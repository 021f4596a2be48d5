"""Batches as people look for them: filtered, in pages of bounded size, within what a person may see; one in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import Batch, BatchState
from sobank.domain.roles import RIGHTS, Action
from sobank.domain.routing import Kind
from sobank.store.audit_trail import AuditRow
from sobank.store.database import Database
from sobank.store.ledger_read import LedgerReader
from sobank.store.ledger_rows import AttemptRow, Listed, Standing, Which, as_listed, list_query
from sobank.store.listing import MAX_PAGE, Page, Wish, cabinets_of, counted, looking
from sobank.store.schema import audit_events, batches, cabinets, connectors, memberships

#: Events of one batch that are shown: it has one for each decision of a person on it.
_MAX_EVENTS: Final = MAX_PAGE
_FOR_A_PERSON: Final = (BatchState.UNCERTAIN, BatchState.HELD)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFilter:
    """What to look for; None leaves a filter out. `states`: none given are those that are not final.

    cabinet: code. destination: `connector:<cabinet>/<name>` or `global:<cabinet>`. partner: code in the catalogue, or
    `global`. first, last: business dates, included. run_day: business day of the run that sealed it. overdue: only what
    a person must look at: no answer, held, or not final though dated before that day. newest_first: by date from the
    newest on; otherwise in the order in which they leave (D5). user: only cabinets of which this person is a member;
    None is the operator.
    """

    user: str | None
    states: tuple[BatchState, ...] | None = None
    cabinet: str | None = None
    destination: str | None = None
    partner: str | None = None
    first: date | None = None
    last: date | None = None
    run_day: date | None = None
    overdue: date | None = None
    newest_first: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchSheet:
    """One batch: what the ledger notes of it, its attempts, and the decisions of people on it, oldest first.

    events: none for a person whose profile may not see the audit trail.
    """

    batch: Batch
    standing: Standing
    attempts: tuple[AttemptRow, ...]
    events: tuple[AuditRow, ...]


def batch_page(database: Database, wanted: BatchFilter, *, page: int = 1, size: int = 50) -> Page[Listed]:
    """Batches with their last attempt; see `listing` for the bounds of a page."""
    wish = Wish.of(page, size)
    which = Which(states=wanted.states, destination=wanted.destination, first=wanted.first, last=wanted.last)
    found = list_query(which, wish.room)
    if wanted.user is not None:
        found = found.where(batches.c.cabinet_id.in_(cabinets_of(wanted.user)))
    if wanted.cabinet is not None:
        found = found.where(cabinets.c.code == wanted.cabinet)
    if wanted.partner is not None:
        is_global = wanted.partner == Kind.GLOBAL_FILE
        found = found.where(batches.c.kind == wanted.partner if is_global else connectors.c.partner == wanted.partner)
    if wanted.overdue is not None:
        found = found.where(sa.or_(batches.c.state.in_(_FOR_A_PERSON), batches.c.business_date < wanted.overdue))
    if wanted.run_day is not None:
        found = found.where(batches.c.run_day == wanted.run_day)
    if wanted.newest_first:
        newest = (batches.c.business_date.desc(), batches.c.destination, batches.c.seq)
        found = found.order_by(None).order_by(*newest)
    with looking(database) as connection:
        total, more = counted(connection, found.with_only_columns(batches.c.id).order_by(None))
        rows = connection.execute(found.offset(wish.offset)).all()
    return Page(rows=tuple(as_listed(row) for row in rows), total=total, more=more, page=wish.page, size=wish.size)


def batch_sheet(database: Database, batch_id: int, *, user: str | None) -> BatchSheet:
    """One batch, whatever its state.

    Raises:
        NotFound: there is none of that id on a cabinet of `user`.
    """
    reader = LedgerReader(database)
    batch = reader.batch(batch_id, user=user)
    with looking(database) as connection:
        events = tuple(AuditRow(**row._mapping) for row in connection.execute(_events_of(batch, user)))
    return BatchSheet(
        batch=batch,
        standing=reader.standing(batch_id),
        attempts=tuple(reader.attempts(batch_id)),
        events=events,
    )


def _events_of(batch: Batch, user: str | None) -> sa.Select[Any]:
    """Reached by the cabinet: the trail has an index on it."""
    e = audit_events.c
    columns = [e[name] for name in ("id", "at", "actor", "role", "action", "subject", "before", "after", "reason")]
    query = (
        sa.select(*columns, cabinets.c.code.label("cabinet"))
        .join(cabinets, cabinets.c.id == e.cabinet_id)
        .where(cabinets.c.code == batch.cabinet, e.subject == f"batch:{batch.id}")
        .order_by(e.id)
        .limit(_MAX_EVENTS)
    )
    if user is None:
        return query
    theirs = sa.select(memberships.c.cabinet_id).where(
        memberships.c.user == user, memberships.c.profile.in_(RIGHTS[Action.SEE_AUDIT])
    )
    return query.where(e.cabinet_id.in_(theirs))
