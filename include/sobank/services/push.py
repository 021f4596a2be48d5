"""Push sealed batches to their destinations, each exactly once whatever fails (D5–D9; the protocol is DESIGN §6).

Why a worker that was stopped past its lease cannot deliver twice: only the staging name that the ledger records may be
published, publishing moves it, and recording takes the newest fence. So there is one name, one move of it succeeds,
and a worker that lost its fence before recording has nothing that it may publish. A name that is recorded but found
neither staged nor published was moved and then taken by the partner: it is never sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final

from sobank.domain.delivery import Batch, BatchState, Claim, Happening, NotClaimed
from sobank.domain.sink import Presence, Receipt, Sink
from sobank.errors import (
    ConfigFault,
    FenceLost,
    LedgerError,
    NameTaken,
    Rejected,
    SinkError,
    SobankError,
    Transient,
)

if TYPE_CHECKING:
    from sobank.store.ledger import Ledger
    from sobank.store.objects import ObjectStore

TAKEN: Final = "taken by the partner before its arrival could be recorded"
_LONGEST_PAUSE: Final = 30.0
_WORTH_ANOTHER: Final = frozenset({Happening.PROVED_NOT_RECEIVED, Happening.NO_ANSWER})

SinkOf = Callable[[Batch], Sink]


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """Who pushes, and with what. `sleep` takes the seconds between attempts, at most `attempts` in one push.

    at_once: how many destinations are pushed side by side; within one, batches leave one after another (D5).
    """

    name: str
    ledger: Ledger
    spool: ObjectStore
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    lease: timedelta = timedelta(minutes=5)
    attempts: int = 3
    at_once: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """What became of a batch in this push; `error` says why it is not delivered. `again`: worth another attempt now."""

    state: BatchState
    error: str | None = None
    again: bool = False


@dataclass(kw_only=True, slots=True)
class PushReport:
    """Counts of batches, and by destination why it could not advance. `pending` have not left yet."""

    delivered: int = 0
    pending: int = 0
    cancelled: int = 0
    held: int = 0
    rejected: int = 0
    errors: dict[str, str] = field(default_factory=dict)

    def add(self, batch: Batch, pushed: Pushed) -> None:
        """Count a batch."""
        name = pushed.state.value if pushed.state.value in _COUNTED else "pending"
        setattr(self, name, getattr(self, name) + 1)
        if pushed.error is not None:
            self.errors[batch.destination] = pushed.error

    def merge(self, other: PushReport) -> None:
        """Add the report of other destinations."""
        for name in (*_COUNTED, "pending"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.errors |= other.errors


_COUNTED: Final = frozenset({"delivered", "cancelled", "held", "rejected"})


def push_all(worker: Worker, sink_of: SinkOf, batches: Iterable[Batch]) -> PushReport:
    """Push every destination, `worker.at_once` at a time; one that cannot advance does not stop the others (D5, D8).

    Args:
        sink_of: makes the sink of a batch; what it raises stops that destination only.
        batches: in order of destination, business date and seq, as `Ledger.open_batches` gives them.
    """
    report = PushReport()
    destinations = [list(of_one) for _, of_one in groupby(batches, key=lambda batch: batch.destination)]
    with ThreadPoolExecutor(worker.at_once) as pool:
        for part in pool.map(lambda of_one: push_destination(worker, sink_of, of_one), destinations):
            report.merge(part)
    return report


def push_destination(worker: Worker, sink_of: SinkOf, batches: list[Batch]) -> PushReport:
    """Push the batches of one destination in order, up to the first that does not become final (D5)."""
    report = PushReport()
    for place, batch in enumerate(batches):
        try:
            pushed = push_batch(worker, sink_of(batch), batch)
        except SobankError as error:
            pushed = Pushed(state=batch.state, error=str(error))
        except Exception as error:  # noqa: BLE001  whatever breaks here must not stop the other destinations
            pushed = Pushed(state=batch.state, error=type(error).__name__)
        report.add(batch, pushed)
        if pushed.error is not None and pushed.state not in {BatchState.REJECTED, BatchState.CANCELLED}:
            report.pending += len(batches) - place - 1
            break
    return report


def push_batch(worker: Worker, sink: Sink, batch: Batch) -> Pushed:
    """Claim, look first where something may have left, stage, record, publish, record; again a few times at most.

    Raises:
        NotFound: the batch is unknown. Whatever the database raises when it is away: the batch stays claimed, and the
        next worker looks first.
    """
    pushed = Pushed(state=batch.state, error="no attempt was allowed")
    for attempt in range(worker.attempts):
        if attempt:
            worker.sleep(min(2.0**attempt, _LONGEST_PAUSE))
        claim = worker.ledger.claim(batch.id, worker=worker.name, now=worker.now(), lease=worker.lease)
        if isinstance(claim, NotClaimed):
            return _not_claimed(worker, batch, claim)
        try:
            pushed = _attempt(worker, sink, batch, claim)
        except FenceLost as error:
            return Pushed(state=BatchState.SENDING, error=str(error))
        if not pushed.again:
            break
    return pushed


def reject_held(
    ledger: Ledger, sink: Sink, batch_id: int, *, actor: str, role: str | None, reason: str, now: datetime
) -> None:
    """A person gives a held batch up; what was staged of it is removed after, so that nothing is left to publish.

    Raises:
        ForbiddenTransition: the batch is not held. LedgerError: no actor or no reason. SinkError: it is rejected,
        but its staging file could not be removed.
    """
    ledger.reject(batch_id, actor=actor, role=role, reason=reason, now=now)
    batch = ledger.batch(batch_id)
    if batch.staging is not None:
        sink.discard(batch.outgoing, staging=batch.staging)


def _not_claimed(worker: Worker, batch: Batch, why: NotClaimed) -> Pushed:
    state = worker.ledger.batch(batch.id).state
    if why in {NotClaimed.FINAL, NotClaimed.CANCELLED}:
        return Pushed(state=state)
    texts = {
        NotClaimed.BUSY: "another worker has it",
        NotClaimed.BLOCKED: "an earlier batch has not left",
        NotClaimed.HELD: "held until a person decides",
    }
    return Pushed(state=state, error=f"{batch.outgoing.object_name}: {texts[why]}")


def _attempt(worker: Worker, sink: Sink, batch: Batch, claim: Claim) -> Pushed:
    """One attempt, from looking first to its record. Only `FenceLost` and a failing ledger leave as exceptions."""
    found = Presence.ABSENT
    if claim.in_doubt:
        try:
            found = sink.probe(batch.outgoing, staging=claim.staging)
        except Exception as error:  # noqa: BLE001  until we have looked, no kind of error proves that nothing left
            return _close(worker, claim, Happening.NO_ANSWER, error)
    try:
        receipt = _deliver(worker, sink, batch, claim, found)
    except FenceLost:
        raise
    except NameTaken as error:
        return _close(worker, claim, Happening.DOUBTFUL, error)
    except Rejected as error:
        return _close(worker, claim, Happening.REFUSED, error)
    except (Transient, ConfigFault, LedgerError) as error:
        return _close(worker, claim, Happening.PROVED_NOT_RECEIVED, error)
    except Exception as error:  # noqa: BLE001  what we do not understand is neither a success nor a failure
        return _close(worker, claim, Happening.NO_ANSWER, error)
    return Pushed(state=_record(worker, claim, Happening.ARRIVED, receipt=receipt))


def _deliver(worker: Worker, sink: Sink, batch: Batch, claim: Claim, found: Presence) -> Receipt:
    """Do what is left to do, given what was found at the partner's (table of DESIGN §6)."""
    outgoing = batch.outgoing
    if found is Presence.OTHER_BYTES:
        raise NameTaken(
            "other bytes are there under the same name",
            subject=outgoing.object_name,
            remedy="compare both files, then release or reject the batch",
        )
    if found is Presence.PUBLISHED:
        return sink.receipt(outgoing, staging=claim.staging, now=worker.now())
    if found is Presence.STAGED and claim.staging is not None:
        worker.ledger.renew(claim.batch_id, claim.fence, now=worker.now(), lease=worker.lease)
        return sink.publish(outgoing, staging=claim.staging, now=worker.now())
    if claim.staging is not None:
        return Receipt(
            remote_name=outgoing.object_name, sha256=outgoing.sha256, size=outgoing.size, at=worker.now(), answer=TAKEN
        )
    return sink.publish(outgoing, staging=_stage(worker, sink, batch, claim), now=worker.now())


def _stage(worker: Worker, sink: Sink, batch: Batch, claim: Claim) -> str:
    """Stage and record it: the record, guarded by the fence, is the last thing before publishing."""
    with worker.spool.open(batch.outgoing.sha256) as payload:
        staging = sink.stage(batch.outgoing, payload, attempt=claim.fence)
    try:
        worker.ledger.mark_staged(claim.batch_id, claim.fence, staging, now=worker.now(), lease=worker.lease)
    except FenceLost:
        with suppress(SinkError):  # ours alone and never recorded: nobody may publish it, so it is only litter
            sink.discard(batch.outgoing, staging=staging)
        raise
    return staging


def _close(worker: Worker, claim: Claim, happening: Happening, error: Exception) -> Pushed:
    """Record an attempt that did not arrive. Foreign exceptions leave their type only: their text may hold anything."""
    text = str(error) if isinstance(error, SobankError) else type(error).__name__
    again = happening in _WORTH_ANOTHER and not isinstance(error, ConfigFault | LedgerError)
    return Pushed(state=_record(worker, claim, happening, message=text), error=text, again=again)


def _record(
    worker: Worker, claim: Claim, happening: Happening, *, receipt: Receipt | None = None, message: str | None = None
) -> BatchState:
    return worker.ledger.record(
        claim.batch_id, claim.fence, happening, now=worker.now(), receipt=receipt, message=message
    )
