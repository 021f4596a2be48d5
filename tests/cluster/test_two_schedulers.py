"""Two schedulers, a scheduled run, backfills and runs by hand of the same days, all at once: one set of batches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from sobank.services.backfill import DELIVERY
from tests.cluster.stage import OVER, Stage

pytestmark = pytest.mark.airflow

_BATCHES = "SELECT id, destination, business_date, seq, state, payload_sha256 FROM batches ORDER BY id"


@pytest.fixture
def second_scheduler(stage: Stage) -> Iterator[None]:
    """Another one, which starts runs by the clock too: the day before today is due."""
    stage.cluster.add("scheduler", name="scheduler-2", more={"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True"})
    yield
    stage.cluster.machines.pop("scheduler-2").stop()


def test_a_scheduled_run_two_backfills_and_runs_by_hand_of_the_same_days_make_one_set_of_batches(
    stage: Stage, days_left: Iterator[date], second_scheduler: None
) -> None:
    days = [next(days_left) for _ in range(2)]
    stage.receive(days)
    stage.backfill(days[0], days[-1])
    by_hand = [stage.run(day) for day in days]
    stage.wait(lambda: any(run["run_type"] == "scheduled" for run in stage.api.runs(DELIVERY)), what="a scheduled run")
    stage.wait(lambda: all(run["state"] in OVER for run in stage.api.runs(DELIVERY)), what="all runs are over")
    stage.wait(lambda: stage.api.backfills_under_way(DELIVERY) == 0, what="the first backfill is over")
    assert {stage.api.run_state(DELIVERY, run) for run in by_hand} == {"success"}
    once = batches(stage)
    stage.backfill(days[0], days[-1], "--reprocess", "completed")
    stage.wait(lambda: stage.api.backfills_under_way(DELIVERY) == 0, what="the second backfill is over")

    assert batches(stage) == once
    assert {row[4] for row in once} == {"delivered"}
    verdict = stage.judged(until=days[-1])
    assert verdict.right, verdict


def batches(stage: Stage) -> list[tuple[object, ...]]:
    """Every batch there is."""
    with psycopg.connect(stage.cluster.database.replace("+psycopg", "")) as connection:
        return connection.execute(_BATCHES).fetchall()
