"""Batches: where they are, and what a person decides of them (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import BaseModel

from sobank.domain.day import overdue_before
from sobank.domain.delivery import BatchState
from sobank.domain.roles import Action
from sobank.services.decide_batch import decide_batch
from sobank.services.held import ask_again, confirm_held, reject_held, release_held
from sobank.store.audit_trail import AuditRow
from sobank.store.batch_list import BatchFilter, batch_page, batch_sheet
from sobank.store.circuits import Circuits
from sobank.store.ledger_rows import AttemptRow, Listed
from sobank.web.api.shapes import Listing, PageNumber, PageSize, Reason, Text, router
from sobank.web.rights import Here, Needs

routes = router("deliveries")


class BatchDocument(BaseModel):
    """A sealed batch. Amounts in minor units, debit negative; moments in UTC; `partner` is null for a global file."""

    id: int
    destination: str
    cabinet: str
    partner: str | None
    business_date: date
    seq: int
    state: BatchState
    object_name: str
    sha256: str
    size: int
    statements: int
    entries: int
    credit: int
    debit: int
    reason: str | None


class ListedBatch(BatchDocument):
    """With its attempts."""

    attempts: int
    last_at: datetime | None
    last_outcome: str | None
    last_message: str | None


class BatchInFull(BatchDocument):
    """With what was tried, what was decided, and the receipt. events: for who may see the audit trail."""

    sealed_at: datetime
    encrypted: bool
    receipt: dict[str, Any] | None
    attempts: list[AttemptRow]
    events: list[AuditRow]


class Decided(BaseModel):
    """The batch after a decision. failed: what went wrong after it was taken; it stands."""

    batch: BatchInFull
    failed: str | None = None


@routes.get("/batches", response_model=Listing[ListedBatch])
def list_batches(
    here: Annotated[Here, Depends(Needs(Action.SEE))],
    state: Annotated[list[BatchState] | None, Query(description="none given are those that are not final")] = None,
    of_cabinet: Text | None = None,
    destination: Text | None = None,
    first: date | None = None,
    last: date | None = None,
    run_day: date | None = None,
    overdue: bool = False,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> object:
    """Batches in the order in which they leave; `first` and `last` are business dates, both included.

    `overdue`: only those that wait for a person, or are late: dated before yesterday.
    """
    wanted = BatchFilter(
        user=here.visitor.user, states=tuple(state) if state else None, cabinet=of_cabinet, destination=destination,
        first=first, last=last, run_day=run_day, overdue=overdue_before(here.now) if overdue else None,
    )  # fmt: skip
    return Listing.of(batch_page(here.house.database, wanted, page=page, size=size), _listed)


@routes.get("/batches/{batch}", response_model=BatchInFull)
def show(here: Annotated[Here, Depends(Needs(Action.SEE))], batch: int) -> object:
    """One batch, whatever its state."""
    return _in_full(here, batch)


@routes.post("/batches/{batch}/retry", response_model=Decided)
def retry(here: Annotated[Here, Depends(Needs(Action.DECIDE_DELIVERY))], batch: int, why: Reason) -> object:
    """Ask for a try now: what keeps its connector alone is closed."""
    circuits = Circuits(here.house.database)
    ask_again(here.house.ledger, circuits, batch, actor=here.visitor.actor, reason=why.reason, now=here.now)
    return {"batch": _in_full(here, batch)}


@routes.post("/batches/{batch}/release", response_model=Decided)
def release(here: Annotated[Here, Depends(Needs(Action.DECIDE_DELIVERY))], batch: int, why: Reason) -> object:
    """Let a held batch be sent: the partner does not have it."""
    return _decided(here, release_held, batch, why)


@routes.post("/batches/{batch}/confirm", response_model=Decided)
def confirm(here: Annotated[Here, Depends(Needs(Action.DECIDE_DELIVERY))], batch: int, why: Reason) -> object:
    """Count a held batch as delivered: the partner has it."""
    return _decided(here, confirm_held, batch, why)


@routes.post("/batches/{batch}/reject", response_model=Decided)
def reject(here: Annotated[Here, Depends(Needs(Action.DECIDE_DELIVERY))], batch: int, why: Reason) -> object:
    """Give a held batch up."""
    return _decided(here, reject_held, batch, why)


def _decided(here: Here, verb: Callable[..., None], batch: int, why: Reason) -> dict[str, Any]:
    failed = decide_batch(
        here.house.ledger, here.house.fresh().sink_of, verb, batch, actor=here.visitor.actor, reason=why.reason,
        now=here.now,
    )  # fmt: skip
    return {"batch": _in_full(here, batch), "failed": str(failed) if failed else None}


def _in_full(here: Here, number: int) -> dict[str, Any]:
    sheet = batch_sheet(here.house.database, number, user=here.visitor.user)
    standing = sheet.standing
    return _document(sheet.batch, standing.reason) | {
        "sealed_at": standing.sealed_at, "encrypted": standing.encrypted, "receipt": standing.receipt,
        "attempts": sheet.attempts, "events": sheet.events,
    }  # fmt: skip


def _listed(row: Listed) -> dict[str, Any]:
    return _document(row.batch, row.reason) | {
        "attempts": row.attempts, "last_at": row.last_at, "last_outcome": row.last_outcome,
        "last_message": row.last_message,
    }  # fmt: skip


def _document(batch: Any, reason: str | None) -> dict[str, Any]:
    same = ("id", "destination", "cabinet", "partner", "business_date", "seq", "state", "credit", "debit")
    return {name: getattr(batch, name) for name in same} | {
        "object_name": batch.outgoing.object_name, "sha256": batch.outgoing.sha256, "size": batch.outgoing.size,
        "statements": batch.outgoing.n_statements, "entries": batch.n_entries, "reason": reason,
    }  # fmt: skip
