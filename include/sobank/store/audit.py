"""Audit events: who changed what, when, from what to what (A13). Only ever added to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sobank.store.schema import audit_events

_ROWS_AT_ONCE = 20_000


def record(
    connection: sa.Connection,
    *,
    at: datetime,
    actor: str,
    role: str | None,
    action: str,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    cabinet_id: int | None = None,
    reason: str | None = None,
) -> None:
    """Add one event in the transaction of the change itself.

    Args:
        role: profile of the actor on the cabinet, or the kind of run. subject: `kind:key`, IBANs masked (O3).
        before, after: the fields that changed, JSON values; None where the thing did not or does not exist.
    """
    event = {"action": action, "subject": subject, "before": before, "after": after, "reason": reason}
    record_many(connection, [event | {"cabinet_id": cabinet_id}], at=at, actor=actor, role=role)


def record_many(
    connection: sa.Connection, events: Sequence[Mapping[str, Any]], *, at: datetime, actor: str, role: str | None
) -> None:
    """Add events of one moment and actor; each has action, subject, before, after, cabinet_id and reason."""
    common = {"at": at, "actor": actor, "role": role}
    for start in range(0, len(events), _ROWS_AT_ONCE):
        rows = [common | dict(event) for event in events[start : start + _ROWS_AT_ONCE]]
        connection.execute(sa.insert(audit_events), rows)
