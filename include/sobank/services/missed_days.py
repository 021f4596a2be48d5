"""Have Airflow run the business days that were missed: exactly those, and as few backfills as it takes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from sobank.errors import ConfigurationError
from sobank.services.backfill import Reprocess, Scheduler, backfill


@dataclass(frozen=True, kw_only=True, slots=True)
class Stretch:
    """One backfill: its bounds, both included, and the days that it runs."""

    first: date
    last: date
    reprocess: Reprocess
    days: tuple[date, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedReport:
    """What was started. backfill: its number in Airflow, None where nothing was left to run; left: days of others."""

    backfill: int | None
    days: tuple[date, ...]
    left: tuple[date, ...]


def stretches(scheduler: Scheduler, days: Collection[date], *, today: date) -> tuple[Stretch, ...]:
    """The backfills that run these days and no other, oldest first; nothing is started.

    One is enough where Airflow has run every other day between them. Else each row of days that follow one another is
    one, and runs its days whether they have run before or not, which delivers nothing twice (D2).

    Args:
        today: the Paris date; only days that are over can run.
    Raises:
        ConfigurationError: no day is given, one is not over, or they lie too far apart.
        SchedulerError: Airflow is away, refuses, or would run other days than asked for.
    """
    wanted = sorted(set(days))
    if not wanted:
        raise ConfigurationError("no day is given", subject="days", remedy="choose at least one")
    whole = backfill(scheduler, first=wanted[0], last=wanted[-1], today=today, dry_run=True)
    if whole.runs == tuple(wanted):
        return (Stretch(first=wanted[0], last=wanted[-1], reprocess=Reprocess.NONE, days=whole.runs),)
    return tuple(
        Stretch(first=row[0], last=row[-1], reprocess=Reprocess.COMPLETED, days=tuple(row)) for row in _rows(wanted)
    )


def run_missed(scheduler: Scheduler, days: Collection[date], *, today: date) -> MissedReport:
    """Start the oldest of the backfills that these days take.

    Airflow keeps one of a DAG at a time: the days of the others are told, to be started when it has ended.

    Raises:
        ConfigurationError, SchedulerError: as `stretches`, and where the DAG is paused or a backfill is under way.
    """
    first, *others = stretches(scheduler, days, today=today)
    report = backfill(
        scheduler, first=first.first, last=first.last, today=today, dry_run=False, reprocess=first.reprocess
    )
    left = tuple(day for other in others for day in other.days)
    return MissedReport(backfill=report.backfill, days=report.runs, left=left)


def _rows(days: Sequence[date]) -> list[list[date]]:
    """Days in order, cut where one is left out."""
    rows = [[days[0]]]
    for before, day in pairwise(days):
        if day - before > timedelta(days=1):
            rows.append([])
        rows[-1].append(day)
    return rows
