"""States of a batch and the one function that changes them (DESIGN §6); names and days of delivery (D9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from sobank.domain.sink import Outgoing


class BatchState(StrEnum):
    """sealed → sending → delivered | uncertain | sealed | rejected | held; a person moves held on; see TRANSITIONS."""

    SEALED = "sealed"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    DELIVERED = "delivered"
    REJECTED = "rejected"
    HELD = "held"
    CANCELLED = "cancelled"


class Happening(StrEnum):
    """What can happen to a batch."""

    CLAIMED = "claimed"
    ARRIVED = "arrived"
    NO_ANSWER = "no_answer"
    PROVED_NOT_RECEIVED = "proved_not_received"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"
    RELEASED_BY_PERSON = "released_by_person"
    REJECTED_BY_PERSON = "rejected_by_person"
    CONFIRMED_BY_PERSON = "confirmed_by_person"
    WITHDRAWN = "withdrawn"


_S, _H = BatchState, Happening

#: The whole table. What is not here cannot happen; the schema's CHECKs and guarded UPDATEs hold the same line.
TRANSITIONS: Final[dict[tuple[BatchState, Happening], BatchState]] = {
    (_S.SEALED, _H.CLAIMED): _S.SENDING,
    (_S.SENDING, _H.CLAIMED): _S.SENDING,
    (_S.UNCERTAIN, _H.CLAIMED): _S.SENDING,
    (_S.SENDING, _H.ARRIVED): _S.DELIVERED,
    (_S.SENDING, _H.NO_ANSWER): _S.UNCERTAIN,
    (_S.SENDING, _H.PROVED_NOT_RECEIVED): _S.SEALED,
    (_S.SENDING, _H.REFUSED): _S.REJECTED,
    (_S.SENDING, _H.DOUBTFUL): _S.HELD,
    (_S.HELD, _H.RELEASED_BY_PERSON): _S.SEALED,
    (_S.HELD, _H.REJECTED_BY_PERSON): _S.REJECTED,
    (_S.HELD, _H.CONFIRMED_BY_PERSON): _S.DELIVERED,
    (_S.SEALED, _H.WITHDRAWN): _S.CANCELLED,
}

FINAL_STATES: Final = frozenset({_S.DELIVERED, _S.REJECTED, _S.CANCELLED})


def transition(state: BatchState, happening: Happening, *, attempted: bool) -> BatchState | None:
    """The state after `happening`, or None where the table does not have it.

    Args:
        attempted: whether an attempt was ever made; a batch may be withdrawn only before any attempt (D7).
    """
    if happening is Happening.WITHDRAWN and attempted:
        return None
    return TRANSITIONS.get((state, happening))


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """A sealed batch as the delivery ledger has it. Amounts in minor units, debit negative.

    partner: code in the catalogue, None for a global file. connection, settings: how its connector is reached.
    staging: the one staging name that may be published, once recorded.
    """

    id: int
    destination: str
    kind: str
    cabinet: str
    connector_id: int | None
    partner: str | None
    connection: str | None
    settings: dict[str, object]
    business_date: date
    seq: int
    state: BatchState
    staging: str | None
    outgoing: Outgoing
    n_entries: int
    n_records: int
    credit: int
    debit: int
    first_date: date
    last_date: date


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """The right to work on a batch, for as long as nobody claims it after (`fence`, one more at each claim).

    entered_as: the state it was found in. staging: the staging name that an earlier owner recorded, if any.
    """

    batch_id: int
    fence: int
    entered_as: BatchState
    staging: str | None

    @property
    def in_doubt(self) -> bool:
        """Whether something of it may be at the partner's already: then look before sending (DESIGN §6)."""
        return self.staging is not None or self.entered_as is not BatchState.SEALED


class NotClaimed(StrEnum):
    """Why a batch could not be claimed."""

    BUSY = "busy"
    BLOCKED = "blocked"
    HELD = "held"
    FINAL = "final"
    CANCELLED = "cancelled"
