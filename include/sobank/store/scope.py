"""Whose is it? The cabinet of a thing, and what a person is to that cabinet (DESIGN §8)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from sobank.domain.registry import Profile
from sobank.store.database import Database
from sobank.store.schema import accounts, batches, cabinets, memberships, statements


class Thing(StrEnum):
    """What belongs to a cabinet. A cabinet is known by its code, everything else by its number."""

    CABINET = "cabinet"
    ACCOUNT = "account"
    BATCH = "batch"
    STATEMENT = "statement"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A cabinet as one person sees it: its code, None where nobody knows whose a statement is (S13).

    profile: None for the operator, who needs none.
    """

    cabinet: str | None
    profile: Profile | None


def place_of(database: Database, thing: Thing, key: str | int, *, user: str | None) -> Place | None:
    """The cabinet of a thing; None if there is no such thing, or `user` is no member of its cabinet.

    user: None is the operator, who sees every cabinet.
    """
    of_account = cabinets.c.id == accounts.c.cabinet_id
    where: dict[Thing, tuple[Any, Any]] = {
        Thing.CABINET: (cabinets, cabinets.c.code),
        Thing.ACCOUNT: (accounts.join(cabinets, of_account), accounts.c.id),
        Thing.BATCH: (batches.join(cabinets, cabinets.c.id == batches.c.cabinet_id), batches.c.id),
        Thing.STATEMENT: (
            statements.outerjoin(accounts, accounts.c.id == statements.c.account_id).outerjoin(cabinets, of_account),
            statements.c.id,
        ),
    }
    source, column = where[thing]
    member = sa.and_(memberships.c.cabinet_id == cabinets.c.id, memberships.c.user == user)
    query = sa.select(cabinets.c.code, memberships.c.profile).where(column == key)
    query = query.select_from(
        source.outerjoin(memberships, member) if user is None else source.join(memberships, member)
    )
    with database.read() as connection:
        found = connection.execute(query).one_or_none()
    return (
        None if found is None else Place(cabinet=found.code, profile=Profile(found.profile) if found.profile else None)
    )
