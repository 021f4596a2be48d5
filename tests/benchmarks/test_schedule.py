"""The simulated schedule: what can be worked out by hand comes out, and recorded days are met within the tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.figures import line, read_results
from benchmarks.planned_day import Load, load_of, rates, tasks_of
from benchmarks.scale import TASK_SECONDS, TOLERANCE, filled, main, places, reproductions, tables
from benchmarks.schedule import Machines, Task, run

RECORDED = Path(__file__).parent / "recorded"
DAGS = Path(__file__).parents[2] / "dags"
ROOMY = Machines(slots=10, cores=10)


def _tasks(number: int, **costs: float) -> list[Task]:
    return [Task(name=f"t{place}", seconds=4.0, **costs) for place in range(number)]


def test_tasks_that_wait_for_one_another_follow_one_another() -> None:
    chain = [
        Task(name="a", seconds=1),
        Task(name="b", seconds=2, after=("a",)),
        Task(name="c", seconds=4, after=("b",)),
    ]
    course = run(chain[::-1], ROOMY)
    assert (course.starts["c"], course.seconds) == (pytest.approx(3), pytest.approx(7))


@pytest.mark.parametrize(("slots", "seconds"), [(1, 16), (2, 8), (3, 8), (4, 4)])
def test_no_more_tasks_run_at_once_than_there_are_slots(slots: int, seconds: float) -> None:
    assert run(_tasks(4), Machines(slots=slots, cores=99)).seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("machines", "seconds"),
    [
        (Machines(slots=9, cores=2, server_cores=9), 8),  # four want a core of two
        (Machines(slots=9, cores=9, server_cores=1), 8),  # four want half a core of one
        (Machines(slots=9, cores=3), 8),  # four want six halves more than there are
        (Machines(slots=9, cores=6), 4),
    ],
)
def test_processors_that_all_want_slow_each_by_the_same_part(machines: Machines, seconds: float) -> None:
    assert run(_tasks(4, worker_cpu=4.0, server_cpu=2.0), machines).seconds == pytest.approx(seconds)


def test_who_waits_for_a_disk_takes_no_part_of_a_processor() -> None:
    busy, waiting = Task(name="busy", seconds=4, worker_cpu=4), Task(name="waiting", seconds=4)
    assert run([busy, waiting], Machines(slots=2, cores=0.5)).ends == {"waiting": 4, "busy": 8}


def test_the_scheduler_pauses_before_each_task_and_starts_so_many_a_second() -> None:
    course = run(_tasks(3), Machines(slots=9, cores=9, pause=1.0, starts_a_second=0.5))
    assert sorted(course.starts.values()) == [pytest.approx(1), pytest.approx(3), pytest.approx(5)]


def test_tasks_that_wait_for_what_never_ends_are_named() -> None:
    with pytest.raises(ValueError, match="lost"):
        run([Task(name="lost", seconds=1, after=("nobody",))], ROOMY)


def test_a_cost_falls_into_the_day_the_statement_and_the_file() -> None:
    sizes = [(1000, 40), (5000, 40), (5000, 200)]
    found = line(sizes, [3 + 0.002 * statements + 0.05 * files for statements, files in sizes])
    assert (found.fixed, found.statement, found.file) == (pytest.approx(3), pytest.approx(0.002), pytest.approx(0.05))
    assert line(sizes, [3, 1, 0.5]).statement == 0  # noise of a machine is no gain


def test_recorded_days_are_met_within_the_stated_tolerance() -> None:
    for label, measured, simulated in reproductions(read_results(RECORDED)):
        assert 1 / (1 + TOLERANCE) <= simulated / measured <= 1 + TOLERANCE, f"{label}: {simulated} for {measured}"


def test_tasks_grow_with_partners_and_shards_alone() -> None:
    given = rates(read_results(RECORDED))
    assert load_of(10) == Load(statements=1_000_000, files=4_000, shards=20, file_shards=2)
    small, same = (tasks_of(Load(statements=n, files=n // 20, shards=3, file_shards=2), given) for n in (2_000, 20_000))
    assert [task.name for task in small] == [task.name for task in same]
    assert len(tasks_of(load_of(10_000), given)) < 200


@pytest.mark.parametrize("times", [1, 10, 100])
def test_more_machines_shorten_all_but_the_one_decision(times: float) -> None:
    found = read_results(RECORDED)
    here, _, many = (place.machines for place in places(found))
    tasks = tasks_of(load_of(times), rates(found))
    few, more = run(tasks, here), run(tasks, many)
    assert more.seconds < few.seconds
    assert more.lasted("decide") == pytest.approx(few.lasted("decide"), rel=0.05)
    split = run(tasks_of(load_of(times), rates(found), by_shard=["decide"]), many)
    assert split.lasted("decide") <= more.lasted("decide") + 1


def _cells(table: str) -> Sequence[Sequence[str]]:
    return [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|")]


def test_the_document_is_written_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "scale.md"
    own = (Path(__file__).parents[2] / "benchmarks" / "scale.md").read_text("utf-8")
    document.write_text(own, "utf-8")
    assert main(RECORDED, document) == 0
    first = document.read_text("utf-8")
    written = tables(read_results(RECORDED))
    assert all(text in first for text in written.values())
    assert all(
        len({len(row) for row in _cells(table.partition("\n\n")[2] or table)}) >= 1 for table in written.values()
    )
    empty = dict.fromkeys(written, "")
    assert filled(first, empty) == filled(own, empty)
    assert main(RECORDED, document) == 0
    assert document.read_text("utf-8") == first


def test_what_was_not_measured_is_named_and_nothing_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "scale.md"
    document.write_text("as it was", "utf-8")
    assert main(tmp_path, document) == 1
    assert "was not measured" in capsys.readouterr().err
    assert document.read_text("utf-8") == "as it was"


def test_the_hour_of_a_task_is_that_of_the_dag() -> None:
    assert TASK_SECONDS == 3600
    assert '"execution_timeout": timedelta(hours=1)' in (DAGS / "deliver_statements.py").read_text("utf-8")
