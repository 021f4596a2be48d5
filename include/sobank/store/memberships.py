"""Of which cabinets a user is a member, and with which profile (A2)."""

from __future__ import annotations

import sqlalchemy as sa

from sobank.domain.registry import Profile
from sobank.store.database import Database
from sobank.store.schema import cabinets, memberships


def roles_of(database: Database, user: str) -> dict[str, Profile]:
    """The profile of a user by cabinet code, closed cabinets too; empty for someone who is a member of none."""
    query = (
        sa.select(cabinets.c.code, memberships.c.profile)
        .join(cabinets, cabinets.c.id == memberships.c.cabinet_id)
        .where(memberships.c.user == user)
        .order_by(cabinets.c.code)
    )
    with database.read() as connection:
        return {row.code: Profile(row.profile) for row in connection.execute(query)}
