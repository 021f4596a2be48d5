"""What a process shares between its sinks is its own, and does not grow without end."""

from __future__ import annotations

import os
import signal

from sobank.sinks.per_process import PerProcess


def test_a_thing_is_made_once_for_a_key() -> None:
    shared: PerProcess[object] = PerProcess(most=4)
    first = shared.get("a", object)
    assert shared.get("a", object) is first
    assert shared.get("b", object) is not first


def test_the_oldest_is_let_go() -> None:
    shared: PerProcess[object] = PerProcess(most=2)
    first, second = shared.get("a", object), shared.get("b", object)
    shared.get("c", object)
    assert shared.get("b", object) is second
    assert shared.get("a", object) is not first


def test_a_process_forked_from_it_starts_anew_even_if_somebody_held_the_lock() -> None:
    shared: PerProcess[int] = PerProcess(most=2)
    shared.get("a", os.getpid)
    with shared._lock:
        child = os.fork()
        if child == 0:
            signal.alarm(10)  # a lock that never opens must end as a failure
            os._exit(0 if shared.get("a", os.getpid) == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert shared.get("a", os.getpid) == os.getpid()
