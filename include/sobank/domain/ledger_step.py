"""The steps of a push that a worker asks of the delivery ledger: as values, many are taken at once (DESIGN §6)."""

from __future__ import annotations

from dataclasses import dataclass

from sobank.domain.delivery import BatchState, Claim, NotClaimed
from sobank.domain.sink import Receipt


@dataclass(frozen=True, kw_only=True, slots=True)
class Claiming:
    """Take the batch before a byte of it leaves. Answered by a Claim, or why not."""

    batch_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Staged:
    """`staging` holds the whole payload and is the one name that may be published. Answered by None."""

    batch_id: int
    fence: int
    staging: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrived:
    """The partner has it; `receipt` is the evidence. Answered by the new state."""

    batch_id: int
    fence: int
    receipt: Receipt


Step = Claiming | Staged | Arrived
#: An exception is what this one step would have raised: NotFound, FenceLost. Others of the set are not touched by it.
Answer = Claim | NotClaimed | BatchState | Exception | None
