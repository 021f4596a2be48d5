"""One batch of *Livraisons*: its state and what happens next, attempts, receipt, statements, decisions (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.circuit import Circuit
from sobank.domain.delivery import Batch, BatchState
from sobank.domain.roles import Action
from sobank.errors import ConfigurationError, ForbiddenTransition, NotAllowed, NotFound, SinkError, SobankError
from sobank.services.decide_batch import decide_batch
from sobank.services.held import ask_again, confirm_held, reject_held, release_held
from sobank.services.push import push_all
from sobank.store.batch_list import BatchFilter, BatchSheet, batch_page, batch_sheet
from sobank.store.batch_statements import statements_of_batch
from sobank.store.batch_sums import batch_sums
from sobank.store.circuits import Circuits
from sobank.web.batch_words import (
    CHANGED,
    CONFIRM,
    EVENTS,
    MEANINGS,
    NO_REASON,
    OUTCOMES,
    REJECT,
    RELEASE,
    RETRY,
    ROLES,
    SILENT,
    UNREACHED,
    destination_of,
    next_step,
    offered,
)
from sobank.web.fields import Decision, Leaf
from sobank.web.rendering import moment, page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
_SIZE: Final = 50
#: A visitor waits while a batch is sent: so many are sent at once, and each is tried once.
_MOST_AT_ONCE: Final = 10
May = Annotated[Here, Depends(Needs(Action.DECIDE_DELIVERY))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why a decision was not taken, in French, and as it was refused. verb: its path. typed: the reason given."""

    status: int
    verb: str
    title: str
    detail: str = ""
    typed: str = ""


@router.get("/deliveries/{batch}")
def batch(
    request: Request, batch: str, shown: Annotated[Leaf, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """The sheet of a batch."""
    return _sheet(request, here, int(batch), shown=shown.page or 1)


@router.post("/deliveries/{batch}/retry")
def retry(request: Request, batch: str, decision: Annotated[Decision, Form()], here: May) -> Response:
    """Send it now, after the earlier ones of its destination."""

    def send(reason: str) -> None:
        house, number = here.house, int(batch)
        ask_again(house.ledger, Circuits(house.database), number, actor=here.visitor.actor, reason=reason, now=here.now)
        wanted = house.ledger.batch(number)
        place = (wanted.business_date, wanted.seq)
        line = house.ledger.open_batches(destination=wanted.destination, until=wanted.business_date)
        first = [one for one in line if (one.business_date, one.seq) <= place][:_MOST_AT_ONCE]
        push_all(replace(house.worker(lambda: datetime.now(UTC)), attempts=1), house.fresh().sink_of, first)

    return _decided(request, here, int(batch), RETRY.path, decision, send, note="batch_retried")


@router.post("/deliveries/{batch}/release")
def release(request: Request, batch: str, decision: Annotated[Decision, Form()], here: May) -> Response:
    """The partner does not have it: it is sent."""
    return _by_person(request, here, int(batch), RELEASE.path, decision, release_held, note="batch_released")


@router.post("/deliveries/{batch}/confirm")
def confirm(request: Request, batch: str, decision: Annotated[Decision, Form()], here: May) -> Response:
    """The partner has it: it is delivered on the visitor's word."""
    return _by_person(request, here, int(batch), CONFIRM.path, decision, confirm_held, note="batch_confirmed")


@router.post("/deliveries/{batch}/reject")
def reject(request: Request, batch: str, decision: Annotated[Decision, Form()], here: May) -> Response:
    """It is given up."""
    return _by_person(request, here, int(batch), REJECT.path, decision, reject_held, note="batch_rejected")


def _by_person(
    request: Request, here: Here, number: int, verb: str, decision: Decision, service: Callable[..., None], *, note: str
) -> Response:
    left: list[SobankError] = []

    def take(reason: str) -> None:
        error = decide_batch(
            here.house.ledger, here.house.fresh().sink_of, service, number, actor=here.visitor.actor, reason=reason,
            now=here.now,
        )  # fmt: skip
        left.extend([error] if error else [])

    def note_of() -> str:
        return f"{note}_left" if left else note

    return _decided(request, here, number, verb, decision, take, note=note, note_after=note_of)


def _decided(
    request: Request,
    here: Here,
    number: int,
    verb: str,
    decision: Decision,
    take: Callable[[str], None],
    *,
    note: str,
    note_after: Callable[[], str] | None = None,
) -> Response:
    """Take a decision, then show what became of it; what is refused is said on the sheet, with what was typed."""
    if decision.reason is None:
        return _sheet(request, here, number, refusal=Refusal(status=422, verb=verb, title=NO_REASON))
    try:
        take(decision.reason)
    except (NotFound, NotAllowed):
        raise
    except (ForbiddenTransition, SinkError, ConfigurationError) as error:
        status, title = _told(error)
        refusal = Refusal(status=status, verb=verb, title=title, detail=str(error), typed=decision.reason)
        return _sheet(request, here, number, refusal=refusal)
    return redirect(request, f"/deliveries/{number}", note=note_after() if note_after else note)


def _told(error: SobankError) -> tuple[int, str]:
    if isinstance(error, ForbiddenTransition):
        return 409, CHANGED
    if isinstance(error, ConfigurationError):
        return 422, UNREACHED
    return 502, SILENT


def _sheet(
    request: Request, here: Here, number: int, *, refusal: Refusal | None = None, shown: int = 1
) -> HTMLResponse:
    database, user, now = here.house.database, here.visitor.user, here.now
    sheet = batch_sheet(database, number, user=user)
    batch, lease = sheet.batch, sheet.standing.lease_until
    circuit = _circuit(here, batch)
    step = next_step(batch, lease_until=lease, circuit=circuit, now=now, moment=moment)
    verbs = offered(batch, lease_until=lease, now=now) if here.may(Action.DECIDE_DELIVERY) else ()
    return page(
        request,
        here,
        "batch.html",
        status=refusal.status if refusal else 200,
        sheet=sheet,
        batch=batch,
        partner=destination_of(batch, here.house.partners, here.language),
        meaning=MEANINGS[batch.state],
        step=step.said(here.language),
        circuit=circuit,
        behind=_behind(here, batch),
        outcomes=OUTCOMES,
        events=EVENTS,
        roles=ROLES,
        arrived=_arrived(sheet),
        verbs=verbs,
        refusal=refusal,
        sums=batch_sums(database, [number]).get(number, ()),
        found=statements_of_batch(database, number, user=user, page=shown, size=_SIZE),
    )


def _circuit(here: Here, batch: Batch) -> Circuit | None:
    if batch.connector_id is None:
        return None
    standing = Circuits(here.house.database).all()
    return next((one for one in standing if one.connector_id == batch.connector_id), None)


def _behind(here: Here, batch: Batch) -> Batch | None:
    """The earlier batch of its destination that must leave first (D5)."""
    if batch.state not in {BatchState.SEALED, BatchState.UNCERTAIN}:
        return None
    wanted = BatchFilter(user=here.visitor.user, destination=batch.destination, last=batch.business_date)
    rows = batch_page(here.house.database, wanted, size=1).rows
    first = rows[0].batch if rows else batch
    return first if (first.business_date, first.seq) < (batch.business_date, batch.seq) else None


def _arrived(sheet: BatchSheet) -> datetime | None:
    """The moment of its receipt."""
    at = (sheet.standing.receipt or {}).get("at")
    return datetime.fromisoformat(str(at)) if at else None
