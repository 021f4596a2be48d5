"""Five days through a real Airflow to real servers: every statement in its place, and doing it again changes nothing.

The tests of this module tell one story, in their order, on one Airflow.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest

from sobank.services.backfill import DELIVERY
from sobank.simulator.airflow_processes import run_sobank
from sobank.simulator.demo_show import connectors_of
from sobank.simulator.partners import Simulated
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
    in_shards = {name for name in stage.task_states(stage.last_run()) if name.startswith("validate")}
    assert in_shards == {"validate 1/2", "validate 2/2"}


def test_backfilling_the_same_days_again_runs_nothing(stage: Stage) -> None:
    before = stage.airflow.api.runs(DELIVERY)
    stage.backfill()
    assert stage.airflow.api.runs(DELIVERY) == before


def test_running_days_again_changes_no_file_no_byte_and_no_row_of_the_ledger(stage: Stage) -> None:
    files, ledger, runs = stage.delivered_files(), stage.ledger(), stage.airflow.api.runs(DELIVERY)
    stage.backfill("--reprocess", "completed", first=LAST_DAY - timedelta(days=1))
    again = stage.airflow.api.runs(DELIVERY)
    assert again[:3] == runs[:3], "nobody asked for these"
    assert [run["dag_run_id"] for run in again] == [run["dag_run_id"] for run in runs]
    assert all(one["start_date"] > other["start_date"] for one, other in zip(again[3:], runs[3:], strict=True))
    assert [run["state"] for run in again] == ["success"] * 5
    assert stage.delivered_files() == files
    assert stage.ledger() == ledger


def test_a_manual_run_without_a_day_is_red_and_says_what_it_needs(stage: Stage) -> None:
    files = stage.delivered_files()
    assert stage.run(DELIVERY) == "failed"
    run = stage.last_run()
    assert "a manual run needs the parameter day" in stage.log_of(run, "wait")
    assert stage.tries(run, "wait") == stage.tries(run, "prove") == 1
    assert {name for name, state in stage.task_states(run).items() if state == "success"} == set()
    assert stage.delivered_files() == files


def test_a_partner_who_locks_us_out_makes_the_run_red_while_the_others_get_theirs(stage: Stage) -> None:
    locked, theirs = busiest_partner(stage)
    lock_out(locked)
    stage.receive(after=LAST_DAY, until=NEXT_DAY)

    assert stage.run(DELIVERY, day=str(NEXT_DAY)) == "failed"
    run = stage.last_run()
    failed = {name for name, state in stage.task_states(run).items() if state == "failed"}
    assert failed == {f"push {locked.seat.code}", "prove"}
    assert "does not hold" in stage.log_of(run, "prove")
    assert stage.tries(run, "prove") == 1
    assert {partner for partner, circuit in circuits(stage) if circuit == "config"} == {locked.seat.code}
    verdict = stage.judged(until=NEXT_DAY)
    assert verdict.missing
    assert set(verdict.missing) <= theirs
    assert verdict.doubled + verdict.misplaced + verdict.unexpected == ()


def test_testing_the_mended_connection_and_clearing_the_run_heals_it(stage: Stage) -> None:
    locked, _ = busiest_partner(stage)
    let_in(locked)
    run_sobank(stage.airflow.home, "connectors", "test", "--all")
    assert {circuit for _, circuit in circuits(stage)} == {None}

    run = stage.last_run()
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
    assert states["shards"] == "failed"
    assert states["decide"] == "upstream_failed"
    assert states["partners"] == states["global_file_shards"] == "success"
    assert "the proof holds, but tasks of this run failed: decide" in stage.log_of(run, "prove")


def busiest_partner(stage: Stage) -> tuple[Simulated, set[str]]:
    """The partner who must get the most statements of the next day, and every statement that is ever for him."""
    partner_of = {
        f"connector:{cabinet}/{name}": partner for cabinet, partner, name in connectors_of(stage.world.registry)
    }
    rows = [row for row in stage.expected() if row["destination"] in partner_of]
    counts = Counter(partner_of[row["destination"]] for row in rows if row["closing_date"] == str(NEXT_DAY))
    busiest = counts.most_common(1)[0][0]
    partner = next(one for one in stage.partners if one.seat.code == busiest)
    return partner, {row["sha256"] for row in rows if partner_of[row["destination"]] == busiest}


def lock_out(partner: Simulated) -> None:
    """His server has other credentials than those in our connection."""
    set_credentials(partner, "something else")


def let_in(partner: Simulated) -> None:
    """He takes the credentials again that our connection has."""
    assert partner.login.password is not None
    set_credentials(partner, partner.login.password)


def set_credentials(partner: Simulated, secret: str) -> None:
    setattr(partner.server, "password" if partner.seat.sink == "sftp" else "token", secret)


def circuits(stage: Stage) -> set[tuple[str, str | None]]:
    """Partner of each connector, and the kind of circuit that keeps it alone."""
    listed = json.loads(run_sobank(stage.airflow.home, "connectors", "list", "--json"))
    return {(one["partner"], (one["circuit"] or {}).get("kind")) for one in listed}
