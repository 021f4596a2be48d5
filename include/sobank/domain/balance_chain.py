"""The chain of balances of one account: where a statement does not begin as the one before it ended (S9)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class Balances:
    """Both ends of a statement of one account and currency, in minor units. id: of the statement."""

    id: int
    opening_date: date
    opening: int
    closing_date: date
    closing: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A statement in its chain. before: closing balance of the one before it, None where none is known."""

    balances: Balances
    before: int | None

    @property
    def gap(self) -> bool:
        """Whether it does not begin as the one before it ended."""
        return self.before is not None and self.before != self.balances.opening


def chained(statements: Iterable[Balances]) -> list[Link]:
    """Statements of one account and currency in the order of their chain, each with what it follows."""
    before: int | None = None
    links = []
    for one in sorted(statements, key=lambda each: (each.opening_date, each.closing_date, each.id)):
        links.append(Link(balances=one, before=before))
        before = one.closing
    return links
