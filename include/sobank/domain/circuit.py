"""When a connector is left alone, and for how long: the circuit of DESIGN §6, and the pauses between attempts.

A fault of configuration (authentication, host key, TLS, a folder that is not there) would be the same for every batch
and every try: the circuit opens, one alert is given, and what is sealed waits. When the pause is over one batch tries;
if it fails for the same kind of reason the next pause is twice as long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

#: Pauses of an open circuit: the first, and the longest.
_FIRST, _LONGEST = timedelta(minutes=5), timedelta(hours=1)
#: Seconds between two attempts in one push: the longest that a worker waits.
LONGEST_WAIT: Final = 30.0
_BASE: Final = 2.0


class CircuitKind(StrEnum):
    """Why a connector is left alone: a person must act, or the partner asked for a pause."""

    CONFIG = "config"
    ASKED = "asked"


@dataclass(frozen=True, kw_only=True, slots=True)
class Circuit:
    """A connector that is left alone. `until`: from then on one batch may try. `faults`: failed tries in a row."""

    connector_id: int
    kind: CircuitKind
    cause: str
    opened_at: datetime
    until: datetime
    faults: int


def config_pause(faults: int) -> timedelta:
    """How long the circuit stays open after so many faults in a row."""
    return min(_FIRST * (1 << min(faults - 1, 10)), _LONGEST)


def asked_pause(seconds: float) -> timedelta:
    """The pause that a partner asked for (`Retry-After`), no longer than the longest of ours."""
    return timedelta(seconds=min(max(seconds, 0.0), _LONGEST.total_seconds()))


def wait_before(attempt: int, *, asked: float | None, draw: Callable[[], float]) -> float | None:
    """Seconds before attempt number `attempt` (1 = the second try), or None: not in this push.

    Args:
        asked: what the partner asked for; honoured whole, and never waited for here if it is longer than ours.
        draw: a number in [0, 1). Spread over the whole interval, so that workers do not come back together.
    """
    if asked is not None and asked > LONGEST_WAIT:
        return None
    spread = min(_BASE * 2.0**attempt, LONGEST_WAIT) * draw()
    return max(spread, asked or 0.0)
