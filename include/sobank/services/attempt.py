"""One batch: claimed, looked for, staged, published, recorded, exactly once whatever fails (the protocol of DESIGN §6).

Why a worker that was stopped past its lease cannot deliver twice: only the staging name that the ledger records may be
published, publishing moves it, and recording takes the newest fence. So there is one name, one move of it succeeds,
and a worker that lost its fence before recording has nothing that it may publish. A name that is recorded but found
neither staged nor published was moved and then taken by the partner: it is never sent again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final, cast

from sobank.domain.circuit import wait_before
from sobank.domain.delivery import Batch, BatchState, Claim, Happening, NotClaimed
from sobank.domain.ledger_step import Arrived, Claiming, Staged
from sobank.domain.sink import Presence, Receipt, Sink
from sobank.errors import (
    ConfigFault,
    Doubtful,
    FenceLost,
    LedgerError,
    NameTaken,
    Rejected,
    SinkError,
    SobankError,
    StoreAway,
    Transient,
)
from sobank.services.steps import Pausing, Pushing
from sobank.services.worker import Pushed, Worker

TAKEN: Final = "taken by the partner before its arrival could be recorded"
_WORTH_ANOTHER: Final = frozenset({Happening.PROVED_NOT_RECEIVED, Happening.NO_ANSWER})


def push_steps(worker: Worker, sink: Sink, batch: Batch) -> Pushing[Pushed]:
    """Claim, look first where something may have left, stage, record, publish, record; again a few times at most.

    Raises:
        NotFound: the batch is unknown. Whatever the database raises when it is away: the batch stays claimed, and the
        next worker looks first.
    """
    pushed = Pushed(state=batch.state, error="no attempt was allowed")
    for attempt in range(worker.attempts):
        if attempt:
            wait = wait_before(attempt, asked=pushed.asked, draw=worker.draw)
            if wait is None:
                break
            yield Pausing(seconds=wait)
        claim = yield Claiming(batch_id=batch.id)
        if not isinstance(claim, Claim):
            return _not_claimed(worker, batch, cast("NotClaimed", claim))
        try:
            pushed = yield from _attempt(worker, sink, batch, claim)
        except FenceLost as error:
            return Pushed(state=BatchState.SENDING, error=str(error))
        if not pushed.again:
            break
    return pushed


def _not_claimed(worker: Worker, batch: Batch, why: NotClaimed) -> Pushed:
    state = worker.ledger.batch(batch.id).state
    if why in {NotClaimed.FINAL, NotClaimed.CANCELLED}:
        return Pushed(state=state)
    texts = {
        NotClaimed.BUSY: "another worker has it",
        NotClaimed.BLOCKED: "an earlier batch has not left",
        NotClaimed.HELD: f"held until a person decides\n  → `sobank deliveries show {batch.id}` says between what",
    }
    return Pushed(state=state, error=f"{batch.outgoing.object_name}: {texts[why]}")


def _attempt(worker: Worker, sink: Sink, batch: Batch, claim: Claim) -> Pushing[Pushed]:
    """One attempt, from looking first to its record. Only `FenceLost` and a failing ledger leave as exceptions."""
    found = Presence.ABSENT
    if claim.in_doubt:
        try:
            found = sink.probe(batch.outgoing, staging=claim.staging, now=worker.now())
        except Exception as error:  # noqa: BLE001  until we have looked, no kind of error proves that nothing left
            return _close(worker, claim, Happening.NO_ANSWER, error)
    try:
        receipt = yield from _deliver(worker, sink, batch, claim, found)
    except FenceLost:
        raise
    except Doubtful as error:
        return _close(worker, claim, Happening.DOUBTFUL, error)
    except Rejected as error:
        return _close(worker, claim, Happening.REFUSED, error)
    except (Transient, ConfigFault, LedgerError, StoreAway) as error:
        # Only of an attempt that was the first to publish is it certain that nobody else did (module docstring).
        forget = claim.staging is None and not sink.holds_staged
        return _close(worker, claim, Happening.PROVED_NOT_RECEIVED, error, forget_staging=forget)
    except Exception as error:  # noqa: BLE001  what we do not understand is neither a success nor a failure
        return _close(worker, claim, Happening.NO_ANSWER, error)
    arrived = yield Arrived(batch_id=claim.batch_id, fence=claim.fence, receipt=receipt)
    return Pushed(state=cast("BatchState", arrived))


def _deliver(worker: Worker, sink: Sink, batch: Batch, claim: Claim, found: Presence) -> Pushing[Receipt]:
    """Do what is left to do, given what was found at the partner's (table of DESIGN §6)."""
    outgoing = batch.outgoing
    if found is Presence.OTHER_BYTES:
        raise NameTaken(
            "other bytes are there under the same name",
            subject=outgoing.object_name,
            remedy="compare both files, then release, confirm or reject the batch",
        )
    if found is Presence.UNKNOWABLE:
        raise Doubtful(
            "it may have arrived; the partner cannot be asked, and would take it twice",
            subject=outgoing.object_name,
            remedy="ask the partner; then release the batch if he does not have it, confirm it if he has it",
        )
    if found is Presence.PUBLISHED:
        return sink.receipt(outgoing, staging=claim.staging, now=worker.now())
    if found is Presence.STAGED and claim.staging is not None:
        worker.ledger.renew(claim.batch_id, claim.fence, now=worker.now(), lease=worker.lease)
        return sink.publish(outgoing, staging=claim.staging, again=True, now=worker.now())
    if claim.staging is not None:
        return Receipt(
            remote_name=outgoing.object_name, sha256=outgoing.sha256, size=outgoing.size, at=worker.now(), answer=TAKEN
        )
    staging = yield from _stage(worker, sink, batch, claim)
    return sink.publish(outgoing, staging=staging, again=False, now=worker.now())


def _stage(worker: Worker, sink: Sink, batch: Batch, claim: Claim) -> Pushing[str]:
    """Stage and record it: the record, guarded by the fence, is the last thing before publishing."""
    with worker.spool.open(batch.outgoing.sha256) as payload:
        staging = sink.stage(batch.outgoing, payload, attempt=claim.fence, now=worker.now())
    try:
        yield Staged(batch_id=claim.batch_id, fence=claim.fence, staging=staging)
    except FenceLost:
        with suppress(SinkError):  # ours alone and never recorded: nobody may publish it, so it is only litter
            sink.discard(batch.outgoing, staging=staging)
        raise
    return staging


def _close(
    worker: Worker, claim: Claim, happening: Happening, error: Exception, *, forget_staging: bool = False
) -> Pushed:
    """Record an attempt that did not arrive. Foreign exceptions leave their type only: their text may hold anything."""
    text = str(error) if isinstance(error, SobankError) else type(error).__name__
    state = worker.ledger.record(
        claim.batch_id, claim.fence, happening, now=worker.now(), message=text, forget_staging=forget_staging
    )
    return Pushed(
        state=state,
        error=text,
        again=happening in _WORTH_ANOTHER and not isinstance(error, ConfigFault | LedgerError),
        asked=error.retry_after if isinstance(error, SinkError) else None,
        faulty=isinstance(error, ConfigFault),
    )
