"""Many who push side by side share transactions of the ledger, and none of them what befalls another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from sobank.domain.delivery import BatchState, Claim
from sobank.domain.ledger_step import Answer, Step
from sobank.errors import DatabaseAway, FenceLost
from sobank.services.push import push_all
from sobank.services.shared_ledger import SharedLedger
from tests.builders import Cabinet, TestHouse, file_of, statement
from tests.servers import wait_until

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
LEASE = timedelta(minutes=5)
DAY = date(2026, 3, 2)
Take = Callable[[Sequence[int]], list[Answer]]


def claim_of(batch_id: int) -> Claim:
    return Claim(batch_id=batch_id, fence=1, entered_as=BatchState.SEALED, staging=None)


class Transactions:
    """A ledger that keeps the first transaction open until it is told, and answers by `answer`."""

    def __init__(self, answer: Take) -> None:
        self.sets: list[list[int]] = []
        self.begun, self.go_on = Event(), Event()
        self._answer = answer

    def take(self, steps: Sequence[Step], **_asking: Any) -> list[Answer]:
        ids = [step.batch_id for step in steps]
        self.sets.append(ids)
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(30)
        return self._answer(ids)


def asked_while_one_is_under_way(transactions: Transactions, batch_ids: Sequence[int]) -> dict[int, Future[Any]]:
    """Each id is claimed by a thread of its own; all but the first come while the transaction of the first is open."""
    shared = SharedLedger(transactions, worker="w")  # type: ignore[arg-type]

    def claim(batch_id: int) -> Any:
        return shared.claim(batch_id, worker="w", now=NOW, lease=LEASE)

    first, *others = batch_ids
    with ThreadPoolExecutor(len(batch_ids)) as pool:
        futures = {first: pool.submit(claim, first)}
        assert transactions.begun.wait(30)
        for number, batch_id in enumerate(others, 1):
            futures[batch_id] = pool.submit(claim, batch_id)
            wait_until(lambda n=number: len(shared._waiting) == n, what="the step waits")  # type: ignore[misc]
        transactions.go_on.set()
    return futures


def test_steps_that_come_while_a_transaction_is_under_way_share_the_next() -> None:
    transactions = Transactions(lambda ids: [claim_of(batch_id) for batch_id in ids])
    futures = asked_while_one_is_under_way(transactions, [1, 2, 3, 4])
    assert transactions.sets == [[1], [2, 3, 4]]
    assert {batch_id: future.result() for batch_id, future in futures.items()} == {n: claim_of(n) for n in (1, 2, 3, 4)}


def test_a_step_that_is_refused_raises_for_its_own_caller_only() -> None:
    lost = FenceLost("another worker has claimed the batch since")
    transactions = Transactions(lambda ids: [lost if batch_id == 3 else claim_of(batch_id) for batch_id in ids])
    futures = asked_while_one_is_under_way(transactions, [1, 2, 3, 4])
    assert isinstance(futures.pop(3).exception(), FenceLost)
    assert [future.result().batch_id for future in futures.values()] == [1, 2, 4]


def test_what_makes_a_set_fail_fails_alone() -> None:
    def answer(ids: Sequence[int]) -> list[Answer]:
        if 3 in ids:
            raise ValueError("of batch 3")
        return [claim_of(batch_id) for batch_id in ids]

    transactions = Transactions(answer)
    futures = asked_while_one_is_under_way(transactions, [1, 2, 3, 4])
    assert isinstance(futures.pop(3).exception(), ValueError)
    assert [future.result().batch_id for future in futures.values()] == [1, 2, 4]
    assert transactions.sets == [[1], [2, 3, 4], [2], [3], [4]]


@pytest.mark.parametrize("error", [DatabaseAway("the database does not answer"), KeyboardInterrupt()])
def test_when_the_database_is_away_or_the_worker_ends_nobody_is_left_waiting_and_nobody_tries_again(
    error: BaseException,
) -> None:
    def answer(ids: Sequence[int]) -> list[Answer]:
        if len(ids) > 1:
            raise error
        return [claim_of(batch_id) for batch_id in ids]

    transactions = Transactions(answer)
    futures = asked_while_one_is_under_way(transactions, [1, 2, 3])
    assert futures[1].result() == claim_of(1)
    assert [futures[n].exception() for n in (2, 3)] == [error, error]
    assert transactions.sets == [[1], [2, 3]]


def test_pushed_side_by_side_every_batch_leaves_once_in_fewer_transactions_and_with_the_same_bytes(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    cabinets = 24
    house.register(
        *(
            Cabinet(f"CAB{n}", accounts={2 * n: ("approved", "fizen"), 2 * n + 1: ("approved", None)})
            for n in range(1, cabinets + 1)
        )
    )
    accounts = range(2, 2 * cabinets + 2)
    for day in (DAY, DAY + timedelta(days=1)):
        house.take_in(file_of(*(statement(n, day, n + day.day) for n in accounts)), f"{day}.txt")
        house.decide(day)
    batches, sets = house.ledger.open_batches(), []
    take = type(house.ledger).take
    monkeypatch.setattr(
        type(house.ledger), "take", lambda self, steps, **asking: sets.append(len(steps)) or take(self, steps, **asking)
    )
    worker = replace(house.worker(lambda: NOW), at_once=8)
    report = push_all(worker, house.sink_of, batches)
    assert (report.delivered, report.errors) == (len(batches), {})
    assert sum(sets) == 3 * len(batches)
    assert len(sets) < sum(sets)
    sealed = {batch.outgoing.object_name: house.spool.read(batch.outgoing.sha256) for batch in batches}
    found = {path.rpartition("/")[2]: content for path, content in house.delivered().items()}
    assert {name: found[name] for name in sealed} == sealed
    assert {(a.fence, a.outcome) for b in batches for a in house.ledger.attempts(b.id)} == {(1, "arrived")}


def test_two_workers_who_push_everything_side_by_side_at_the_same_time_send_each_batch_once(house: TestHouse) -> None:
    house.register(*(Cabinet(f"CAB{n}", accounts={n: ("approved", None)}) for n in range(1, 21)))
    house.take_in(file_of(*(statement(n, DAY, n) for n in range(1, 21))))
    house.decide(DAY)
    batches = house.ledger.open_batches()

    def push(name: str) -> int:
        return push_all(replace(house.worker(lambda: NOW), name=name, at_once=4), house.sink_of, batches).delivered

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(push, "ab"))
    assert house.ledger.open_batches() == []
    assert {len(house.ledger.attempts(batch.id)) for batch in batches} == {1}
