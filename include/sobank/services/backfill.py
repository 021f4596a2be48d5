"""Run whole business days again, or for the first time, through the scheduler (`sobank backfill`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final, Protocol

from sobank.errors import ConfigurationError, SchedulerError

DELIVERY: Final = "deliver_statements"
_MOST_DAYS: Final = 366


class Reprocess(StrEnum):
    """What is done with a day that has a run already: leave it, run it again if it failed, or run it again."""

    NONE = "none"
    FAILED = "failed"
    COMPLETED = "completed"


class Scheduler(Protocol):
    """What a backfill asks of Airflow."""

    def is_paused(self, dag: str) -> bool:
        """Whether the runs of a DAG, backfilled ones included, wait until somebody unpauses it."""
        ...

    def days_to_run(self, dag: str, *, first: date, last: date, reprocess: str) -> list[date]:
        """The days of `first`…`last` that a backfill would run now, in order; nothing is changed."""
        ...

    def start_backfill(self, dag: str, *, first: date, last: date, reprocess: str) -> int:
        """Start it, one day at a time and oldest first; the number under which Airflow keeps it."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class BackfillReport:
    """Days asked for, those that run, those left as they are; `backfill` is None where nothing was started."""

    first: date
    last: date
    runs: tuple[date, ...]
    left: tuple[date, ...]
    backfill: int | None


def backfill(
    scheduler: Scheduler, *, first: date, last: date, today: date, dry_run: bool, reprocess: str = Reprocess.NONE
) -> BackfillReport:
    """Have Airflow run exactly the business days `first`…`last`, both included.

    Args:
        today: the Paris date; only days that are over can run.
        dry_run: only say which days would run.
        reprocess: a `Reprocess`. Running a delivered day again changes nothing (D2).
    Raises:
        ConfigurationError: the days or `reprocess` make no sense.
        SchedulerError: Airflow is away, refuses, or plans other days than those asked for.
    """
    asked = _asked(first, last, today)
    if reprocess not in set(Reprocess):
        raise ConfigurationError(
            f"{reprocess!r} is not a way to treat days that ran already",
            subject="--reprocess",
            remedy=f"one of {', '.join(Reprocess)}",
        )
    planned = scheduler.days_to_run(DELIVERY, first=first, last=last, reprocess=reprocess)
    if not set(planned) <= set(asked) or len(set(planned)) != len(planned):
        raise SchedulerError(
            f"Airflow would run {', '.join(map(str, planned))}, not the days {first} to {last}; nothing was started",
            subject=DELIVERY,
            remedy="check the timetable of the DAG and [core] default_timezone: both are Europe/Paris",
        )
    started = None
    if planned and not dry_run:
        _refuse_paused(scheduler)
        started = scheduler.start_backfill(DELIVERY, first=first, last=last, reprocess=reprocess)
    left = tuple(day for day in asked if day not in set(planned))
    return BackfillReport(first=first, last=last, runs=tuple(planned), left=left, backfill=started)


def _refuse_paused(scheduler: Scheduler) -> None:
    if scheduler.is_paused(DELIVERY):
        raise SchedulerError(
            "the DAG is paused, so its runs would wait in silence; nothing was started",
            subject=DELIVERY,
            remedy=f"unpause it in Airflow's UI or with: airflow dags unpause {DELIVERY}",
        )


def _asked(first: date, last: date, today: date) -> list[date]:
    if last < first:
        raise ConfigurationError(f"{last} is before {first}", subject="--from, --to", remedy="give the older day first")
    if last >= today:
        raise ConfigurationError(
            f"{last} is not over: its statements arrive the next morning",
            subject="--to",
            remedy=f"give {today - timedelta(days=1)} or an older day",
        )
    days = (last - first).days + 1
    if days > _MOST_DAYS:
        raise ConfigurationError(
            f"{days} days are more than the {_MOST_DAYS} of one backfill",
            subject="--from, --to",
            remedy="backfill the years one after the other",
        )
    return [first + timedelta(days=n) for n in range(days)]
