"""What can be asked of the delivery ledger."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from sobank.domain.delivery import Batch
from sobank.domain.registry import Profile
from sobank.domain.shards import Shard
from sobank.errors import NotFound
from sobank.store.database import Database
from sobank.store.ledger_rows import (
    AttemptRow,
    Listed,
    Standing,
    Which,
    as_attempt,
    as_batch,
    as_listed,
    list_query,
    one_query,
    open_query,
)
from sobank.store.listing import cabinets_of
from sobank.store.schema import attempts, batches, connectors, memberships


class LedgerReader:
    """Batches and attempts in our database, read only; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_batches(
        self,
        *,
        kind: str | None = None,
        partner: str | None = None,
        until: date | None = None,
        destination: str | None = None,
        shard: Shard | None = None,
    ) -> list[Batch]:
        """Batches that are not final, ordered by destination, business date and seq (D5).

        Args:
            kind: `connector` or `global`. partner: code in the catalogue. until: last business date, included.
            destination: `connector:<cabinet>/<name>` or `global:<cabinet>`. shard: of which cabinets.
        """
        query = open_query(kind=kind, partner=partner, until=until, destination=destination, shard=shard)
        with self._database.read() as connection:
            return [as_batch(row) for row in connection.execute(query)]

    def open_partners(self, *, until: date) -> list[str]:
        """Codes of the partners with batches that are not final, in order. until: last business date, included."""
        query = open_query(kind="connector", partner=None, until=until).order_by(None)
        with self._database.read() as connection:
            found = connection.scalars(
                query.with_only_columns(connectors.c.partner, maintain_column_froms=True).distinct()
            )
            return sorted(partner for partner in found if partner)

    def open_by_cabinet(self, *, kind: str, until: date) -> list[tuple[int, int]]:
        """Id of every cabinet that has batches that are not final, in order, and how many. until: as above."""
        query = open_query(kind=kind, partner=None, until=until).order_by(None)
        counted = query.with_only_columns(batches.c.cabinet_id, sa.func.count(), maintain_column_froms=True)
        with self._database.read() as connection:
            found = connection.execute(counted.group_by(batches.c.cabinet_id).order_by(batches.c.cabinet_id))
            return [(row[0], row[1]) for row in found]

    def listed(self, which: Which, *, limit: int) -> list[Listed]:
        """Batches with their last attempt, ordered by destination, business date and seq; at most `limit`."""
        with self._database.read() as connection:
            return [as_listed(row) for row in connection.execute(list_query(which, limit))]

    def batch(self, batch_id: int, *, user: str | None = None) -> Batch:
        """One batch. user: who looks; None is the operator, and what runs by itself.

        Raises:
            NotFound: there is none of that id on a cabinet of `user`.
        """
        query = one_query(batch_id)
        if user is not None:
            query = query.where(batches.c.cabinet_id.in_(cabinets_of(user)))
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise not_found(batch_id)
        return as_batch(row)

    def profile(self, batch_id: int, *, user: str | None) -> Profile | None:
        """The profile of a user on the cabinet of a batch; None for the operator, who needs none.

        Raises:
            NotFound: there is none of that id on a cabinet of `user`.
        """
        member = sa.and_(memberships.c.cabinet_id == batches.c.cabinet_id, memberships.c.user == user)
        query = sa.select(memberships.c.profile).select_from(batches.outerjoin(memberships, member))
        with self._database.read() as connection:
            row = connection.execute(query.where(batches.c.id == batch_id)).one_or_none()
        if row is None or (row.profile is None and user is not None):
            raise not_found(batch_id)
        return Profile(row.profile) if row.profile else None

    def attempts(self, batch_id: int) -> list[AttemptRow]:
        """Every attempt of a batch, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                sa.select(attempts).where(attempts.c.batch_id == batch_id).order_by(attempts.c.fence)
            )
            return [as_attempt(row) for row in rows]

    def standing(self, batch_id: int) -> Standing:
        """What the ledger notes of a batch beside the batch itself: receipt, reason, lease.

        Raises:
            NotFound: there is no batch of that id.
        """
        with self._database.read() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id)).one_or_none()
        if row is None:
            raise not_found(batch_id)
        return Standing(
            sealed_at=row.sealed_at, lease_until=row.lease_until, reason=row.reason, receipt=row.receipt,
            encrypted=row.plain_sha256 is not None,
        )  # fmt: skip


def not_found(batch_id: int) -> NotFound:
    """The refusal of an unknown id."""
    return NotFound("there is no such batch", subject=f"batch:{batch_id}", remedy="list the batches first")
