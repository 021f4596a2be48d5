"""Batches as they are read from the delivery ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import Batch, BatchState
from sobank.domain.shards import Shard
from sobank.domain.sink import Outgoing, Receipt
from sobank.store.schema import attempts, batches, cabinets, connectors

#: Written out, not bound: only so does the planner see that the partial index ix_batches_open serves it.
_NOT_FINAL: Final = "state NOT IN ('delivered', 'rejected', 'cancelled')"
OPEN: Final = sa.text(f"batches.{_NOT_FINAL}")

_BATCHES = sa.select(
    batches,
    cabinets.c.code.label("cabinet"),
    connectors.c.partner,
    connectors.c.connection,
    connectors.c.settings,
).select_from(
    batches.join(cabinets, cabinets.c.id == batches.c.cabinet_id).outerjoin(
        connectors, connectors.c.id == batches.c.connector_id
    )
)

_EARLIER = batches.alias("earlier")
#: Whether an earlier batch of the same destination as that of the query is not final yet (D5).
EARLIER_OPEN: Final = sa.exists().where(
    _EARLIER.c.destination == batches.c.destination,
    sa.text(f"earlier.{_NOT_FINAL}"),
    sa.tuple_(_EARLIER.c.business_date, _EARLIER.c.seq) < sa.tuple_(batches.c.business_date, batches.c.seq),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """One attempt: whose, when (UTC), how it ended and what was said; `outcome` is None while it is under way."""

    fence: int
    worker: str
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What the ledger notes of a batch beside its content: `reason` why held, rejected or cancelled; moments in UTC."""

    sealed_at: datetime
    lease_until: datetime | None
    reason: str | None
    receipt: dict[str, Any] | None
    encrypted: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """A batch with how often it was tried, and how the last try ended; moments in UTC. `reason` as in Standing."""

    batch: Batch
    attempts: int
    last_at: datetime | None
    last_outcome: str | None
    last_message: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Which:
    """Which batches are meant; None says nothing. `states`: none given are those that are not final."""

    states: tuple[BatchState, ...] | None = None
    destination: str | None = None
    first: date | None = None
    last: date | None = None


def list_query(which: Which, limit: int) -> sa.Select[Any]:
    """Batches with their last attempt, in the order in which they leave (D5); the fence counts attempts."""
    query = _BATCHES.add_columns(
        attempts.c.started_at, attempts.c.ended_at, attempts.c.outcome, attempts.c.message
    ).outerjoin(attempts, sa.and_(attempts.c.batch_id == batches.c.id, attempts.c.fence == batches.c.fence))
    query = query.where(OPEN if which.states is None else batches.c.state.in_(which.states))
    if which.destination is not None:
        query = query.where(batches.c.destination == which.destination)
    if which.first is not None:
        query = query.where(batches.c.business_date >= which.first)
    if which.last is not None:
        query = query.where(batches.c.business_date <= which.last)
    return query.order_by(batches.c.destination, batches.c.business_date, batches.c.seq).limit(limit)


def open_query(
    *,
    kind: str | None,
    partner: str | None,
    until: date | None,
    destination: str | None = None,
    shard: Shard | None = None,
) -> sa.Select[Any]:
    """Batches that are not final, in the order in which they leave (D5)."""
    query = _BATCHES.where(OPEN)
    if shard is not None and shard.of > 1:
        query = query.where(batches.c.cabinet_id.between(shard.first, shard.last))
    if destination is not None:
        query = query.where(batches.c.destination == destination)
    if kind is not None:
        query = query.where(batches.c.kind == kind)
    if partner is not None:
        query = query.where(connectors.c.partner == partner)
    if until is not None:
        query = query.where(batches.c.business_date <= until)
    return query.order_by(batches.c.destination, batches.c.business_date, batches.c.seq)


def one_query(batch_id: int) -> sa.Select[Any]:
    """One batch, whatever its state."""
    return _BATCHES.where(batches.c.id == batch_id)


def as_batch(row: sa.Row[Any]) -> Batch:
    """A row of the queries above."""
    return Batch(
        id=row.id,
        destination=row.destination,
        kind=row.kind,
        cabinet=row.cabinet,
        connector_id=row.connector_id,
        partner=row.partner,
        connection=row.connection,
        settings=row.settings or {},
        business_date=row.business_date,
        seq=row.seq,
        state=BatchState(row.state),
        staging=row.staging,
        outgoing=Outgoing(
            object_name=row.object_name,
            idempotency_key=row.idempotency_key,
            sha256=row.payload_sha256.hex(),
            size=row.payload_size,
            n_statements=row.n_statements,
        ),
        n_entries=row.n_entries,
        n_records=row.n_records,
        credit=row.credit,
        debit=row.debit,
        first_date=row.first_date,
        last_date=row.last_date,
    )


def as_listed(row: sa.Row[Any]) -> Listed:
    """A row of `list_query`."""
    return Listed(
        batch=as_batch(row), attempts=row.fence, last_at=row.ended_at or row.started_at, last_outcome=row.outcome,
        last_message=row.message, reason=row.reason,
    )  # fmt: skip


def as_attempt(row: sa.Row[Any]) -> AttemptRow:
    """A row of attempts."""
    return AttemptRow(
        fence=row.fence, worker=row.worker, started_at=row.started_at, ended_at=row.ended_at, outcome=row.outcome,
        message=row.message,
    )  # fmt: skip


def as_json(receipt: Receipt) -> dict[str, str | int]:
    """A receipt as the column `receipt` keeps it; `at` is ISO 8601 UTC."""
    return {
        "remote_name": receipt.remote_name,
        "sha256": receipt.sha256,
        "size": receipt.size,
        "at": receipt.at.isoformat(),
        "answer": receipt.answer,
    }
