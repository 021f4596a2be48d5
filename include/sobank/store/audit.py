"""Audit events: who changed what, when, from what to what (A13). Only ever added to, and chained by hash.

An append locks the head of the chain until its transaction ends, so the order of the chain is the order of commits. It
comes last, or among rows that its transaction has locked before: whoever waits for the head holds nothing that the
holder still wants. The decision of a day writes no event, and neither waits nor is waited for here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sobank.domain.audit_chain import event_hash
from sobank.errors import TrailBroken
from sobank.store.schema import audit_events, audit_head

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
    Raises:
        TrailBroken: the head of the chain is gone.
    """
    event = {"action": action, "subject": subject, "before": before, "after": after, "reason": reason}
    record_many(connection, [event | {"cabinet_id": cabinet_id}], at=at, actor=actor, role=role)


def record_many(
    connection: sa.Connection, events: Sequence[Mapping[str, Any]], *, at: datetime, actor: str, role: str | None
) -> None:
    """Add events of one moment and actor; each has action, subject, before, after, cabinet_id and reason.

    Raises:
        TrailBroken: the head of the chain is gone.
    """
    if not events:
        return
    head = connection.execute(sa.select(audit_head).with_for_update()).one_or_none()
    if head is None:
        raise TrailBroken(
            "the head of the audit trail is gone, so nothing can be added to it",
            subject="audit_head",
            remedy="restore the database; `sobank audit verify` says how far the trail holds",
        )
    common = {"at": at, "actor": actor, "role": role}
    number, last = head.events, head.hash
    for start in range(0, len(events), _ROWS_AT_ONCE):
        rows = []
        for event in events[start : start + _ROWS_AT_ONCE]:
            number += 1
            row = common | dict(event) | {"id": number}
            row["hash"] = last = event_hash(last, row)
            rows.append(row)
        connection.execute(sa.insert(audit_events), rows)
    connection.execute(sa.update(audit_head).values(events=number, hash=last))
