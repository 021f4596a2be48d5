"""Which business day a run delivers, and the key under which its files are kept (DESIGN §5, D9)."""

from __future__ import annotations

import hashlib
import re
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

#: Banks close their days, and the timetable cuts its intervals, at midnight in Paris.
BANK_ZONE: Final = ZoneInfo("Europe/Paris")

_FIRST_DAY: Final = date(2, 1, 1)
_LAST_DAY: Final = date(9998, 12, 31)
_MANUAL: Final = "manual"
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")
_KEY_TEXT: Final = 40


def in_paris(at: datetime) -> str:
    """A moment as people in France read it, its zone said."""
    return f"{at.astimezone(BANK_ZONE):%Y-%m-%d %H:%M:%S} Paris"


def overdue_before(now: datetime) -> date:
    """What is dated before that day and has not arrived is late: the runs of yesterday may not be over. now: aware."""
    return now.astimezone(BANK_ZONE).date() - timedelta(days=1)


def resolve_day(param: str | None, data_interval_start: datetime | None, run_type: str) -> date:
    """The business day of a run: the parameter of a manual run, else the Paris day on which its interval starts.

    Args:
        param: the run's parameter `day`, `YYYY-MM-DD`, or None.
        data_interval_start: aware; None where the run has no interval.
        run_type: as Airflow says it: `scheduled`, `backfill`, `manual`…
    Raises:
        ValueError: a manual run without `day`, a `day` that is no date, a `day` given to a run that has its own
            interval, or a run that has neither. The sentence says what to do.
    """
    text = (param or "").strip()
    if run_type == _MANUAL:
        return _parameter(text)
    if text:
        raise ValueError(
            f"a {run_type} run has a day of its own and cannot take the parameter day ({text!r});"
            " trigger a manual run for that day, or backfill it without parameters"
        )
    if data_interval_start is None or data_interval_start.tzinfo is None:
        raise ValueError(
            f"a {run_type} run without a data interval has no business day; trigger it with the parameter day"
        )
    return data_interval_start.astimezone(BANK_ZONE).date()


def _parameter(text: str) -> date:
    if not text:
        raise ValueError(
            'a manual run needs the parameter day: the business day to deliver, for example {"day": "2026-01-05"}'
        )
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError(f"the parameter day is {text!r}, which is not a date written YYYY-MM-DD, such as 2026-01-05")
    return day


def midnight(day: date) -> datetime:
    """The aware moment at which `day` starts in Paris, which is the logical date of that day's run."""
    return datetime.combine(day, time(), tzinfo=BANK_ZONE)


def between(first: date | None, last: date | None) -> tuple[datetime | None, datetime | None]:
    """The aware moments at which days in Paris begin and end, `last` included; None is from the beginning, or no end.

    The ends of the calendar, which have no moment in UTC, stand for the nearest days that have one.
    """
    begin = midnight(max(first, _FIRST_DAY)) if first else None
    end = midnight(min(last, _LAST_DAY) + timedelta(days=1)) if last else None
    return begin, end


def run_key(run_id: str) -> str:
    """A name for the files of a run: letters, digits and hyphens, at most 53 characters, different for different runs.

    The readable part may be cut or altered, so twelve digits of the run id's sha256 follow it.
    """
    readable = _UNSAFE.sub("-", run_id).strip("-")[:_KEY_TEXT] or "run"
    return f"{readable}-{hashlib.sha256(run_id.encode()).hexdigest()[:12]}"
