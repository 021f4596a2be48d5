"""How many requests a partner takes: so many at once, and so many in any so many seconds."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sobank.errors import Transient

#: Seconds that a request waits for its turn at most; it holds the lease of its batch meanwhile.
LONGEST_WAIT: Final = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """At most `requests` in any `per_seconds` (None: any number), at most `at_once` under way."""

    requests: int | None
    per_seconds: float
    at_once: int


class RateLimit:
    """Keeps one `Limit` for all threads of a process.

    A request counts from its start until `per_seconds` after its end: wherever between the two the partner counts it,
    he never counts more than he takes.

    Args:
        clock: seconds that only go forward. wait: waits on a condition for so many seconds at most.
    """

    def __init__(
        self,
        limit: Limit,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float], object] = threading.Condition.wait,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._wait = wait
        self._freed = threading.Condition()
        self._ended: deque[float] = deque()
        self._under_way = 0
        self._not_before = 0.0

    @contextmanager
    def turn(self, subject: str) -> Iterator[None]:
        """One request; waits for its turn.

        Raises:
            Transient: its turn does not come soon enough; nothing was sent.
        """
        self._enter(subject)
        try:
            yield
        finally:
            with self._freed:
                self._under_way -= 1
                self._ended.append(self._clock())
                self._freed.notify_all()

    def pause(self, seconds: float) -> None:
        """The partner says that nothing is left to us for so long."""
        with self._freed:
            self._not_before = max(self._not_before, self._clock() + max(seconds, 0.0))

    def _enter(self, subject: str) -> None:
        with self._freed:
            until = self._clock() + LONGEST_WAIT
            while (now := self._clock()) < (free := self._free_at(now, until)):
                if free > until or now >= until:
                    raise Transient(
                        "the number of requests that the partner takes is used up; nothing was sent",
                        subject=subject,
                        remedy="it is sent again later",
                        retry_after=max(free - now, 1.0),
                    )
                self._wait(self._freed, free - now)
            self._under_way += 1

    def _free_at(self, now: float, until: float) -> float:
        """From when on a request may start; `until` where that hangs on one that is under way."""
        limit = self._limit
        while self._ended and (limit.requests is None or self._ended[0] + limit.per_seconds <= now):
            self._ended.popleft()
        if self._under_way >= limit.at_once:
            return max(until, now + 1.0) if now >= until else until
        if limit.requests is not None and self._under_way + len(self._ended) >= limit.requests:
            return self._ended[0] + limit.per_seconds if self._ended else max(until, now + 1.0)
        return self._not_before
