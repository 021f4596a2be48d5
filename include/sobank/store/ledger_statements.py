"""What becomes of the statements of a batch when it ends: set by set, in the transaction that moves the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.registry import MandateStep
from sobank.domain.routing import Reason
from sobank.store.database import found_by_key
from sobank.store.schema import (
    allocations,
    associations,
    batches,
    connectors,
    mandates,
    quarantine,
    statements,
)
from sobank.store.standing import list_undecided

_FACTS: Final = (
    sa.select(
        allocations.c.batch_id,
        sa.func.count().filter(sa.or_(mandates.c.step != MandateStep.APPROVED, sa.not_(mandates.c.current))),
        sa.func.count().filter(
            sa.func.coalesce(associations.c.id, 0) != sa.func.coalesce(allocations.c.association_id, 0)
        ),
        sa.func.count().filter(connectors.c.deleted_at.is_not(None)),
    )
    .select_from(
        allocations.join(mandates, mandates.c.id == allocations.c.mandate_id)
        .outerjoin(
            associations,
            sa.and_(associations.c.account_id == mandates.c.account_id, associations.c.until.is_(None)),
        )
        .outerjoin(connectors, connectors.c.id == associations.c.connector_id)
    )
    .group_by(allocations.c.batch_id)
)
_FACTS_OF: Final = _FACTS.where(allocations.c.batch_id.in_(sa.bindparam("batches", expanding=True)))
_FACTS_OF_UNATTEMPTED: Final = _FACTS.where(
    allocations.c.batch_id.in_(
        sa.select(batches.c.id).where(
            batches.c.state == BatchState.SEALED, batches.c.fence == 0, batches.c.business_date <= sa.bindparam("until")
        )
    )
)


def withdrawn(connection: sa.Connection, batch_ids: Sequence[int]) -> dict[int, str]:
    """Which batches may no longer leave, and why: mandates and associations are looked at again (D7).

    Each statement's recorded mandate must be the current one and approved; its account's association in force must be
    the one recorded, or none for a global file; the connector must still be on the cabinet.
    """
    found_by_key(connection)
    return _reasons(connection.execute(_FACTS_OF, {"batches": batch_ids}))


def withdrawn_before_any_attempt(connection: sa.Connection, until: date) -> dict[int, str]:
    """The same, of every batch up to a business date that was never attempted."""
    return _reasons(connection.execute(_FACTS_OF_UNATTEMPTED, {"until": until}))


def _reasons(facts: Iterable[sa.Row[Any]]) -> dict[int, str]:
    names = ("mandate no longer approved", "association changed", "connector deleted")
    said = {}
    for row in facts:
        counts = zip(names, tuple(row)[1:], strict=True)
        if found := [f"{name}: {count} statement(s)" for name, count in counts if count]:
            said[row.batch_id] = "; ".join(found)
    return said


def give_back(connection: sa.Connection, batch_id: int) -> None:
    """Statements of the batch become undecided again; its allocations go."""
    list_undecided(connection, statements.c.id.in_(_in(batch_id)))
    _deallocate(connection, batch_id)


def set_aside(connection: sa.Connection, batch_id: int, reason: Reason, *, now: datetime) -> None:
    """Statements of the batch go to quarantine, each with `reason`; its allocations go."""
    rows = sa.select(
        allocations.c.statement_id,
        sa.literal(reason.value),
        sa.literal(now, quarantine.c.opened_at.type),
    ).where(allocations.c.batch_id == batch_id)
    connection.execute(sa.insert(quarantine).from_select(["statement_id", "reason", "opened_at"], rows))
    connection.execute(sa.update(statements).where(statements.c.id.in_(_in(batch_id))).values(status="quarantined"))
    _deallocate(connection, batch_id)


def _in(batch_id: int) -> sa.Select[tuple[int]]:
    return sa.select(allocations.c.statement_id).where(allocations.c.batch_id == batch_id)


def _deallocate(connection: sa.Connection, batch_id: int) -> None:
    connection.execute(sa.delete(allocations).where(allocations.c.batch_id == batch_id))
