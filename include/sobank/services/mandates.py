"""How a mandate may move when its history is known only in part (registry import)."""

from __future__ import annotations

from enum import StrEnum

from sobank.domain.registry import ENDED_STEPS, MANDATE_TRANSITIONS, MandateStep


class Move(StrEnum):
    """What becomes of an account's current mandate."""

    NONE = "none"
    STEP = "step"
    NEW = "new"
    FORBIDDEN = "forbidden"


def reachable(step: MandateStep) -> frozenset[MandateStep]:
    """Every step that can follow `step`, now or later."""
    found: set[MandateStep] = set()
    ahead = [step]
    while ahead:
        following = MANDATE_TRANSITIONS[ahead.pop()] - found
        found |= following
        ahead.extend(following)
    return frozenset(found)


_REACHABLE = {step: reachable(step) for step in MandateStep}


def move(current: MandateStep | None, wanted: MandateStep | None) -> Move:
    """From the current step (None: never started) to the wanted one: steps may be jumped, but only forward.

    After an ended mandate only a new one can be alive; what has ended stays as it ended.
    """
    if wanted == current:
        return Move.NONE
    if wanted is None:
        return Move.FORBIDDEN
    if current is None or (current in ENDED_STEPS and wanted not in ENDED_STEPS):
        return Move.NEW
    return Move.STEP if wanted in _REACHABLE[current] else Move.FORBIDDEN
