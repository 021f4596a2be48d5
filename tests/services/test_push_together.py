"""Folders that are pushed side by side: steps are taken in few transactions, and nobody is forgotten or awaited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from sobank.domain.delivery import Batch, BatchState
from sobank.domain.ledger_step import Answer, Step
from sobank.domain.sink import Sink
from sobank.errors import ConfigurationError, DatabaseAway, Transient
from sobank.services import push
from sobank.services.push import push_all
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.builders import Cabinet, TestHouse, file_of, statement
from tests.faults.partners import PartnerFolder
from tests.faults.seeds import GLOBAL, OTHER_PARTNER, PARTNER, seed_batch, seed_registry
from tests.faults.worlds import World
from tests.servers import wait_until
from tests.store.test_ledger import rows

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
CABINETS = 12


@pytest.fixture
def decided(house: TestHouse) -> TestHouse:
    """A house with a batch for each of twelve connectors."""
    house.register(*(Cabinet(f"CAB{n}", accounts={n: ("approved", "fizen")}) for n in range(1, CABINETS + 1)))
    house.take_in(file_of(*(statement(n, DAY, n) for n in range(1, CABINETS + 1))))
    house.decide(DAY)
    return house


def test_those_that_ask_nothing_of_the_ledger_hide_nobody_who_comes_after_them(
    decided: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A destination whose sink cannot be made, or whose circuit is open, ends before its first step."""
    monkeypatch.setattr(push, "_FOLDERS_TOGETHER", 2)
    batches = decided.ledger.open_batches()
    last = batches[-1].destination

    def sink_of(batch: Batch) -> Sink:
        if batch.destination != last:
            raise ConfigurationError("cannot be made")
        return decided.sink_of(batch)

    worker = replace(decided.worker(lambda: NOW), at_once=2)
    for delivered in (1, 0):
        report = push_all(worker, sink_of, decided.ledger.open_batches())
        assert (report.delivered, report.pending, len(report.errors)) == (delivered, CABINETS - 1, CABINETS - 1)
    assert [batch.destination for batch in decided.ledger.open_batches()] == [b.destination for b in batches[:-1]]


def test_a_batch_that_pauses_before_its_next_attempt_keeps_no_other_waiting(
    decided: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = decided.ledger.open_batches()[0]
    open_at_pause: list[int] = []

    class FailsOnce:
        failed = False

        def __init__(self, inner: Sink) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def stage(self, *arguments: Any, **named: Any) -> str:
            if not FailsOnce.failed:
                FailsOnce.failed = True
                raise Transient("full")
            return self._inner.stage(*arguments, **named)

    def sink_of(batch: Batch) -> Any:
        sink = decided.sink_of(batch)
        return FailsOnce(sink) if batch.id == slow.id else sink

    worker = replace(
        decided.worker(lambda: NOW), at_once=2, sleep=lambda _: open_at_pause.append(len(decided.ledger.open_batches()))
    )
    report = push_all(worker, sink_of, decided.ledger.open_batches())
    assert (report.delivered, report.errors) == (CABINETS, {})
    assert open_at_pause == [1]
    assert [attempt.outcome for attempt in decided.ledger.attempts(slow.id)] == ["proved_not_received", "arrived"]


def test_the_folder_of_a_partner_that_hangs_holds_up_no_other(house: TestHouse) -> None:
    """It is named in the settings, and may be a disk that is mounted from elsewhere."""
    mounted = {"fizen": {"folder": str(house.settings.home / "mounted")}}
    (house.settings.home / "mounted").mkdir()
    house.register(
        Cabinet("CAB0", accounts={1: ("approved", "fizen")}, settings=mounted),
        *(Cabinet(f"CAB{n}", accounts={n: ("approved", "fizen")}) for n in range(2, CABINETS + 1)),
    )
    house.take_in(file_of(*(statement(n, DAY, n) for n in range(1, CABINETS + 1))))
    house.decide(DAY)

    class Hangs:
        def __init__(self, inner: Sink) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self._inner, name)

        def stage(self, *arguments: Any, **named: Any) -> str:
            wait_until(lambda: len(house.ledger.open_batches()) == 1, what="all others have left")
            return self._inner.stage(*arguments, **named)

    def sink_of(batch: Batch) -> Any:
        sink = house.sink_of(batch)
        return Hangs(sink) if batch.cabinet == "CAB0" else sink

    report = push_all(replace(house.worker(lambda: NOW), at_once=2), sink_of, house.ledger.open_batches())
    assert (report.delivered, report.errors) == (CABINETS, {})


def test_twelve_folders_take_a_handful_of_transactions(decided: TestHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    sets: list[int] = []
    take = Ledger.take

    def counted(self: Ledger, steps: Sequence[Step], **asking: Any) -> list[Answer]:
        sets.append(len(steps))
        return take(self, steps, **asking)

    monkeypatch.setattr(Ledger, "take", counted)
    monkeypatch.setattr(push, "_FOLDER_THREADS", 1)
    report = push_all(replace(decided.worker(lambda: NOW), at_once=8), decided.sink_of, decided.ledger.open_batches())
    assert report.delivered == CABINETS
    assert sets == [CABINETS] * 3, "claimed, staged, arrived"


@pytest.mark.parametrize("asked", range(3))
def test_when_the_database_goes_away_under_a_set_the_next_run_finishes_each_batch_once(
    database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int
) -> None:
    """Before the claims, before what was staged is recorded, after it was published."""
    monkeypatch.setattr(push, "_FOLDER_THREADS", 1)
    seed_registry(database)
    partner = PartnerFolder(folder=tmp_path / "partner", greedy=True)
    partner.reset(greedy=True)
    spool = ObjectStore((tmp_path / "spool").as_uri())
    expected = [
        number
        for batch_id, destination in enumerate((PARTNER, OTHER_PARTNER, GLOBAL), 1)
        for number in seed_batch(database, spool, batch_id, destination=destination)
    ]
    world = World(database=database, breaking=database, spool=spool, partner=partner, at_once=3, expected=expected)
    calls = iter(range(100))

    class GoesAway(Ledger):
        def take(self, steps: Sequence[Step], **asking: Any) -> list[Answer]:
            if next(calls) == asked:
                raise DatabaseAway("the database does not answer")
            return super().take(steps, **asking)

    world.ledger_class = GoesAway
    assert world.push().delivered == 0
    world.ledger_class = Ledger
    world.settle()
    assert partner.violations(expected) == []
    assert {state for (state,) in rows(database, "SELECT state FROM batches")} == {BatchState.DELIVERED}
