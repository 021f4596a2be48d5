"""What the partners of the demo do wrong on purpose, and what became of the files to which it happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sobank.domain.delivery import BatchState
from sobank.simulator.script import Fault
from sobank.store.ledger_rows import Which

if TYPE_CHECKING:
    from sobank.simulator.partners import Simulated
    from sobank.store.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Mishap:
    """One fault of one partner, once; `said` tells it to people."""

    partner: str
    on: str
    do: Fault
    said: str


PLANNED: Final = (
    Mishap(partner="fizen", on="rename", do=Fault.LOSE_ANSWER, said="renamed the file, then lost the answer"),
    Mishap(partner="inqom", on="write", do=Fault.RESET_MID_BODY, said="cut the connection in the middle of a file"),
    Mishap(partner="myunisoft", on="post", do=Fault.TOO_MANY_SECONDS, said="answered 429, come back later"),
    Mishap(partner="myunisoft", on="post", do=Fault.ERROR_AFTER_COMMIT, said="took the file, then answered 500"),
    Mishap(partner="entrepot", on="complete", do=Fault.LOSE_ANSWER, said="took the object, then lost the answer"),
)
_MOST: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Retried:
    """A file that took more than one attempt.

    outcomes: one for each attempt. answer: of the receipt. there: how often it arrived, counted at the partner's.
    """

    partner: str
    name: str
    outcomes: tuple[str, ...]
    answer: str
    there: int


def plan(partners: Iterable[Simulated]) -> None:
    """Write the mishaps into the partners' scripts."""
    for one in partners:
        for mishap in PLANNED:
            if mishap.partner == one.seat.code:
                one.server.script.add(mishap.on, mishap.do)


def not_played(partners: Iterable[Simulated]) -> list[Mishap]:
    """The mishaps that are still in a script: their moment never came."""
    left = []
    for one in partners:
        for operation in dict.fromkeys(mishap.on for mishap in PLANNED if mishap.partner == one.seat.code):
            while fault := one.server.script.take(operation):
                left += [m for m in PLANNED if (m.partner, m.on, m.do) == (one.seat.code, operation, fault)]
    return left


def retried(ledger: Ledger, partners: Sequence[Simulated]) -> list[Retried]:
    """Every file that took more than one attempt; how often it arrived is counted at the partner's."""
    arrived = {one.seat.code: [name for name, _ in one.server.inbox.received()] for one in partners}
    return [
        Retried(
            partner=batch.partner,
            name=batch.outgoing.object_name,
            outcomes=tuple(attempt.outcome or "under way" for attempt in ledger.attempts(batch.id)),
            answer=str((ledger.standing(batch.id).receipt or {}).get("answer", "")),
            there=arrived[batch.partner].count(batch.outgoing.object_name),
        )
        for batch in (listed.batch for listed in ledger.listed(Which(states=tuple(BatchState)), limit=_MOST))
        if batch.partner is not None and len(ledger.attempts(batch.id)) > 1
    ]
