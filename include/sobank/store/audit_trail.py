"""The audit trail as it is read: listed by what it says, verified link by link (A13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.audit_chain import ChainReport, Head, check_chain
from sobank.domain.roles import RIGHTS, Action
from sobank.store.database import Database
from sobank.store.schema import audit_events, audit_head, cabinets, memberships

MAX_EVENTS: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditRow:
    """One event. `at` is UTC; `before`, `after`: the fields that changed, None where the thing was or is not there."""

    id: int
    at: datetime
    actor: str
    role: str | None
    action: str
    subject: str
    cabinet: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str | None


class AuditTrail:
    """The audit events of a database."""

    def __init__(self, database: Database, *, rows_at_once: int = 2_000) -> None:
        self._database = database
        self._rows_at_once = rows_at_once

    def listed(
        self,
        *,
        cabinet: str | None = None,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        first: datetime | None = None,
        end: datetime | None = None,
        before: int | None = None,
        user: str | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Events, newest first, at most `limit` (bounded by MAX_EVENTS). None leaves a filter out.

        Args:
            cabinet: code. action: whole, or its first part: `connector` finds `connector.add`.
            subject: a part of it. first, end: moments; `end` is not included. before: older than the event of this
            number. user: of cabinets on which this person may see the trail; None is the operator, who sees all of it.
        """
        e = audit_events.c
        columns = [e[name] for name in ("id", "at", "actor", "role", "action", "subject", "before", "after", "reason")]
        query = (
            sa.select(*columns, cabinets.c.code.label("cabinet"))
            .select_from(audit_events.outerjoin(cabinets, cabinets.c.id == e.cabinet_id))
            .order_by(e.id.desc())
            .limit(max(1, min(limit, MAX_EVENTS)))
        )
        if cabinet is not None:
            query = query.where(cabinets.c.code == cabinet)
        if actor is not None:
            query = query.where(e.actor == actor)
        if action is not None:
            query = query.where(sa.or_(e.action == action, e.action.startswith(f"{action}.", autoescape=True)))
        if subject is not None:
            query = query.where(e.subject.contains(subject, autoescape=True))
        if first is not None:
            query = query.where(e.at >= first)
        if end is not None:
            query = query.where(e.at < end)
        if before is not None:
            query = query.where(e.id < before)
        if user is not None:
            theirs = sa.select(memberships.c.cabinet_id).where(
                memberships.c.user == user, memberships.c.profile.in_(RIGHTS[Action.SEE_AUDIT])
            )
            query = query.where(e.cabinet_id.in_(theirs))
        with self._database.read() as connection:
            return [AuditRow(**row._mapping) for row in connection.execute(query)]

    def verify(self, *, known: Mapping[int, bytes] | None = None) -> ChainReport:
        """Follow the chain from its first event to its head, in one snapshot, a bounded number of rows at a time.

        Args:
            known: hashes noted before, by number of event: they show a trail that was written anew as a whole.
        """
        with self._database.read() as connection:
            found = connection.execute(sa.select(audit_head.c.events, audit_head.c.hash)).one_or_none()
            head = None if found is None else Head(events=found.events, hash=found.hash)
            return check_chain(self._events(connection), head, known=known or {})

    def _events(self, connection: sa.Connection) -> Iterator[Mapping[str, Any]]:
        query = sa.select(audit_events).order_by(audit_events.c.id)
        for row in connection.execution_options(yield_per=self._rows_at_once).execute(query):
            yield dict(row._mapping)
