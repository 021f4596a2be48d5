"""The DAG files: cheap to import, safe in structure, and days that are days (DESIGN §4, §5; D8, D10)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sobank.domain.day import resolve_day
from tests.dags.conftest import WEEKS

DAGS = Path(__file__).parents[2] / "dags"

Found = dict[str, Any]


@pytest.fixture
def deliver(looked_at: Found) -> Found:
    return looked_at["dags"]["deliver_statements"]


def downstream(dag: Found, task: str) -> set[str]:
    direct = {name for name, found in dag["tasks"].items() if task in found["upstream"]}
    return direct.union(*(downstream(dag, name) for name in direct))


def test_every_dag_file_imports_and_none_brings_a_heavy_library(looked_at: Found) -> None:
    print(f"importing the DAG files took {looked_at['seconds']:.3f} s beyond Airflow")  # noqa: T201
    assert looked_at["errors"] == {}
    assert set(looked_at["dags"]) == {"deliver_statements", "ingest_bank_files"}
    assert looked_at["heavy"] == []


@pytest.mark.parametrize("path", sorted(DAGS.glob("*.py")), ids=lambda path: path.name)
def test_a_dag_file_is_wiring_only(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) < 90
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    assert [line for line in imports if "sobank" in line] == ["from sobank import jobs"]
    assert all(line.startswith(("from datetime", "from airflow.sdk", "from sobank")) for line in imports)


@pytest.mark.parametrize("name", ["deliver_statements", "ingest_bank_files"])
def test_a_dag_says_its_limits_its_dangers_and_its_runbook(looked_at: Found, name: str) -> None:
    doc = looked_at["dags"][name]["doc"]
    assert "**Limits.**" in doc
    assert "**Dangers.**" in doc
    assert f"docs/runbooks/{name}.md" in doc
    assert (DAGS.parent / "docs" / "runbooks" / f"{name}.md").is_file()


@pytest.mark.parametrize("week", WEEKS, ids=str)
def test_a_backfill_of_five_days_runs_exactly_those_five_days(looked_at: Found, week: str) -> None:
    starts = looked_at["weeks"][list(WEEKS).index(week)]
    first = date.fromisoformat(WEEKS[week][0])
    days = [resolve_day(None, datetime.fromisoformat(start), "backfill") for start in starts]
    assert days == [first + timedelta(days=n) for n in range(5)]


def test_the_tasks_follow_the_day_from_waiting_to_the_proof(deliver: Found) -> None:
    upstream = {name: set(found["upstream"]) for name, found in deliver["tasks"].items()}
    assert upstream == {
        "wait": set(),
        "shards": {"wait"},
        "extract": {"shards"},
        "partition": {"extract"},
        "validate": {"partition"},
        "decide": {"validate"},
        "partners": {"wait", "decide"},
        "global_file_shards": {"wait", "decide"},
        "push": {"partners"},
        "write_global_files": {"global_file_shards"},
        "prove": {"push", "write_global_files"},
    }


def test_only_partners_and_shards_multiply_tasks_never_files_or_statements(deliver: Found) -> None:
    mapped = {name for name, found in deliver["tasks"].items() if found["mapped"]}
    assert mapped == {"push", "write_global_files"}
    of_shards = {name for name, found in deliver["tasks"].items() if found["mapped_with"] == "shard"}
    assert of_shards == {"extract", "partition", "validate"}
    assert all(deliver["tasks"][name]["label"] for name in mapped | of_shards)


def test_a_shard_that_failed_leaves_nothing_to_be_decided_by_the_others(deliver: Found) -> None:
    for name in ("extract", "partition", "validate", "decide"):
        assert deliver["tasks"][name]["trigger_rule"].endswith("ALL_SUCCESS")


def test_a_failed_partner_stands_in_the_way_of_nothing_but_the_colour_of_the_run(deliver: Found) -> None:
    assert downstream(deliver, "push") == {"prove"}
    assert deliver["tasks"]["prove"]["trigger_rule"].endswith("ALL_DONE")


def test_the_proof_is_the_only_leaf_and_a_dead_worker_does_not_speak_for_it(deliver: Found) -> None:
    leaves = [name for name in deliver["tasks"] if not downstream(deliver, name)]
    assert leaves == ["prove"]
    assert deliver["tasks"]["prove"]["retries"] > 0


def test_the_proof_is_given_the_days_of_what_was_about_to_leave(looked_at: Found) -> None:
    assert looked_at["noted"] == [["the day", "of partners"], ["the day", "of global files"]]


def test_what_was_sealed_earlier_leaves_even_if_today_could_not_be_decided(deliver: Found) -> None:
    for name in ("partners", "global_file_shards"):
        assert deliver["tasks"][name]["trigger_rule"].endswith("ALL_DONE_MIN_ONE_SUCCESS")


def test_a_run_has_no_day_unless_it_is_given_and_waiting_survives_a_dead_worker(deliver: Found) -> None:
    assert deliver["params"] == {"day": None}
    assert deliver["tasks"]["wait"]["retries"] > 0


@pytest.mark.parametrize("name", ["wait", "prove"])
def test_a_clear_no_is_news_at_once_and_who_is_away_is_asked_again(deliver: Found, name: str) -> None:
    final = {error for error, ends in deliver["tasks"][name]["final"].items() if ends}
    assert final == {"ConfigurationError", "ProofFailed", "RuntimeError"}


def test_every_task_has_an_end_in_time_and_few_retries(looked_at: Found) -> None:
    tasks = [task for dag in looked_at["dags"].values() for task in dag["tasks"].values()]
    assert all(task["timeout"] and task["retries"] <= 3 for task in tasks)


def test_nothing_catches_up_by_itself_and_files_are_taken_in_by_one_run_at_a_time(looked_at: Found) -> None:
    assert not any(dag["catchup"] for dag in looked_at["dags"].values())
    assert looked_at["dags"]["ingest_bank_files"]["max_active_runs"] == 1
