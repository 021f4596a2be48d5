"""The proof of a day: what came in equals what went to partners, to global files and to quarantine (D10).

Amounts are sums of minor units over all currencies: a checksum to the cent, not a value to report to anyone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What the banks sent for the day, counted from the statement and entry rows; duplicates are counted once."""

    statements: int
    entries: int
    credit: int
    debit: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DestinationProof:
    """One destination of the day. `delivered` and `pending` count statements; `sum` is credit + debit."""

    destination: str
    kind: str
    batches: int
    statements: int
    entries: int
    sum: int
    delivered: int
    pending: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineProof:
    """Statements set aside for one reason, each under its first open reason."""

    reason: str
    statements: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """The proof of one business day.

    waiting: their mandate is not approved. undecided: approved, but no run has taken them yet (part of `missing`).
    missing: in no destination, no quarantine and not waiting; or allocated, but not in the bytes that were sealed.
    doubled: in the sealed bytes more than once. faults: what else is wrong, in words, without labels or full IBANs.
    """

    day: date
    received: Received
    destinations: tuple[DestinationProof, ...]
    quarantine: tuple[QuarantineProof, ...]
    waiting: int
    undecided: int
    missing: int
    doubled: int
    faults: tuple[str, ...] = field(default=())

    @property
    def pending(self) -> int:
        """Statements whose batch has not arrived yet: not lost, but the day does not hold."""
        return sum(d.pending for d in self.destinations)

    @property
    def accounted_for(self) -> int:
        """Statements that are somewhere: with a destination, set aside, waiting or undecided."""
        placed = sum(d.statements for d in self.destinations)
        return placed + sum(q.statements for q in self.quarantine) + self.waiting + self.undecided

    @property
    def holds(self) -> bool:
        """Whether each statement went to exactly one place and has arrived, to the cent."""
        whole = not (self.missing or self.doubled or self.pending or self.faults)
        return whole and self.accounted_for == self.received.statements

    def as_json(self) -> dict[str, Any]:
        """The form that `sobank prove --json` prints."""
        return {
            "day": self.day.isoformat(),
            "in": asdict(self.received),
            "destinations": [asdict(d) for d in self.destinations],
            "quarantine": [asdict(q) for q in self.quarantine],
            "waiting": self.waiting,
            "undecided": self.undecided,
            "missing": self.missing,
            "doubled": self.doubled,
            "faults": list(self.faults),
            "holds": self.holds,
        }
