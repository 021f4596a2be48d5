"""A run that was prepared before its database was restored decides nothing after it: statements have other numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from sobank import jobs
from sobank.errors import ConfigurationError, DeliveryIncomplete
from tests.builders import NOW
from tests.conftest import FreshUrl
from tests.services.quick_judge import judge_quickly
from tests.services.restored import DAY, World


@pytest.fixture
def world(fresh_sqlite_url: FreshUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose house is that of the jobs."""
    made = World(tmp_path, fresh_sqlite_url)
    monkeypatch.setattr("sobank.jobs.start.house", lambda: made.house)
    judge_quickly(monkeypatch)
    return made


def prepared() -> list[jobs.Ref]:
    return [jobs.validate(jobs.partition(jobs.extract(ref))) for ref in jobs.shards(DAY, "run", now=lambda: NOW)]


def test_what_was_prepared_before_a_restore_is_not_decided_after_it(world: World) -> None:
    backup = world.backup()
    world.take_in(DAY)
    before = prepared()
    world.restore(backup)
    with pytest.raises(ConfigurationError, match="sobank reconcile"):
        jobs.decide(before, now=lambda: NOW)
    world.reconcile()
    with pytest.raises(DeliveryIncomplete, match="restored since"):
        jobs.decide(before, now=lambda: NOW)
    assert world.house.batches() == set()
    assert jobs.decide(prepared(), now=lambda: NOW)["decided"] == 4
