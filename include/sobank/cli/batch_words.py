"""What is to be done about a batch, in one sentence by its state, for whoever must act on it now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sobank.cli.show import moment, out
from sobank.domain.circuit import Circuit, CircuitKind
from sobank.domain.delivery import Batch, BatchState

_S = BatchState
_NEXT: Final = {
    _S.SEALED: "nothing: the next run sends it; `sobank deliveries retry {id} --by NAME --why TEXT` sends it now",
    _S.UNCERTAIN: "nothing may be sent by hand: it may be there already. The next run looks first; `sobank deliveries"
    " retry {id} --by NAME --why TEXT` looks now",
    _S.HELD: "ask the partner about {file}: if it is not there, `sobank deliveries release {id}`; if it is there with"
    " these bytes, `confirm {id}`; to give it up, `reject {id}`; each with --by NAME --why TEXT",
    _S.DELIVERED: "nothing: it arrived",
    _S.REJECTED: "look at its statements: `sobank quarantine list`",
    _S.CANCELLED: "nothing: its statements are decided anew by the next run",
}
#: The last try was refused, but one before it may have got through: sealed does not say that nothing did.
_TRIED: Final = (
    "nothing may be sent by hand: an earlier try may have left it there, staged or whole. The next run looks first;"
    " `sobank deliveries retry {id} --by NAME --why TEXT` looks now"
)
_ABANDONED: Final = (
    "its worker is gone: the next run looks first; `sobank deliveries retry {id} --by NAME --why TEXT` looks now"
)


def next_step(batch: Batch, *, lease_until: datetime | None, circuit: Circuit | None, now: datetime) -> str:
    """What to do now; an open circuit of its connector comes first, since nothing leaves until it is closed."""
    if batch.state in {_S.SEALED, _S.UNCERTAIN} and circuit is not None and circuit.until > now:
        if circuit.kind is CircuitKind.ASKED:
            return f"wait: the partner asked for a pause until {moment(circuit.until)}"
        name = batch.destination.partition(":")[2]
        return f"mend what opened the circuit, then `sobank connectors test {name}` closes it"
    if batch.state is _S.SENDING:
        if lease_until is not None and lease_until > now:
            return f"wait: a worker has it until {moment(lease_until)} at the latest"
        return _ABANDONED.format(id=batch.id)
    if batch.state is _S.SEALED and batch.staging is not None:
        return _TRIED.format(id=batch.id)
    return _NEXT[batch.state].format(id=batch.id, file=batch.outgoing.object_name)


def circuit_words(circuit: Circuit | None) -> str:
    """A circuit as one line, empty where none stands."""
    if circuit is None:
        return ""
    what = "pause asked by the partner" if circuit.kind is CircuitKind.ASKED else "open"
    over = " (over: the next batch tries)" if circuit.until <= datetime.now(UTC) else ""
    since = f"{what} since {moment(circuit.opened_at)}, until {moment(circuit.until)}{over}"
    return f"{since}: {' '.join(circuit.cause.split())}"


def circuit_state(circuit: Circuit | None) -> str:
    """A circuit as one word for a table, empty where none stands."""
    return "" if circuit is None else "pause" if circuit.kind is CircuitKind.ASKED else "open"


def print_circuits(circuits: Mapping[str, Circuit]) -> None:
    """Print each circuit below a table, and what closes those that a person must close."""
    for destination, circuit in circuits.items():
        out.print(f"  circuit of {destination} {circuit_words(circuit)}", highlight=False)
    if any(circuit.kind is CircuitKind.CONFIG for circuit in circuits.values()):
        out.print("An open circuit: mend the cause, then `sobank connectors test DESTINATION` closes it.")


def circuit_document(circuit: Circuit | None) -> dict[str, Any] | None:
    """A circuit for programs; moments are ISO 8601 UTC."""
    if circuit is None:
        return None
    return {
        "kind": circuit.kind.value,
        "since": circuit.opened_at.isoformat(),
        "until": circuit.until.isoformat(),
        "faults": circuit.faults,
        "cause": circuit.cause,
    }


def first_line(message: str | None, *, file: str) -> str:
    """The first line of a message without the name of the file that it is about."""
    return (message or "").partition("\n")[0].removeprefix(f"{file}: ")
