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
from dataclasses import replace
from itertools import groupby
from typing import Final

from sobank.domain.circuit import Circuit, CircuitKind, wait_before
from sobank.domain.day import in_paris
from sobank.domain.delivery import Batch, BatchState, Claim, Happening, NotClaimed
from sobank.domain.sink import Presence, Receipt, Sink
from sobank.errors import (
    ConfigFault,
    ConfigurationError,
    Doubtful,
    FenceLost,
    LedgerError,
    NameTaken,
    Rejected,
    SinkError,
    SobankError,
    Transient,
)
from sobank.services.shared_ledger import SharedLedger
from sobank.services.worker import Pushed, PushReport, Worker

TAKEN: Final = "taken by the partner before its arrival could be recorded"
_WORTH_ANOTHER: Final = frozenset({Happening.PROVED_NOT_RECEIVED, Happening.NO_ANSWER})

SinkOf = Callable[[Batch], Sink]


def push_all(worker: Worker, sink_of: SinkOf, batches: Iterable[Batch]) -> PushReport:
    """Push every destination, `worker.at_once` at a time; one that cannot advance does not stop the others (D5, D8).

    Args:
        sink_of: makes the sink of a batch; what it raises stops that destination only.
        batches: in order of destination, business date and seq, as `Ledger.open_batches` gives them.
    """
    report = PushReport()
    destinations = [list(of_one) for _, of_one in groupby(batches, key=lambda batch: batch.destination)]
    if worker.at_once > 1 and not isinstance(worker.ledger, SharedLedger):
        worker = replace(worker, ledger=SharedLedger(worker.ledger, worker=worker.name))
    standing = {circuit.connector_id: circuit for circuit in worker.circuits.all()}

    def push_one(of_one: list[Batch]) -> PushReport:
        try:
            return push_destination(worker, sink_of, of_one, circuit=standing.get(of_one[0].connector_id or 0))
        except Exception as error:  # noqa: BLE001  the ledger failed under this one; the others may still leave
            text = str(error) if isinstance(error, SobankError) else type(error).__name__
            return PushReport(pending=len(of_one), errors={of_one[0].destination: text})

    with ThreadPoolExecutor(worker.at_once) as pool:
        for part in pool.map(push_one, destinations):
            report.merge(part)
    return report


def push_destination(worker: Worker, sink_of: SinkOf, batches: list[Batch], *, circuit: Circuit | None) -> PushReport:
    """Push the batches of one destination in order, up to the first that does not become final (D5).

    Args:
        circuit: the one that stands for its connector. While it is open nothing is tried and the batches wait.
    """
    report = PushReport()
    connector = batches[0].connector_id
    if circuit and connector is not None and (closed_to_us := worker.circuits.enter(connector, now=worker.now())):
        report.pending = len(batches)
        report.errors[batches[0].destination] = _left_alone(closed_to_us)
        return report
    for place, batch in enumerate(batches):
        try:
            pushed = push_batch(worker, sink_of(batch), batch)
        except ConfigurationError as error:
            pushed = Pushed(state=batch.state, error=str(error), faulty=True)
        except SobankError as error:
            pushed = Pushed(state=batch.state, error=str(error))
        except Exception as error:  # noqa: BLE001  whatever breaks here must not stop the other destinations
            pushed = Pushed(state=batch.state, error=type(error).__name__)
        report.add(batch, pushed)
        circuit = _keep_circuit(worker, batch, pushed, circuit)
        if pushed.error is not None and pushed.state not in {BatchState.REJECTED, BatchState.CANCELLED}:
            report.pending += len(batches) - place - 1
            break
    return report


def _keep_circuit(worker: Worker, batch: Batch, pushed: Pushed, circuit: Circuit | None) -> Circuit | None:
    """Open the circuit of a connector that is set up wrong, rest where the partner asks, close it when he answers.

    Returns:
        The circuit that let us through and stands still.
    """
    connector, cause, now = batch.connector_id, pushed.error or "", worker.now()
    if connector is None:
        return None
    if pushed.faulty:
        if worker.circuits.open(connector, cause=cause, worker=worker.name, now=now):
            worker.alert(f"{batch.destination}: its circuit is open, its batches wait: {cause}")
    elif pushed.asked is not None:
        worker.circuits.rest(connector, seconds=pushed.asked, cause=cause, now=now)
    elif circuit and pushed.state in {BatchState.DELIVERED, BatchState.REJECTED}:
        worker.circuits.close(
            connector, actor=worker.name, reason="the partner answered", now=now, opened_at=circuit.opened_at
        )
        return None
    return circuit


def _left_alone(circuit: Circuit) -> str:
    until = in_paris(circuit.until)
    if circuit.kind is CircuitKind.ASKED:
        return f"the partner asked to be left alone until {until}: {circuit.cause}"
    return (
        f"its circuit is open since {in_paris(circuit.opened_at)}: {circuit.cause}\n"
        f"    mend it, then `sobank connectors test` closes the circuit; by itself one batch tries after {until}"
    )


def push_batch(worker: Worker, sink: Sink, batch: Batch) -> Pushed:
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
            worker.sleep(wait)
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


def _attempt(worker: Worker, sink: Sink, batch: Batch, claim: Claim) -> Pushed:
    """One attempt, from looking first to its record. Only `FenceLost` and a failing ledger leave as exceptions."""
    found = Presence.ABSENT
    if claim.in_doubt:
        try:
            found = sink.probe(batch.outgoing, staging=claim.staging, now=worker.now())
        except Exception as error:  # noqa: BLE001  until we have looked, no kind of error proves that nothing left
            return _close(worker, claim, Happening.NO_ANSWER, error)
    try:
        receipt = _deliver(worker, sink, batch, claim, found)
    except FenceLost:
        raise
    except Doubtful as error:
        return _close(worker, claim, Happening.DOUBTFUL, error)
    except Rejected as error:
        return _close(worker, claim, Happening.REFUSED, error)
    except (Transient, ConfigFault, LedgerError) as error:
        # Only of an attempt that was the first to publish is it certain that nobody else did (module docstring).
        forget = claim.staging is None and not sink.holds_staged
        return _close(worker, claim, Happening.PROVED_NOT_RECEIVED, error, forget_staging=forget)
    except Exception as error:  # noqa: BLE001  what we do not understand is neither a success nor a failure
        return _close(worker, claim, Happening.NO_ANSWER, error)
    arrived = worker.ledger.record(claim.batch_id, claim.fence, Happening.ARRIVED, now=worker.now(), receipt=receipt)
    return Pushed(state=arrived)


def _deliver(worker: Worker, sink: Sink, batch: Batch, claim: Claim, found: Presence) -> Receipt:
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
    staging = _stage(worker, sink, batch, claim)
    return sink.publish(outgoing, staging=staging, again=False, now=worker.now())


def _stage(worker: Worker, sink: Sink, batch: Batch, claim: Claim) -> str:
    """Stage and record it: the record, guarded by the fence, is the last thing before publishing."""
    with worker.spool.open(batch.outgoing.sha256) as payload:
        staging = sink.stage(batch.outgoing, payload, attempt=claim.fence, now=worker.now())
    try:
        worker.ledger.mark_staged(claim.batch_id, claim.fence, staging, now=worker.now(), lease=worker.lease)
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
