"""Things that one process shares between its sinks, and that a process forked from it never uses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """Made when first asked for, by key; beyond `most` the oldest is let go. Empty again in a forked process.

    A connection that two processes write to would mix their requests, and a lock that another thread held at the fork
    would never open again.
    """

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._start()
        os.register_at_fork(after_in_child=self._start)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is kept under the key."""
        with self._lock:
            if (found := self._kept.get(key)) is None:
                while len(self._kept) >= self._most:
                    del self._kept[next(iter(self._kept))]
                found = self._kept[key] = make()
            return found

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[Hashable, T] = {}
