"""Which days a run proves: its own, what is open, what its day's runs sealed, and what lay ready to leave (D10)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sobank import jobs
from sobank.errors import ProofFailed
from tests.builders import Cabinet, TestHouse, file_of, statement

DAY = date(2026, 3, 5)
WEEK = [DAY - timedelta(days=n) for n in range(4, -1, -1)]


@pytest.fixture(autouse=True)
def world(house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> TestHouse:
    """A week of an account at a partner and one without, received at once; the jobs of a run live in this house."""
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
    house.take_in(file_of(*(statement(n, day, 100 * n) for day in WEEK for n in (1, 2))))
    monkeypatch.setattr("sobank.jobs.start.house", lambda: house)
    return house


def _as_text(days: list[date]) -> list[str]:
    return [day.isoformat() for day in days]


def test_a_run_after_an_outage_proves_the_whole_week_that_it_delivers(house: TestHouse) -> None:
    house.run(DAY)
    told = jobs.prove(DAY)
    assert told["days"] == _as_text(WEEK)
    assert told["proof"]["day"] == DAY.isoformat()


def test_a_run_that_is_repeated_proves_again_what_the_first_one_sealed_and_nothing_of_other_runs(
    house: TestHouse,
) -> None:
    house.run(WEEK[1])
    house.run(DAY)
    house.run(DAY)
    assert jobs.prove(DAY)["days"] == _as_text(WEEK[2:])
    assert jobs.prove(WEEK[1])["days"] == _as_text(WEEK[:2])
    assert jobs.prove(WEEK[0])["days"] == _as_text(WEEK[:1])


def test_what_lies_ready_is_noted_before_it_leaves_and_proved_after_whichever_run_sealed_it(house: TestHouse) -> None:
    house.decide(WEEK[1])
    noted: list[list[str] | None] = []
    assert jobs.partners_to_push(DAY, noted.append) == ["fizen"]
    assert len(jobs.global_file_shards(DAY, noted.append)) == 1
    assert noted == [_as_text(WEEK[:2])] * 2
    house.run(DAY)
    house.run(DAY)
    assert jobs.prove(DAY, noted)["days"] == _as_text(WEEK)


def test_what_is_noted_is_all_that_is_under_way_up_to_the_day(house: TestHouse) -> None:
    house.decide(DAY)
    noted: list[list[str]] = []
    jobs.partners_to_push(WEEK[0], noted.append)
    jobs.global_file_shards(DAY, noted.append)
    house.push()
    jobs.global_file_shards(DAY, noted.append)
    assert noted == [_as_text(WEEK[:1]), _as_text(WEEK), []]


def test_a_task_that_could_note_nothing_stands_in_the_way_of_no_proof(house: TestHouse) -> None:
    house.run(DAY)
    assert jobs.prove(DAY, [None, []])["days"] == _as_text(WEEK)


def test_a_late_day_that_does_not_hold_makes_the_run_that_delivered_it_red(house: TestHouse) -> None:
    house.run(DAY)
    for path in (house.settings.home / "spool").rglob("*"):
        if path.is_file():
            path.chmod(0o640)
            path.write_bytes(path.read_bytes().replace(b"EUR", b"USD"))
    with pytest.raises(ProofFailed) as caught:
        jobs.prove(DAY)
    assert [day for day in WEEK if f"{day} does not hold" not in str(caught.value)] == []
