"""The days that were missed are run, and no others, in as few backfills as Airflow allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from sobank.errors import ConfigurationError, SchedulerError
from sobank.services.missed_days import MissedReport, run_missed, stretches

TODAY = date(2026, 1, 20)
MON, TUE, WED, THU, FRI = (date(2026, 1, 12) + timedelta(days=n) for n in range(5))


@dataclass
class Airflow:
    """A scheduler that knows which days have a run, as Airflow does."""

    ran: set[date] = field(default_factory=set)
    paused: bool = False
    started: list[tuple[date, date, str]] = field(default_factory=list)

    def is_paused(self, dag: str) -> bool:
        return self.paused

    def days_to_run(self, dag: str, *, first: date, last: date, reprocess: str) -> list[date]:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return [day for day in days if reprocess == "completed" or day not in self.ran]

    def start_backfill(self, dag: str, *, first: date, last: date, reprocess: str) -> int:
        self.started.append((first, last, reprocess))
        return 7


def test_days_with_others_between_that_ran_are_one_backfill_that_leaves_those() -> None:
    airflow = Airflow(ran={TUE, WED})
    assert run_missed(airflow, [FRI, MON, THU], today=TODAY) == MissedReport(
        backfill=7, days=(MON, THU, FRI), left=()
    )  # fmt: skip
    assert airflow.started == [(MON, FRI, "none")]


def test_a_day_between_that_nobody_asked_for_is_not_run() -> None:
    airflow = Airflow()
    assert run_missed(airflow, [MON, TUE, THU], today=TODAY) == MissedReport(backfill=7, days=(MON, TUE), left=(THU,))
    assert airflow.started == [(MON, TUE, "completed")]


def test_a_day_that_ran_before_its_statements_came_is_run_again() -> None:
    airflow = Airflow(ran={MON, TUE})
    assert run_missed(airflow, [TUE], today=TODAY).days == (TUE,)
    assert airflow.started == [(TUE, TUE, "completed")]


def test_looking_at_the_plan_starts_nothing() -> None:
    airflow = Airflow()
    assert [(s.first, s.last, s.days) for s in stretches(airflow, [MON, WED, THU, WED], today=TODAY)] == [
        (MON, MON, (MON,)), (WED, THU, (WED, THU)),
    ]  # fmt: skip
    assert airflow.started == []


@pytest.mark.parametrize("days", [[], [TODAY], [TODAY + timedelta(days=1)], [date(2020, 1, 1), MON]])
def test_days_that_make_no_sense_are_refused_and_nothing_is_started(days: list[date]) -> None:
    airflow = Airflow()
    with pytest.raises(ConfigurationError):
        run_missed(airflow, days, today=TODAY)
    assert airflow.started == []


def test_a_paused_dag_is_told_instead_of_runs_that_wait_in_silence() -> None:
    airflow = Airflow(paused=True)
    with pytest.raises(SchedulerError, match="paused"):
        run_missed(airflow, [MON], today=TODAY)
    assert airflow.started == []
