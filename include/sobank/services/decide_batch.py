"""Carry out what a person decides of one batch, even where its partner cannot be reached (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, SobankError

if TYPE_CHECKING:
    from sobank.domain.delivery import Batch
    from sobank.domain.sink import Sink
    from sobank.store.ledger import Ledger


class _Unreached:
    """Stands for a sink that cannot be made: a decision that needs nothing of it is taken all the same."""

    def __init__(self, why: ConfigurationError) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        raise self._why


def decide_batch(
    ledger: Ledger,
    sink_of: Callable[[Batch], Sink],
    verb: Callable[..., None],
    number: int,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> SobankError | None:
    """Decide of a batch; what went wrong after the decision was taken, which then stands, or None.

    Args:
        sink_of: makes the sink of the batch. verb: `release_held`, `confirm_held` or `reject_held` of `services.held`.
    Raises:
        SobankError: what the verb raises before it decides: everything is as it was.
    """
    batch = ledger.batch(number, user=scope_of(actor))
    sink: Any
    try:
        sink = sink_of(batch)
    except ConfigurationError as error:
        sink = _Unreached(error)
    try:
        verb(ledger, sink, number, actor=actor, reason=reason, now=now)
    except SobankError as error:
        if ledger.batch(number).state is batch.state:
            raise
        return error
    return None
