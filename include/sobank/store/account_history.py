"""What became of one account: the steps of its mandates and its associations, oldest first (A4, A9, A13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from sobank.store.database import Database
from sobank.store.listing import cabinets_of, looking
from sobank.store.registry_edit import RegistryEdit, StepTaken
from sobank.store.schema import accounts, associations, audit_events, connectors


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociationEpisode:
    """A time during which an account had a connector, and who decided.

    until: None while it is in force. ended_by: None then, and where the audit trail does not tell.
    """

    connector: str
    partner: str
    since: datetime
    decided_by: str
    until: datetime | None
    ended_by: str | None


def mandate_history(database: Database, account_id: int, *, user: str | None) -> list[StepTaken]:
    """Steps of the mandates of an account as the audit trail has them; none if it is not this person's (None: all)."""
    with looking(database) as connection:
        return RegistryEdit(connection).steps_taken(account_id) if _seen(connection, account_id, user) else []


def association_history(database: Database, account_id: int, *, user: str | None) -> list[AssociationEpisode]:
    """Associations of an account; none if it is not this person's (None: the operator, who sees all)."""
    query = (
        sa.select(
            connectors.c.name.label("connector"),
            connectors.c.partner,
            associations.c.since,
            associations.c.decided_by,
            associations.c.until,
        )
        .join(connectors, connectors.c.id == associations.c.connector_id)
        .where(associations.c.account_id == account_id)
        .order_by(associations.c.since, associations.c.id)
    )
    e = audit_events.c
    changes = sa.select(e.at, e.actor).where(
        e.subject.startswith(f"account:{account_id} ", autoescape=True),
        e.action.in_(("account.associate", "account.dissociate")),
    )
    with looking(database) as connection:
        if not _seen(connection, account_id, user):
            return []
        actors = {row.at: row.actor for row in connection.execute(changes.order_by(e.id))}
        return [
            AssociationEpisode(**row._mapping, ended_by=actors.get(row.until) if row.until else None)
            for row in connection.execute(query)
        ]


def _seen(connection: sa.Connection, account_id: int, user: str | None) -> bool:
    mine = sa.select(accounts.c.id).where(accounts.c.id == account_id, accounts.c.cabinet_id.in_(cabinets_of(user)))
    return connection.scalar(mine) is not None
