"""Numbers of a partner's `transport`, read alike by every sink; the schema of partners' files says them first."""

from __future__ import annotations

from typing import TypeVar

from sobank.domain.sink import Reach
from sobank.errors import ConfigurationError

T = TypeVar("T", bound=int | None)


def count(reach: Reach, key: str, default: T) -> int | T:
    """A whole number above 0; the default where it is null or not given.

    Raises:
        ConfigurationError: it is something else.
    """
    found = reach.transport.get(key)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, int) or found < 1:
        raise _wrong(reach, key, "a whole number above 0")
    return found


def seconds(reach: Reach, key: str, default: float) -> float:
    """A number of seconds above 0, an hour at most; the default where it is null or not given.

    Raises:
        ConfigurationError: it is something else.
    """
    found = reach.transport.get(key)
    if found is None:
        return default
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found <= 3600:
        raise _wrong(reach, key, "a number of seconds between 0 and 3600")
    return float(found)


def _wrong(reach: Reach, key: str, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"transport.{key} is not {wanted}", subject=reach.destination, remedy="correct it in the partner's file"
    )
