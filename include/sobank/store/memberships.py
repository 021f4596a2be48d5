"""Of which cabinets a user is a member, and with which profile: what the pages ask on every request (A2)."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sobank.domain.registry import Profile
from sobank.store.database import Database
from sobank.store.schema import cabinets, memberships


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A cabinet of a user, and the user's profile on it; closed cabinets are among them."""

    cabinet_id: int
    cabinet: str
    name: str
    profile: Profile


def memberships_of(database: Database, user: str) -> list[Membership]:
    """The cabinets of a user with the profile on each, by code."""
    query = (
        sa.select(cabinets.c.id, cabinets.c.code, cabinets.c.name, memberships.c.profile)
        .join(cabinets, cabinets.c.id == memberships.c.cabinet_id)
        .where(memberships.c.user == user)
        .order_by(cabinets.c.code)
    )
    with database.read() as connection:
        return [
            Membership(cabinet_id=id_, cabinet=code, name=name, profile=Profile(profile))
            for id_, code, name, profile in connection.execute(query)
        ]


def roles_of(database: Database, user: str) -> dict[str, Profile]:
    """The profile of a user by cabinet code; empty for someone who is a member of none."""
    return {one.cabinet: one.profile for one in memberships_of(database, user)}


def profile_on(database: Database, user: str, cabinet: str) -> Profile | None:
    """The profile of a user on the cabinet of that code; None where the user is no member, or there is no cabinet."""
    query = (
        sa.select(memberships.c.profile)
        .join(cabinets, cabinets.c.id == memberships.c.cabinet_id)
        .where(memberships.c.user == user, cabinets.c.code == cabinet)
    )
    with database.read() as connection:
        found = connection.scalar(query)
    return Profile(found) if found else None
