"""What filters and forms of lists offer to choose from, read without counting anything (A4, A9)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from sobank.store.database import Database
from sobank.store.listing import cabinets_of, looking
from sobank.store.schema import cabinets, connectors

#: More than a person looks through: beyond it a code is typed.
MOST: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A cabinet to choose."""

    code: str
    name: str


def cabinets_to_choose(database: Database, *, user: str | None) -> list[Choice] | None:
    """Cabinets of a person, or (None) all, by code; None where there are more than MOST."""
    query = sa.select(cabinets.c.code, cabinets.c.name).where(cabinets.c.id.in_(cabinets_of(user)))
    with looking(database) as connection:
        found = connection.execute(query.order_by(cabinets.c.code).limit(MOST + 1)).all()
    return [Choice(code=row.code, name=row.name) for row in found] if len(found) <= MOST else None


def connectors_to_choose(database: Database, codes: Collection[str], *, user: str | None) -> dict[str, list[str]]:
    """Names of the connectors that are on each of these cabinets (codes), those of a person or (None) any."""
    query = (
        sa.select(cabinets.c.code, connectors.c.name)
        .join(cabinets, cabinets.c.id == connectors.c.cabinet_id)
        .where(connectors.c.deleted_at.is_(None), cabinets.c.code.in_(codes), cabinets.c.id.in_(cabinets_of(user)))
        .order_by(cabinets.c.code, connectors.c.name)
    )
    found: dict[str, list[str]] = {code: [] for code in codes}
    with looking(database) as connection:
        for code, name in connection.execute(query):
            found[code].append(name)
    return found


def connector_names(database: Database, *, user: str | None) -> list[str]:
    """Names that connectors bear on the cabinets of a person, or (None) on any, each once; MOST at the most."""
    query = (
        sa.select(connectors.c.name)
        .where(connectors.c.deleted_at.is_(None), connectors.c.cabinet_id.in_(cabinets_of(user)))
        .distinct()
        .order_by(connectors.c.name)
        .limit(MOST)
    )
    with looking(database) as connection:
        return list(connection.scalars(query))
