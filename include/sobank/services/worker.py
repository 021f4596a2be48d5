"""Who pushes, with what, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import random
from typing import TYPE_CHECKING, Final

from sobank.domain.delivery import Batch, BatchState

if TYPE_CHECKING:
    from sobank.services.shared_ledger import SharedLedger
    from sobank.store.circuits import Circuits
    from sobank.store.ledger import Ledger
    from sobank.store.objects import ObjectStore

_COUNTED: Final = frozenset({"delivered", "cancelled", "held", "rejected"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """Who pushes, and with what. `sleep` takes the seconds between attempts, at most `attempts` in one push.

    alert: told once when a circuit opens. draw: a number in [0, 1), for the jitter of pauses.
    at_once: how many destinations are pushed side by side; within one, batches leave one after another (D5).
    """

    name: str
    ledger: Ledger | SharedLedger
    spool: ObjectStore
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    circuits: Circuits
    alert: Callable[[str], None]
    lease: timedelta = timedelta(minutes=5)
    attempts: int = 3
    at_once: int = 1
    draw: Callable[[], float] = random


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """What became of a batch in this push; `error` says why it is not delivered.

    again: worth another attempt now. asked: seconds for which the partner wants to be left alone, None if it does not
    say. faulty: a fault of configuration, the same for every batch of the connector.
    """

    state: BatchState
    error: str | None = None
    again: bool = False
    asked: float | None = None
    faulty: bool = False


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
