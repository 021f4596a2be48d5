"""Pages of long lists: what a page says of itself, and how many rows one is allowed to cost (A9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa

from sobank.store.database import Database, plan_with
from sobank.store.schema import cabinets, memberships

Row = TypeVar("Row")
MAX_PAGE: Final = 200
#: A list of up to so many rows is counted and sorted. Of a longer one, which would cost a second, it is said that it is
#: longer, and its first rows are met on a walk in its order.
COUNTED: Final = 10_000
#: So far pages of such a list are reached by their number: nobody turns so many. `Page.after` goes on to its last row.
WALKED: Final = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Page(Generic[Row]):
    """One page, 1-based, of a list.

    total: rows of the whole list, COUNTED where there are `more` than that. after: what asks for the page after this
    one, None on the last page and where the list knows no such thing.
    """

    rows: tuple[Row, ...]
    total: int
    more: bool
    page: int
    size: int
    after: int | None = None

    @property
    def pages(self) -> int:
        """How many pages can be asked for by their number; at least one."""
        return max(1, -(-(WALKED if self.more else self.total) // self.size))


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Which page is asked for, held within its bounds."""

    page: int
    size: int

    @classmethod
    def of(cls, page: int, size: int) -> Wish:
        """The nearest page that may be asked for."""
        return cls(page=max(1, page), size=max(1, min(size, MAX_PAGE)))

    @property
    def offset(self) -> int:
        """Rows before the page."""
        return (self.page - 1) * self.size

    @property
    def room(self) -> int:
        """Rows that the page may hold: it ends where COUNTED does."""
        return max(0, min(self.size, COUNTED - self.offset))

    def room_of(self, *, more: bool) -> int:
        """Rows that the page may hold: if the list is longer than COUNTED, it ends where WALKED does."""
        return max(0, min(self.room, WALKED - self.offset)) if more else self.room


@contextmanager
def looking(database: Database) -> Iterator[sa.Connection]:
    """One snapshot to read lists from.

    PostgreSQL plans every query for the values it is asked with: a plan that suits any cabinet suits the largest badly.
    It compiles none, which takes longer than the query, leaves the other processors alone, and takes indexes to be in
    memory: those of a registry are.
    """
    with database.read() as connection:
        plan_with(
            connection, plan_cache_mode="force_custom_plan", jit="off", random_page_cost="1.1",
            max_parallel_workers_per_gather="0",
        )  # fmt: skip
        yield connection


def counted(connection: sa.Connection, matching: sa.Select[Any] | sa.CompoundSelect[Any]) -> tuple[int, bool]:
    """How many rows match, up to COUNTED, and whether there are more."""
    bounded = matching.limit(COUNTED + 1).subquery()
    found = connection.scalar(sa.select(sa.func.count()).select_from(bounded)) or 0
    return min(found, COUNTED), found > COUNTED


def matched(connection: sa.Connection, ids: sa.Select[Any] | sa.CompoundSelect[Any]) -> tuple[list[int], bool]:
    """The ids that match, in no order and no more than COUNTED, and whether there are more."""
    found = list(connection.scalars(ids.limit(COUNTED + 1)))
    return found[:COUNTED], len(found) > COUNTED


def cabinets_of(user: str | None) -> sa.Select[Any]:
    """Ids of the cabinets that a person may see; None is the operator, who sees every cabinet."""
    if user is None:
        return sa.select(cabinets.c.id)
    return sa.select(memberships.c.cabinet_id).where(memberships.c.user == user)
