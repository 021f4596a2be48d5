"""Two workers on one batch, one of them stopped past its lease at any moment: the partner gets it exactly once."""

from __future__ import annotations

import pytest

from sobank.sinks import folder
from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests.conftest import FreshUrl
from tests.faults import faults
from tests.faults.schedules import explore
from tests.faults.worlds import Worlds, seed_batch


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return seed_batch(database, spool, 1)

    return Worlds(tmp_path_factory.mktemp("schedules"), fresh_sqlite_url(), seed)


@pytest.mark.parametrize("greedy", [False, True], ids=["partner keeps files", "partner takes files at once"])
def test_in_every_order_of_their_steps_two_workers_deliver_a_batch_exactly_once(worlds: Worlds, greedy: bool) -> None:
    explored = explore(worlds, greedy=greedy)
    assert explored.violations == []
    assert explored.situations > 250


@pytest.mark.parametrize(
    "mutant", [faults.HasNoFence, faults.SkipsTheProbe, faults.PublishesBeforeRecordingStaged], ids=lambda m: m.__name__
)
def test_the_orders_catch_a_ledger_that_is_wrong(worlds: Worlds, mutant: type) -> None:
    assert explore(worlds, greedy=True, ledger_class=mutant, stop_when_caught=True).violations


def test_the_orders_catch_staging_names_that_two_workers_share(worlds: Worlds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "_staging", lambda name, _attempt: f".{name}.part")
    assert explore(worlds, greedy=True, stop_when_caught=True).violations
