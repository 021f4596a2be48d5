"""What a person decides of held batches, one after another, told one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sobank.cli.show import out, problems
from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, SobankError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sobank.wiring import House


class _Unreached:
    """Stands for a sink that cannot be made: a decision that needs nothing of it is taken all the same."""

    def __init__(self, why: ConfigurationError) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Any:
        raise self._why


def decide_each(house: House, verb: Callable[..., None], batches: list[int], by: str, why: str, said: str) -> None:
    """Decide of each batch by itself; what one refuses does not stop the others.

    Args:
        verb: one of `services.held`. said: what is printed of a batch that was decided.
    Raises:
        SobankError: the last thing that went wrong; the ones before it are printed.
    """
    failed: list[SobankError] = []
    for batch in dict.fromkeys(batches):
        try:
            error = _decide_one(house, verb, batch, by, why)
        except SobankError as refused:
            failed.append(refused)
            continue
        out.print(f"batch {batch} {said}", highlight=False, markup=False)
        if error is not None:
            failed.append(error)
    for error in failed[:-1]:
        problems.print(str(error), highlight=False, markup=False)
    if failed:
        raise failed[-1]


def _decide_one(house: House, verb: Callable[..., None], number: int, by: str, why: str) -> SobankError | None:
    """What went wrong after the decision was taken: then it stands. What is raised before left everything as it was."""
    batch = house.ledger.batch(number, user=scope_of(by))
    sink: Any
    try:
        sink = house.sink_of(batch)
    except ConfigurationError as error:
        sink = _Unreached(error)
    try:
        verb(house.ledger, sink, number, actor=by, reason=why, now=datetime.now(UTC))
    except SobankError as error:
        if house.ledger.batch(number).state is batch.state:
            raise
        return error
    return None
