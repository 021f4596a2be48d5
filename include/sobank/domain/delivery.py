"""States of a batch and the one function that changes them (DESIGN §6); names and days of delivery (D9)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


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
