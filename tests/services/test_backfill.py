"""A backfill runs exactly the days asked for, or says why not and starts nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from sobank.errors import ConfigurationError, SchedulerError
from sobank.services.backfill import backfill

TODAY = date(2026, 1, 12)
FIRST, LAST = date(2026, 1, 5), date(2026, 1, 9)
WEEK = [FIRST + timedelta(days=n) for n in range(5)]


@dataclass
class PlanOnPaper:
    """A scheduler whose plan is written down, and that remembers what was started."""

    plan: list[date]
    paused: bool = False
    planned: list[tuple[str, date, date, str]] = field(default_factory=list)
    started: list[tuple[str, date, date, str]] = field(default_factory=list)

    def is_paused(self, dag: str) -> bool:
        return self.paused and dag == "deliver_statements"

    def days_to_run(self, dag: str, *, first: date, last: date, reprocess: str) -> list[date]:
        self.planned.append((dag, first, last, reprocess))
        return self.plan

    def start_backfill(self, dag: str, *, first: date, last: date, reprocess: str) -> int:
        self.started.append((dag, first, last, reprocess))
        return 7


def test_the_days_asked_for_are_started_once_and_reported() -> None:
    airflow = PlanOnPaper(WEEK)
    report = backfill(airflow, first=FIRST, last=LAST, today=TODAY, dry_run=False, reprocess="completed")
    assert airflow.started == [("deliver_statements", FIRST, LAST, "completed")]
    assert (report.runs, report.left, report.backfill) == (tuple(WEEK), (), 7)


def test_a_dry_run_starts_nothing() -> None:
    airflow = PlanOnPaper(WEEK)
    report = backfill(airflow, first=FIRST, last=LAST, today=TODAY, dry_run=True)
    assert airflow.planned == [("deliver_statements", FIRST, LAST, "none")]
    assert airflow.started == []
    assert (report.runs, report.backfill) == (tuple(WEEK), None)


def test_days_that_ran_already_are_reported_as_left() -> None:
    report = backfill(PlanOnPaper(WEEK[2:]), first=FIRST, last=LAST, today=TODAY, dry_run=False)
    assert (report.runs, report.left) == (tuple(WEEK[2:]), tuple(WEEK[:2]))


def test_nothing_is_started_where_every_day_ran_already() -> None:
    airflow = PlanOnPaper([])
    report = backfill(airflow, first=FIRST, last=LAST, today=TODAY, dry_run=False)
    assert airflow.started == []
    assert (report.left, report.backfill) == (tuple(WEEK), None)


@pytest.mark.parametrize(
    "plan", [[FIRST - timedelta(days=1), *WEEK], [*WEEK, LAST + timedelta(days=1)], [FIRST, FIRST]]
)
def test_a_plan_with_other_days_than_those_asked_for_is_not_started(plan: list[date]) -> None:
    airflow = PlanOnPaper(plan)
    with pytest.raises(SchedulerError, match="nothing was started"):
        backfill(airflow, first=FIRST, last=LAST, today=TODAY, dry_run=False)
    assert airflow.started == []


@pytest.mark.parametrize(
    ("first", "last", "reprocess", "message"),
    [
        (LAST, FIRST, "none", "is before"),
        (FIRST, TODAY, "none", "is not over"),
        (FIRST, TODAY + timedelta(days=1), "none", "is not over"),
        (date(2020, 1, 1), LAST, "none", "more than the 366"),
        (FIRST, LAST, "all", "'all' is not a way"),
    ],
)
def test_days_that_make_no_sense_are_refused_before_airflow_is_asked(
    first: date, last: date, reprocess: str, message: str
) -> None:
    airflow = PlanOnPaper(WEEK)
    with pytest.raises(ConfigurationError, match=message):
        backfill(airflow, first=first, last=last, today=TODAY, dry_run=False, reprocess=reprocess)
    assert airflow.planned == airflow.started == []
