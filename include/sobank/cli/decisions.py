"""What a person decides of held batches, one after another, told one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sobank.cli.show import as_json, out, problems
from sobank.errors import SobankError
from sobank.services.decide_batch import decide_batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from sobank.wiring import House


def decide_each(
    house: House, verb: Callable[..., None], batches: list[int], *, by: str, why: str, said: str, json: bool
) -> None:
    """Decide of each batch by itself; what one refuses does not stop the others.

    Args:
        verb: one of `services.held`. said: what is printed of a batch that was decided.
    Raises:
        SobankError: the last thing that went wrong; the ones before it are printed.
    """
    failed: list[SobankError] = []
    told: list[dict[str, Any]] = []
    for batch in dict.fromkeys(batches):
        try:
            error = decide_batch(house.ledger, house.sink_of, verb, batch, actor=by, reason=why, now=datetime.now(UTC))
        except SobankError as refused:
            failed.append(refused)
            told.append({"batch": batch, "decided": False, "error": str(refused)})
            continue
        told.append({"batch": batch, "decided": True, "error": str(error) if error else None})
        if not json:
            out.print(f"batch {batch} {said}", highlight=False)
        if error is not None:
            failed.append(error)
    if json:
        as_json({"batches": told})
    for error in failed[:-1]:
        problems.print(str(error), highlight=False)
    if failed:
        raise failed[-1]
