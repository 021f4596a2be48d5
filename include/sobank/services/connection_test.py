"""Test the connection of a connector; where it works, close the circuit that a fault of configuration opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sobank.domain.circuit import Circuit, CircuitKind
from sobank.domain.sink import ConnectionReport, Sink
from sobank.errors import SobankError, Transient, Unknown

if TYPE_CHECKING:
    from sobank.store.circuits import Circuits


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What a connection test found. closed: the circuit that it closed, None where none was open for a fault."""

    report: ConnectionReport
    closed: Circuit | None = None


def try_connection(
    connector_id: int,
    sink: Callable[[], Sink],
    circuits: Circuits,
    *,
    standing: Circuit | None,
    actor: str,
    reason: str,
    now: datetime,
    role: str | None = None,
) -> Tried:
    """Connect and look, send nothing. Whatever fails is the report, never an exception.

    A pause that the partner asked for is not ours to end: only a circuit that is open for a fault of configuration is
    closed, as an event of `actor`.

    Args:
        sink: makes the sink; what it raises is a failed test. standing: the circuit of the connector, if there is one.
        role: in which `actor` asks, None where nobody looked.
    """
    report = report_of(sink)
    if not report.reachable or standing is None or standing.kind is not CircuitKind.CONFIG:
        return Tried(report=report)
    closed = circuits.close(connector_id, actor=actor, role=role, reason=reason, now=now)
    return Tried(report=report, closed=closed)


def report_of(sink: Callable[[], Sink]) -> ConnectionReport:
    """What a connection test finds; whatever fails is the report, never an exception."""
    try:
        return sink().test()
    except (Transient, Unknown) as error:
        # What it advises is for a delivery: here nothing was to be sent, and nothing is tried again.
        told = type(error)(error.what, subject=error.subject, remedy="check the network and the partner's server")
        return ConnectionReport(reachable=False, degraded=(str(told),))
    except SobankError as error:
        return ConnectionReport(reachable=False, degraded=(str(error),))
    except Exception as error:  # noqa: BLE001  of a foreign exception the type only: its text may hold anything
        return ConnectionReport(reachable=False, degraded=(type(error).__name__,))
