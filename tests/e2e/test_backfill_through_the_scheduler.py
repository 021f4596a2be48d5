"""Five days through a real Airflow: five runs, every statement in its place, and doing it again changes nothing.

The tests of this module tell one story, in their order, on one Airflow.
"""

from __future__ import annotations

from collections import Counter

import pytest

from sobank.services.backfill import DELIVERY
from sobank.simulator.demo import connectors_of
from tests.e2e.conftest import LAST_DAY, NEXT_DAY, Stage

pytestmark = pytest.mark.airflow


def test_a_backfill_of_five_days_is_five_green_runs_with_every_statement_in_its_place(stage: Stage) -> None:
    stage.receive(until=LAST_DAY)
    stage.backfill()
    runs = stage.airflow.api.runs(DELIVERY)
    assert [run["state"] for run in runs] == ["success"] * 5
    assert [run["data_interval_start"][:10] for run in runs] == [
        "2026-01-04",  # 23:00 UTC is midnight in Paris
        "2026-01-05",
        "2026-01-06",
        "2026-01-07",
        "2026-01-08",
    ]
    verdict = stage.judged(until=LAST_DAY)
    assert verdict.right, verdict
    assert verdict.expected > 30


def test_backfilling_the_same_days_again_runs_nothing(stage: Stage) -> None:
    before = stage.airflow.api.runs(DELIVERY)
    stage.backfill()
    assert stage.airflow.api.runs(DELIVERY) == before


def test_running_the_same_days_again_changes_no_file_no_byte_and_no_row_of_the_ledger(stage: Stage) -> None:
    files, ledger, runs = stage.delivered_files(), stage.ledger(), stage.airflow.api.runs(DELIVERY)
    stage.backfill("--reprocess", "completed")
    again = stage.airflow.api.runs(DELIVERY)
    assert [run["dag_run_id"] for run in again] == [run["dag_run_id"] for run in runs]
    assert all(one["start_date"] > other["start_date"] for one, other in zip(again, runs, strict=True))
    assert [run["state"] for run in again] == ["success"] * 5
    assert stage.delivered_files() == files
    assert stage.ledger() == ledger


def test_a_manual_run_without_a_day_is_red_and_says_what_it_needs(stage: Stage) -> None:
    files = stage.delivered_files()
    assert stage.run(DELIVERY) == "failed"
    run = stage.last_run()
    assert "a manual run needs the parameter day" in stage.log_of(run, "wait")
    assert {name for name, state in stage.task_states(run).items() if state == "success"} == set()
    assert stage.delivered_files() == files


def test_a_broken_partner_makes_the_run_red_while_the_others_get_theirs_and_clearing_heals_it(stage: Stage) -> None:
    partner, theirs = busiest_partner(stage)
    partners = stage.home / "partners"
    broken = partners / partner
    broken.rename(partners / "away")
    broken.write_text("a file where a folder must be")
    stage.receive(after=LAST_DAY, until=NEXT_DAY)

    assert stage.run(DELIVERY, day=str(NEXT_DAY)) == "failed"
    run = stage.last_run()
    states = stage.task_states(run)
    assert {name for name, state in states.items() if state == "failed"} == {f"push {partner}", "prove"}
    assert "does not hold" in stage.log_of(run, "prove")
    broken.unlink()
    (partners / "away").rename(broken)
    verdict = stage.judged(until=NEXT_DAY)
    assert verdict.missing
    assert set(verdict.missing) <= theirs
    assert verdict.doubled + verdict.misplaced + verdict.unexpected == ()

    stage.airflow.api.clear_failed(DELIVERY, run)
    assert stage.end_of(DELIVERY, run) == "success"
    healed = stage.judged(until=NEXT_DAY)
    assert healed.right, healed


def test_a_run_is_red_if_a_task_of_it_failed_even_where_the_proof_holds(stage: Stage) -> None:
    runs = stage.home / "runs"
    if runs.exists():
        runs.rename(stage.home / "runs.away")
    runs.write_text("a file where a folder must be")
    try:
        assert stage.run(DELIVERY, day=str(NEXT_DAY)) == "failed"
    finally:
        runs.unlink()
    run = stage.last_run()
    states = stage.task_states(run)
    assert states["extract"] == "failed"
    assert states["partners"] == states["shards"] == "success"
    assert "the proof holds, but tasks of this run failed: decide, extract" in stage.log_of(run, "prove")


def busiest_partner(stage: Stage) -> tuple[str, set[str]]:
    """The partner who must get the most statements of the next day, and every statement that is ever for him."""
    partner_of = {
        f"connector:{cabinet}/{name}": partner for cabinet, partner, name in connectors_of(stage.world.registry)
    }
    rows = [row for row in stage.expected() if row["destination"] in partner_of]
    counts = Counter(partner_of[row["destination"]] for row in rows if row["closing_date"] == str(NEXT_DAY))
    partner = counts.most_common(1)[0][0]
    return partner, {row["sha256"] for row in rows if partner_of[row["destination"]] == partner}
