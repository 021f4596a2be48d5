"""Statements of a batch that a restored database does not have: found by content, given to it again (ADR 0022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sobank.domain.iban import masked
from sobank.domain.routing import Reason
from sobank.domain.trace import SealedBatch
from sobank.errors import LedgerError, RegistryError
from sobank.store.registry import in_parts
from sobank.store.schema import (
    accounts,
    allocations,
    associations,
    batches,
    cabinets,
    mandates,
    quarantine,
    statements,
    undecided,
)

Row = sa.Row[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocated:
    """The batch that statements are given to, and when that was decided."""

    batch_id: int
    connector_id: int | None
    at: datetime


def found_by_content(connection: sa.Connection, batch: SealedBatch, contents: Sequence[bytes]) -> list[Row]:
    """The statements of a payload: id, status, their account on the cabinet of the batch, its mandate and association.

    Raises:
        LedgerError: no file has brought one of them. RegistryError: that cabinet has not registered its account, or the
            account has no mandate.
    """
    c = statements.c
    # Not the account that it has: since the backup an operator may have released it to another cabinet (D3).
    account = (
        sa.select(accounts.c.id)
        .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        .where(accounts.c.bban == c.bban, accounts.c.currency == c.currency, cabinets.c.code == batch.cabinet)
        .scalar_subquery()
    )
    query = (
        sa.select(
            c.id, c.status, c.bban, c.account_id.label("stored"), account.label("account_id"),
            mandates.c.id.label("mandate_id"), associations.c.id.label("association_id"), associations.c.connector_id,
        )
        .select_from(
            statements.outerjoin(mandates, sa.and_(mandates.c.account_id == account, mandates.c.current)).outerjoin(
                associations, sa.and_(associations.c.account_id == account, associations.c.until.is_(None))
            )
        )
    )  # fmt: skip
    found: list[Row] = []
    for part in in_parts(list(contents)):
        found += connection.execute(query.where(c.content_sha256.in_(part)))
    subject = f"{batch.destination} {batch.object_name}"
    if len(found) != len(contents):
        raise LedgerError(
            f"{len(contents) - len(found)} of its statements are in no file that was taken in",
            subject=subject,
            remedy="put the archive back, or have the bank send the files again; then run this again",
        )
    if homeless := [row for row in found if row.mandate_id is None]:
        raise RegistryError(
            f"the registry of the backup lacks {len(homeless)} accounts, or their mandates, of what was sent since",
            subject=f"{subject}: {', '.join(sorted(masked(row.bban) for row in homeless)[:10])}",
            remedy="bring the registry up to date first (`sobank registry import`), then run this again",
        )
    if given_up := sum(row.status == "rejected" for row in found):
        raise LedgerError(
            f"{given_up} of its statements were rejected before the backup",
            subject=subject,
            remedy="nothing was changed; restore another backup, or ask who knows this ledger",
        )
    return found


def allocated_elsewhere(connection: sa.Connection, found: Sequence[Row]) -> list[Row]:
    """The batches that have some of these statements, once each."""
    ids = [row.id for row in found]
    query = sa.select(batches).distinct().join(allocations, allocations.c.batch_id == batches.c.id)
    there = {
        row.id: row
        for part in in_parts(ids)
        for row in connection.execute(_without_json(query).where(allocations.c.statement_id.in_(part)))
    }
    return [there[key] for key in sorted(there)]


def rivals(connection: sa.Connection, found: Sequence[Row]) -> list[Row]:
    """Accepted statements that contradict those that left and are not accepted: of two only one may be (S10)."""
    mine, other = statements.alias("mine"), statements.alias("other")
    query = sa.select(other.c.id).join_from(
        mine, other, sa.and_(other.c.identity == mine.c.identity, other.c.id != mine.c.id)
    )
    query = query.where(other.c.status == "accepted", mine.c.status != "accepted").order_by(other.c.id)
    return [
        row
        for part in in_parts([row.id for row in found])
        for row in connection.execute(query.where(mine.c.id.in_(part)))
    ]


def contradict(connection: sa.Connection, found: Sequence[Row], *, now: datetime) -> None:
    """Set aside, as contradicting another, statements that no batch has."""
    for part in in_parts([row.id for row in found]):
        connection.execute(sa.delete(undecided).where(undecided.c.statement_id.in_(part)))
        connection.execute(sa.update(statements).where(statements.c.id.in_(part)).values(status="quarantined"))
        rows = [{"statement_id": id_, "reason": Reason.CONFLICT, "opened_at": now} for id_ in part]
        connection.execute(sa.insert(quarantine), rows)


def _without_json(query: sa.Select[Any]) -> sa.Select[Any]:
    return query.with_only_columns(
        batches.c.id, batches.c.state, batches.c.fence, batches.c.destination, batches.c.cabinet_id
    )


def allocate(
    connection: sa.Connection, to: Allocated, found: Sequence[Row], *, actor: str, reason: str, now: datetime
) -> None:
    """Give statements to a batch. Those that are in quarantine were released before they left: their reasons close."""
    freed = [row.id for row in found if row.status == "quarantined"]
    for part in in_parts(freed):
        open_ = sa.and_(quarantine.c.statement_id.in_(part), quarantine.c.closed_at.is_(None))
        closed = {"closed_at": now, "resolution": "released", "resolved_by": actor, "resolution_reason": reason}
        connection.execute(sa.update(quarantine).where(open_).values(**closed))
    for row in found:
        if row.status == "quarantined" or row.stored != row.account_id:
            values = {"status": "accepted", "account_id": row.account_id}
            connection.execute(sa.update(statements).where(statements.c.id == row.id).values(**values))
    for part in in_parts([row.id for row in found]):
        connection.execute(sa.delete(undecided).where(undecided.c.statement_id.in_(part)))
    connection.execute(sa.insert(allocations), [_allocation(to, row) for row in found])


def _allocation(to: Allocated, row: Row) -> dict[str, Any]:
    """An association that has changed since is not the one by which it was decided: then none is named."""
    association = row.association_id if to.connector_id is not None and row.connector_id == to.connector_id else None
    return {
        "statement_id": row.id, "batch_id": to.batch_id, "mandate_id": row.mandate_id, "association_id": association,
        "decided_at": to.at,
    }  # fmt: skip
