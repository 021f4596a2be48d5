"""Five days backfilled through two workers while one thing after the other dies: everything arrives once, as from one.

One story on one installation: the processes of docker-compose.yaml, with nothing shared but what it says.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from sobank.services.backfill import DELIVERY
from sobank.simulator.bank import World
from tests.cluster.conftest import FIVE_DAYS
from tests.cluster.kills import Kill, kill
from tests.cluster.points import held_in
from tests.cluster.stage import Stage, on_one_machine

pytestmark = pytest.mark.airflow


def test_a_backfill_in_which_all_parts_die_in_turn_delivers_what_one_machine_delivers(
    stage: Stage, same_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.receive(FIVE_DAYS)
    stage.backfill(FIVE_DAYS[0], FIVE_DAYS[-1])

    # A whole worker, with bytes at the partner that no ledger knows of yet.
    with held_in(stage.cluster, "push") as held:
        kill(Kill.MACHINE, stage.held("push", held))
    # A supervisor: his task lives on, and commits beside its own retry.
    with held_in(stage.cluster, "decide") as held:
        kill(Kill.SUPERVISOR, stage.held("decide", held))
        stage.wait_tried_again("decide")
    # The scheduler and the queue, while a task runs that both know of.
    with held_in(stage.cluster, "validate") as held:
        stage.held("validate", held)
        stage.cluster.machines["scheduler"].kill()
        stage.cluster.machines["redis"].kill()
    # The database, in the middle of a day.
    with held_in(stage.cluster, "extract") as held:
        stage.held("extract", held)
        stage.cluster.restart_postgres()
    # The object store, when the last day has begun.
    with held_in(stage.cluster, "extract") as held:
        stage.held("extract", held)
        stage.cluster.objects.refusing = True
    stage.wait(lambda: stage.cluster.objects.refused > 3, what="the store has refused")
    stage.cluster.objects.refusing = False

    stage.wait(lambda: stage.api.backfills_under_way(DELIVERY) == 0, what="the backfill is over", seconds=600)
    assert [run["state"] for run in stage.api.runs(DELIVERY)] == ["success"] * len(FIVE_DAYS)
    verdict = stage.judged(until=FIVE_DAYS[-1])
    assert verdict.right, verdict
    assert verdict.expected > 30
    assert stage.files() == on_one_machine(same_world, FIVE_DAYS, tmp_path, monkeypatch)


def test_both_workers_ran_tasks_and_kept_nothing_that_matters(stage: Stage) -> None:
    for worker in stage.cluster.workers():
        assert "succeeded in" in worker.log.read_text(errors="replace")
    shared = {path.name for path in stage.cluster.home.iterdir()}
    assert shared <= {"inbox", "global", "partners"}
