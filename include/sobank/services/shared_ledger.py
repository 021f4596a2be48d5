"""One transaction of the delivery ledger for all who ask at once: who comes while one is under way shares the next.

Each caller still waits until its own step is committed, so that for every batch the order of DESIGN §6 is what it was;
only what a transaction costs is shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, cast

from sobank.domain.delivery import Batch, BatchState, Claim, Happening, NotClaimed
from sobank.domain.ledger_step import Answer, Arrived, Claiming, Staged, Step
from sobank.errors import DatabaseAway

if TYPE_CHECKING:
    from sobank.domain.sink import Receipt
    from sobank.store.ledger import Ledger

#: Steps of one transaction: rows stay locked no longer than so many need.
_MOST: Final = 256


class SharedLedger:
    """The ledger of one worker whose threads push side by side; every batch is in the hands of one of them."""

    def __init__(self, ledger: Ledger, *, worker: str) -> None:
        self._ledger, self._worker = ledger, worker
        self._lock = Lock()
        self._waiting: list[_Asked] = []
        self._busy = False

    def claim(self, batch_id: int, *, worker: str, now: datetime, lease: timedelta) -> Claim | NotClaimed:  # noqa: ARG002
        """See Ledger."""
        return cast("Claim | NotClaimed", self._ask(_Asked(Claiming(batch_id=batch_id), now, lease)))

    def mark_staged(self, batch_id: int, fence: int, staging: str, *, now: datetime, lease: timedelta) -> None:
        """See Ledger."""
        self._ask(_Asked(Staged(batch_id=batch_id, fence=fence, staging=staging), now, lease))

    def record(
        self, batch_id: int, fence: int, happening: Happening, *, now: datetime, receipt: Receipt | None = None,
        **rest: Any,
    ) -> BatchState:  # fmt: skip
        """See Ledger. What did not arrive is recorded by itself: it is seldom, and may concern statements."""
        if happening is not Happening.ARRIVED or receipt is None:
            return self._ledger.record(batch_id, fence, happening, now=now, receipt=receipt, **rest)
        arrived = Arrived(batch_id=batch_id, fence=fence, receipt=receipt)
        return cast("BatchState", self._ask(_Asked(arrived, now, timedelta(0))))

    def renew(self, batch_id: int, fence: int, *, now: datetime, lease: timedelta) -> None:
        """See Ledger."""
        self._ledger.renew(batch_id, fence, now=now, lease=lease)

    def batch(self, batch_id: int) -> Batch:
        """See Ledger."""
        return self._ledger.batch(batch_id)

    def _ask(self, asked: _Asked) -> Answer:
        """Wait until the step is committed. Who finds nobody at work takes all that wait; so does who is told to."""
        with self._lock:
            self._waiting.append(asked)
            leads, self._busy = not self._busy, True
        if leads or asked.waits_to_lead():
            self._lead()
        return asked.answered()

    def _lead(self) -> None:
        """Take all that wait, one's own step among them, and tell the first of those who came meanwhile to lead."""
        with self._lock:
            mine, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        answers: Sequence[Answer | BaseException] = ()
        try:
            now, lease = max(one.now for one in mine), max(one.lease for one in mine)
            answers = take_each(self._ledger, [one.step for one in mine], worker=self._worker, now=now, lease=lease)
        except BaseException as error:
            answers = [error] * len(mine)
            raise
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._busy = following is not None
            for asked, answer in zip(mine, answers, strict=True):
                asked.tell(answer)
            if following:
                following.lead()


def take_each(ledger: Ledger, steps: Sequence[Step], *, worker: str, now: datetime, lease: timedelta) -> list[Answer]:
    """Take steps together; an answer each, in order, an exception where the step failed.

    Where the database refuses the set for another reason than being away, nothing of it was committed, and each step is
    taken by itself: what is wrong with one concerns no other.
    """
    try:
        return ledger.take(steps, worker=worker, now=now, lease=lease)
    except Exception as error:  # noqa: BLE001  handed to those whose steps failed
        if len(steps) == 1 or isinstance(error, DatabaseAway):
            return [error] * len(steps)
    return [answer for step in steps for answer in take_each(ledger, [step], worker=worker, now=now, lease=lease)]


class _Asked:
    """A step, and a gate behind which its caller waits."""

    def __init__(self, step: Step, now: datetime, lease: timedelta) -> None:
        self.step, self.now, self.lease = step, now, lease
        self._gate = Lock()
        self._gate.acquire()
        self._leads = False
        self._answer: Answer | BaseException = None

    def waits_to_lead(self) -> bool:
        """Wait for an answer, or to be told to lead: whether it was that."""
        self._gate.acquire()
        return self._leads

    def lead(self) -> None:
        """Let the caller through, to lead."""
        self._leads = True
        self._gate.release()

    def tell(self, answer: Answer | BaseException) -> None:
        """Let the caller through, with what became of the step."""
        self._answer = answer
        self._gate.release()

    def answered(self) -> Answer:
        """What became of the step; raises what the step alone would have raised."""
        if isinstance(self._answer, BaseException):
            raise self._answer
        return self._answer
