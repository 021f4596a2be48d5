"""A person's decision on one batch, with the sink that it needs: the same for the command line and the pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, SobankError

if TYPE_CHECKING:
    from sobank.wiring import House


class _Unreached:
    """Stands for a sink that cannot be made: a decision that needs nothing of it is taken all the same."""

    def __init__(self, why: ConfigurationError) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        raise self._why


def decide_one(
    house: House, verb: Callable[..., None], number: int, *, actor: str, reason: str, now: datetime
) -> SobankError | None:
    """Take a decision; what went wrong after it was taken, which then stands, or None.

    Args:
        verb: `release_held`, `confirm_held` or `reject_held` of `services.held`.
    Raises:
        SobankError: nothing was decided, everything is as it was.
    """
    batch = house.ledger.batch(number, user=scope_of(actor))
    sink: Any
    try:
        sink = house.sink_of(batch)
    except ConfigurationError as error:
        sink = _Unreached(error)
    try:
        verb(house.ledger, sink, number, actor=actor, reason=reason, now=now)
    except SobankError as error:
        if house.ledger.batch(number).state is batch.state:
            raise
        return error
    return None
