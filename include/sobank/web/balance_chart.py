"""The balances of an account over time, drawn: a step line by statement, dashed where the chain is broken (S9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sobank.domain.balance_chain import Link

WIDTH: Final = 960
HEIGHT: Final = 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 130, 16, 14, 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """Where a statement does not begin as the one before it ended: a vertical from one balance to the other."""

    link: Link
    x: float
    before: float
    after: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A closing balance, where it is drawn."""

    link: Link
    x: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """Lengths in the units of the picture, WIDTH × HEIGHT. lines: `d` of paths; levels: y and amount of grid lines."""

    lines: tuple[str, ...]
    points: tuple[Point, ...]
    breaks: tuple[Break, ...]
    levels: tuple[tuple[float, int], ...]
    first: date
    last: date
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = HEIGHT - _BOTTOM


def chart(links: Sequence[Link]) -> Chart | None:
    """The picture of a chain in its order; None where there is nothing to draw."""
    if not links:
        return None
    first = min(link.balances.opening_date for link in links)
    last = max(link.balances.closing_date for link in links)
    amounts = [amount for link in links for amount in (link.balances.opening, link.balances.closing)]
    low, high = min(amounts), max(amounts)
    days, span = max(1, (last - first).days), max(1, high - low)

    def x(day: date) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (day - first).days / days, 1)

    def y(amount: int) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (high - amount) / span, 1)

    lines, breaks, at = [], [], x(links[0].balances.opening_date)
    drawn = f"M{at} {y(links[0].balances.opening)}"
    for link in links:
        one = link.balances
        if link.gap and link.before is not None:
            breaks.append(Break(link=link, x=at, before=y(link.before), after=y(one.opening)))
            lines.append(drawn)
            drawn = f"M{at} {y(one.opening)}"
        at = x(one.closing_date)
        drawn += f"H{at}V{y(one.closing)}"
    levels = {low, high} | ({0} if low < 0 < high else set())
    return Chart(
        lines=(*lines, drawn),
        points=tuple(Point(link=one, x=x(one.balances.closing_date), y=y(one.balances.closing)) for one in links),
        breaks=tuple(breaks),
        levels=tuple((y(level), level) for level in sorted(levels)),
        first=first,
        last=last,
    )
