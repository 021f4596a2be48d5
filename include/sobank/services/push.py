"""Push sealed batches to their destinations, in order for each of them, many of them side by side (D5–D9)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Final, cast

from sobank.domain.circuit import Circuit, CircuitKind
from sobank.domain.day import in_paris
from sobank.domain.delivery import Batch, BatchState
from sobank.domain.sink import Sink
from sobank.errors import ConfigurationError, SobankError
from sobank.services.attempt import push_steps
from sobank.services.shared_ledger import SharedLedger
from sobank.services.steps import Paused, Pushing, one_by_one, together
from sobank.services.worker import Pushed, PushReport, Worker

if TYPE_CHECKING:
    from sobank.store.ledger import Ledger

SinkOf = Callable[[Batch], Sink]
#: Folders of ours wait for a disk, not for a network: few threads keep it busy, and many batches share a transaction.
_FOLDER_THREADS: Final = 4
_FOLDERS_TOGETHER: Final = 64


def push_all(worker: Worker, sink_of: SinkOf, batches: Iterable[Batch]) -> PushReport:
    """Push every destination, `worker.at_once` at a time; one that cannot advance does not stop the others (D5, D8).

    Side by side, they share transactions of the ledger: those that are folders of ours, many in a thread, always; the
    others, which may keep us waiting, each in a thread, as it comes about.

    Args:
        sink_of: makes the sink of a batch; what it raises stops that destination only.
        batches: in order of destination, business date and seq, as `Ledger.open_batches` gives them.
    """
    report = PushReport()
    destinations = [list(of_one) for _, of_one in groupby(batches, key=lambda batch: batch.destination)]
    standing = {circuit.connector_id: circuit for circuit in worker.circuits.all()}

    def steps_of(worker: Worker, of_one: list[Batch]) -> Pushing[PushReport]:
        try:
            return (yield from _destination(worker, sink_of, of_one, standing.get(of_one[0].connector_id or 0)))
        except Exception as error:  # noqa: BLE001  the ledger failed under this one; the others may still leave
            text = str(error) if isinstance(error, SobankError) else type(error).__name__
            return PushReport(pending=len(of_one), errors={of_one[0].destination: text})

    if worker.at_once > 1:
        parts = _side_by_side(worker, steps_of, destinations)
    else:
        parts = (one_by_one(worker, steps_of(worker, of_one)) for of_one in destinations)
    for part in parts:
        report.merge(part)
    return report


def push_batch(worker: Worker, sink: Sink, batch: Batch) -> Pushed:
    """Push one batch; see `push_steps`."""
    return one_by_one(worker, push_steps(worker, sink, batch))


def _side_by_side(
    worker: Worker,
    steps_of: Callable[[Worker, list[Batch]], Pushing[PushReport]],
    destinations: Sequence[list[Batch]],
) -> Iterable[PushReport]:
    near = [of_one for of_one in destinations if _is_ours(of_one[0])]
    far = [of_one for of_one in destinations if not _is_ours(of_one[0])]
    threads = min(worker.at_once, _FOLDER_THREADS)
    ledger = cast("Ledger", worker.ledger)
    sharing = replace(worker, ledger=SharedLedger(ledger, worker=worker.name))

    def share(number: int) -> list[PushReport | Paused[PushReport]]:
        pushes = (steps_of(worker, of_one) for of_one in near[number::threads])
        return list(together(worker, ledger, pushes, at_most=_FOLDERS_TOGETHER))

    def alone(push: Pushing[PushReport]) -> PushReport:
        return one_by_one(sharing, push)

    with ThreadPoolExecutor(worker.at_once) as pool:
        shares = [pool.submit(share, number) for number in range(threads)]
        others = pool.map(alone, [steps_of(sharing, of_one) for of_one in far])
        found = [one for done in shares for one in done.result()]
        yield from (one for one in found if isinstance(one, PushReport))
        yield from pool.map(lambda paused: one_by_one(sharing, *paused), [p for p in found if isinstance(p, Paused)])
        yield from others


def _is_ours(batch: Batch) -> bool:
    """A folder that settings name may be a partner's disk, mounted from elsewhere: hanging, it holds up no other."""
    return batch.connection is None and "folder" not in batch.settings


def _destination(worker: Worker, sink_of: SinkOf, batches: list[Batch], circuit: Circuit | None) -> Pushing[PushReport]:
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
            pushed = yield from push_steps(worker, sink_of(batch), batch)
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
