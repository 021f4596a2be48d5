"""What is kept outside the database of what left and what came in, so that a restored database can be told (ADR 0022).

Only facts that a restored database cannot find out again are kept: what may lie at a partner's, how it ended, and under
which name a file came. Everything else is decided anew, and comes out the same (D2, D9).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sobank.domain.delivery import FINAL_STATES, BatchState


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedBatch:
    """All that a batch was sealed with, by codes and names instead of ids. SHA-256 in hex, amounts in minor units."""

    destination: str
    kind: str
    cabinet: str
    connector: str | None
    business_date: date
    seq: int
    object_name: str
    idempotency_key: str
    payload_sha256: str
    payload_size: int
    plain_sha256: str | None
    n_statements: int
    n_entries: int
    n_records: int
    credit: int
    debit: int
    first_date: date
    last_date: date
    run_day: date
    sealed_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Departure:
    """From now on `staging` may be published: written after the ledger recorded it, before anybody publishes.

    staging: None only of a batch that the database knows itself, and for which it has none.
    """

    batch: SealedBatch
    fence: int
    staging: str | None


class End(StrEnum):
    """How an attempt ended, where looking at the partner's would not tell. `unsent`: sure that nothing arrived."""

    DELIVERED = "delivered"
    REJECTED = "rejected"
    UNSENT = "unsent"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """The end of a departure. `receipt` as the ledger keeps it, of what was delivered; `reason` of what was rejected,
    and `by_person` whether a person gave it up."""

    idempotency_key: str
    fence: int
    end: End
    receipt: Mapping[str, str | int] | None = None
    reason: str | None = None
    by_person: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Intake:
    """A bank file that was taken in: its name, from which its day of reception comes (D2), and its SHA-256 (hex).

    number: that of the file in its database; of two the higher was kept later, and is the one that contradicts (S10).
        0 in what was written before there were numbers.
    """

    name: str
    sha256: str
    number: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """What is written at once."""

    intakes: tuple[Intake, ...] = ()
    departures: tuple[Departure, ...] = ()
    endings: tuple[Ending, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What a database knows of a batch."""

    id: int
    state: BatchState
    fence: int
    staging: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """The last that the trace tells of a batch: where it was staged, and how that ended, None where nobody wrote it."""

    departure: Departure
    ending: Ending | None

    @property
    def fence(self) -> int:
        """The newest that the trace tells of."""
        return max(self.departure.fence, self.ending.fence if self.ending else 0)

    @property
    def state(self) -> BatchState:
        """The state from which the protocol goes on by itself: without an ending, by looking at the partner's first."""
        return _STATES[self.ending.end] if self.ending else BatchState.UNCERTAIN

    def is_news(self, known: Known | None) -> bool:
        """Whether a database that knows so much of the batch is behind."""
        if known is None or known.fence < self.fence:
            return True
        if known.state in FINAL_STATES or known.fence > self.fence:
            return False
        if self.ending is not None:
            return not (self.ending.end is End.UNSENT and known.staging is None and known.state != BatchState.SENDING)
        return known.state is BatchState.SENDING and known.staging is None


_STATES: Final = {
    End.DELIVERED: BatchState.DELIVERED,
    End.REJECTED: BatchState.REJECTED,
    End.UNSENT: BatchState.SEALED,
}


def ended_alone(records: Iterable[Record]) -> list[str]:
    """Idempotency keys of batches of which these records tell an end and no departure: they left days before, or never.

    Whoever decides on a held batch may do so long after it left.
    """
    found = list(records)
    left = {departure.batch.idempotency_key for record in found for departure in record.departures}
    return sorted({ending.idempotency_key for record in found for ending in record.endings} - left)


def fates(records: Iterable[Record], own: Mapping[str, Departure] | None = None) -> list[Fate]:
    """What became of each batch, in the order of taking up: first what was given up, then as they were sealed.

    Fences tell the order, never a clock: of one batch a claim with a higher one came after, and ends follow departures.

    Args:
        own: what the database itself knows of batches that `ended_alone`, by idempotency key.
    """
    departures: dict[str, Departure] = {}
    endings: dict[str, Ending] = {}
    for record in records:
        for departure in record.departures:
            key = departure.batch.idempotency_key
            if key not in departures or departures[key].fence <= departure.fence:
                departures[key] = departure
        for ending in record.endings:
            if _after(ending, endings.get(ending.idempotency_key)):
                endings[ending.idempotency_key] = ending
    ended = {key: departure for key, departure in (own or {}).items() if endings[key].fence >= departure.fence}
    found = []
    for key, departure in (ended | departures).items():
        last = endings.get(key)
        found.append(Fate(departure=departure, ending=last if last and last.fence >= departure.fence else None))
    return sorted(found, key=_order)


def _order(fate: Fate) -> tuple[object, ...]:
    """What was given up comes first: its statements may have left in another batch since."""
    batch = fate.departure.batch
    given_up = fate.state is BatchState.REJECTED
    return not given_up, batch.sealed_at, batch.destination, batch.business_date, batch.seq


def _after(ending: Ending, other: Ending | None) -> bool:
    """Of one attempt what is final came last."""
    if other is None or ending.fence != other.fence:
        return other is None or ending.fence > other.fence
    return ending.end is not End.UNSENT or other.end is End.UNSENT
