"""How the steps of a push are taken: one by one as they come, or those of many destinations together (DESIGN §6).

A push is a generator: it yields what it asks of the delivery ledger and goes on with the answer, or with the error. So
who takes the steps decides with which others they share a transaction; the order of the steps of a batch is its own.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from sobank.domain.delivery import Happening
from sobank.domain.ledger_step import Answer, Claiming, Staged, Step
from sobank.services.shared_ledger import take_each

if TYPE_CHECKING:
    from sobank.services.worker import Worker
    from sobank.store.ledger import Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Pausing:
    """Nothing is asked of anybody for so many seconds. Answered by None."""

    seconds: float


T = TypeVar("T")
Pushing = Generator[Step | Pausing, Answer, T]


class Paused(NamedTuple, Generic[T]):
    """A push that has to pause before it goes on: `one_by_one` does both."""

    push: Pushing[T]
    asked: Pausing


def one_by_one(worker: Worker, push: Pushing[T], asked: Step | Pausing | None = None) -> T:
    """Take each step as it comes; what the push returns.

    Args:
        asked: what it asked last, if it was begun by somebody else.
    """
    try:
        asked = asked or next(push)
        while True:
            try:
                answer = _taken(worker, asked)
            except Exception as error:  # noqa: BLE001  the push knows what its error means
                asked = push.throw(error)
            else:
                asked = push.send(answer)
    except StopIteration as ended:
        found: T = ended.value
        return found


def together(worker: Worker, ledger: Ledger, pushes: Iterable[Pushing[T]], *, at_most: int) -> Iterator[T | Paused[T]]:
    """Take the steps of up to `at_most` pushes in one transaction, again and again; what each of them returns.

    One that has to pause is given back, for somebody who can wait.
    """
    coming = iter(pushes)
    asking: list[tuple[Pushing[T], Step]] = []
    while True:
        steps = [step for _, step in asking]
        answers = take_each(ledger, steps, worker=worker.name, now=worker.now(), lease=worker.lease) if steps else []
        going: list[tuple[Pushing[T], Answer]] = [
            (push, answer) for (push, _), answer in zip(asking, answers, strict=True)
        ]
        going += [(push, None) for push in islice(coming, at_most - len(going))]
        if not going:
            return
        asking = []
        for push, answer in going:
            try:
                asked = push.throw(answer) if isinstance(answer, Exception) else push.send(answer)
            except StopIteration as ended:
                yield ended.value
                continue
            if isinstance(asked, Pausing):
                yield Paused(push, asked)
            else:
                asking.append((push, asked))


def _taken(worker: Worker, asked: Step | Pausing) -> Answer:
    ledger, now = worker.ledger, worker.now()
    if isinstance(asked, Pausing):
        worker.sleep(asked.seconds)
        return None
    if isinstance(asked, Claiming):
        return ledger.claim(asked.batch_id, worker=worker.name, now=now, lease=worker.lease)
    if isinstance(asked, Staged):
        ledger.mark_staged(asked.batch_id, asked.fence, asked.staging, now=now, lease=worker.lease)
        return None
    return ledger.record(asked.batch_id, asked.fence, Happening.ARRIVED, now=now, receipt=asked.receipt)
