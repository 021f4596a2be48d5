"""The limit that a partner sets is kept, however many threads want to send and whenever he counts."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from sobank.errors import Transient
from sobank.sinks.rate_limit import LONGEST_WAIT, Limit, RateLimit

MYUNISOFT = Limit(requests=20, per_seconds=10.0, at_once=10)


@dataclass
class Clock:
    """Time that moves only by waiting."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        assert seconds > 0
        self.at += seconds


@contextmanager
def turn(limit: RateLimit) -> Iterator[None]:
    with limit.turn("partner.example"):
        yield


@pytest.mark.parametrize("seed", range(5))
def test_no_window_of_ten_seconds_holds_more_than_twenty_whenever_the_partner_counts(seed: int) -> None:
    draw, clock = random.Random(seed), Clock()
    limit = RateLimit(MYUNISOFT, clock=clock, wait=clock.wait)
    counted: list[float] = []
    for _ in range(300):
        with turn(limit):
            started = clock.at
            clock.at += draw.choice([0.0, 0.01, 0.3, 2.0])
            counted.append(draw.uniform(started, clock.at))
        clock.at += draw.choice([0.0, 0.0, 0.1, 3.0])
    for first in counted:
        assert sum(first <= moment < first + 10 for moment in counted) <= 20


def test_twenty_requests_at_once_do_not_wait_and_the_next_does() -> None:
    clock = Clock()
    limit = RateLimit(MYUNISOFT, clock=clock, wait=clock.wait)
    moments = []
    for _ in range(41):
        with turn(limit):
            moments.append(clock.at)
    assert moments == [1000.0] * 20 + [1010.0] * 20 + [1020.0]


def test_never_more_than_so_many_are_under_way() -> None:
    limit, lock = RateLimit(Limit(requests=None, per_seconds=1, at_once=3)), threading.Lock()
    full, under_way, most = threading.Barrier(3), 0, 0

    def send() -> None:
        nonlocal under_way, most
        with turn(limit):
            with lock:
                under_way += 1
                most = max(most, under_way)
            full.wait(10)
            with lock:
                under_way -= 1

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert most == 3


def test_a_rest_that_the_partner_asks_for_is_kept() -> None:
    clock = Clock()
    limit = RateLimit(MYUNISOFT, clock=clock, wait=clock.wait)
    limit.pause(7)
    with turn(limit):
        assert clock.at == 1007.0


def test_a_turn_that_does_not_come_soon_enough_is_not_waited_for() -> None:
    clock = Clock()
    limit = RateLimit(MYUNISOFT, clock=clock, wait=clock.wait)
    limit.pause(LONGEST_WAIT + 60)
    with pytest.raises(Transient) as raised, turn(limit):
        pass
    assert raised.value.retry_after == LONGEST_WAIT + 60
    assert clock.at == 1000.0


def test_who_waits_for_others_that_never_end_gives_up() -> None:
    clock = Clock()
    limit = RateLimit(Limit(requests=None, per_seconds=1, at_once=1), clock=clock, wait=clock.wait)
    with turn(limit), pytest.raises(Transient), turn(limit):
        pass
    assert clock.at == 1000.0 + LONGEST_WAIT


def test_a_request_that_fails_gives_its_place_back() -> None:
    limit = RateLimit(Limit(requests=None, per_seconds=1, at_once=1))
    with pytest.raises(KeyboardInterrupt), turn(limit):
        raise KeyboardInterrupt
    with turn(limit):
        pass
