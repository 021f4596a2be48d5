"""The connectors that are on a cabinet, with their circuits, for whoever looks after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sobank.domain.circuit import Circuit
from sobank.store.circuits import circuit_of
from sobank.store.database import Database
from sobank.store.ledger_rows import OPEN
from sobank.store.schema import associations, batches, cabinets, circuits, connectors


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedConnector:
    """A connector as it is reached, and what hangs on it (A3).

    waiting: its batches that are not final; attempted: those of them that were attempted. accounts: those associated
    with it. circuit: None where none stands.
    """

    id: int
    cabinet: str
    name: str
    partner: str
    connection: str | None
    settings: Mapping[str, Any]
    waiting: int
    attempted: int
    accounts: int
    circuit: Circuit | None

    @property
    def destination(self) -> str:
        """Its name as a destination."""
        return f"connector:{self.cabinet}/{self.name}"


def connectors_on(database: Database, *, cabinet: str | None = None) -> list[ListedConnector]:
    """Connectors that are not deleted, by cabinet and name; of one cabinet (code), or of all."""
    waiting = sa.select(sa.func.count()).where(batches.c.connector_id == connectors.c.id, OPEN).scalar_subquery()
    attempted = (
        sa.select(sa.func.count())
        .where(batches.c.connector_id == connectors.c.id, OPEN, batches.c.fence > 0)
        .scalar_subquery()
    )
    associated = (
        sa.select(sa.func.count())
        .where(associations.c.connector_id == connectors.c.id, associations.c.until.is_(None))
        .scalar_subquery()
    )
    query = (
        sa.select(
            connectors,
            cabinets.c.code,
            waiting.label("waiting"),
            attempted.label("attempted"),
            associated.label("accounts"),
            circuits,
        )
        .join(cabinets, cabinets.c.id == connectors.c.cabinet_id)
        .outerjoin(circuits, circuits.c.connector_id == connectors.c.id)
        .where(connectors.c.deleted_at.is_(None))
        .order_by(cabinets.c.code, connectors.c.name)
    )
    if cabinet is not None:
        query = query.where(cabinets.c.code == cabinet)
    with database.read() as connection:
        return [_listed(row) for row in connection.execute(query)]


def _listed(row: sa.Row[Any]) -> ListedConnector:
    return ListedConnector(
        id=row.id, cabinet=row.code, name=row.name, partner=row.partner, connection=row.connection,
        settings=row.settings or {}, waiting=row.waiting, attempted=row.attempted, accounts=row.accounts,
        circuit=None if row.kind is None else circuit_of(row),
    )  # fmt: skip
