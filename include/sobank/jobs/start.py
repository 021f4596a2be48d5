"""What every job begins with: its house, the day it is asked for, the moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from sobank.errors import ConfigurationError

if TYPE_CHECKING:
    from sobank.wiring import House

Ref = dict[str, Any]
Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The moment, aware."""
    return datetime.now(UTC)


def house() -> House:
    """The house of this process, its database at the schema that this code needs."""
    from sobank.wiring import House

    return House.ready()


def as_day(day: str | date) -> date:
    """A business day.

    Raises:
        ConfigurationError: the text is none.
    """
    try:
        return day if isinstance(day, date) else date.fromisoformat(day)
    except ValueError:
        raise ConfigurationError("is not a day", subject=str(day), remedy="write it YYYY-MM-DD") from None
