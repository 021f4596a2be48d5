"""Which day a run delivers, under which key, and from when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sobank.domain import day as days
from sobank.errors import ConfigurationError
from sobank.jobs.start import as_day


def business_day(param: str | None, data_interval_start: datetime | None, run_type: str) -> str:
    """The business day of a run as `YYYY-MM-DD`; see `domain.day.resolve_day`.

    Raises:
        ConfigurationError: the run has no day, or two.
    """
    try:
        return days.resolve_day(param, data_interval_start, run_type).isoformat()
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


def run_key(run_id: str) -> str:
    """A file-name-safe key of a run."""
    return days.run_key(run_id)


def ready_at(day: str | date) -> datetime:
    """The moment (UTC) from which the run of `day` may start: the configured hour in Paris, the morning after."""
    import os

    from sobank.domain.day import BANK_ZONE
    from sobank.wiring import settings_from

    hour = settings_from(os.environ).ready_at
    return datetime.combine(as_day(day) + timedelta(days=1), hour, tzinfo=BANK_ZONE).astimezone(UTC)
