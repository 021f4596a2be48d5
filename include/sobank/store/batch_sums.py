"""What a batch holds in money, by currency: amounts of two currencies are never added up for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sobank.store.database import Database
from sobank.store.exact_sum import exact_sum
from sobank.store.listing import looking
from sobank.store.schema import allocations, statements


@dataclass(frozen=True, kw_only=True, slots=True)
class Sum:
    """Σ in one currency, in minor units of which 10^decimals make a unit; debit negative."""

    currency: str
    decimals: int
    debit: int
    credit: int

    @property
    def net(self) -> int:
        """Credits and debits together."""
        return self.credit + self.debit


def sums_of_batches(connection: sa.Connection, batch_ids: Sequence[int]) -> dict[int, tuple[Sum, ...]]:
    """Sums of batches by currency, of those that the caller may see; none of a batch that was given back."""
    s = statements.c
    keys = (allocations.c.batch_id, s.currency, s.decimals)
    query = (
        sa.select(*keys, exact_sum(s.debit).label("debit"), exact_sum(s.credit).label("credit"))
        .join(statements, s.id == allocations.c.statement_id)
        .where(allocations.c.batch_id.in_(batch_ids))
        .group_by(*keys)
        .order_by(*keys)
    )
    found: dict[int, tuple[Sum, ...]] = {}
    for row in connection.execute(query):
        one = Sum(currency=row.currency, decimals=row.decimals, debit=row.debit, credit=row.credit)
        found[row.batch_id] = (*found.get(row.batch_id, ()), one)
    return found


def batch_sums(database: Database, batch_ids: Sequence[int]) -> dict[int, tuple[Sum, ...]]:
    """The same, for a page that has read its batches already."""
    with looking(database) as connection:
        return sums_of_batches(connection, batch_ids)
