"""The cabinets that a person may see: who they are, and how much of everything they have (A9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sobank.store.database import Database
from sobank.store.listing import Page, Wish, cabinets_of, counted, looking
from sobank.store.schema import accounts, cabinets, connectors, dossiers, memberships
from sobank.store.text_search import folded, has_digits, has_part


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedCabinet:
    """A cabinet with its identity; `code` is its client number.

    production_software: logiciels de production, empty if not told. accounts: those not closed. connectors: those not
    deleted.
    """

    id: int
    code: str
    name: str
    siret: str | None
    address: str | None
    production_software: tuple[str, ...]
    closed: bool
    accounts: int
    dossiers: int
    connectors: int
    members: int


def cabinets_seen(
    database: Database, *, user: str | None, search: str = "", page: int = 1, size: int = 50
) -> Page[ListedCabinet]:
    """Cabinets by code, those of a person or (None) all; search: part of a code, a name or a siret."""
    wish = Wish.of(page, size)
    matching = sa.select(cabinets.c.id).where(cabinets.c.id.in_(cabinets_of(user)))
    if text := search.strip():
        in_code = cabinets.c.code.contains(text.upper(), autoescape=True)
        in_siret = has_digits(cabinets.c.siret, text)
        in_name = has_part(folded(cabinets.c.name, sqlite=database.is_sqlite), text)
        matching = matching.where(sa.or_(in_code, in_siret, in_name))
    with looking(database) as connection:
        total, more = counted(connection, matching)
        chosen = matching.order_by(cabinets.c.code).limit(wish.room_of(more=more)).offset(wish.offset)
        rows = _rows(connection, chosen)
    return Page(rows=rows, total=total, more=more, page=wish.page, size=wish.size)


def cabinet_seen(database: Database, code: str, *, user: str | None) -> ListedCabinet | None:
    """The cabinet of a code; None where there is none, or this person (None: the operator) is no member of it."""
    mine = sa.select(cabinets.c.id).where(cabinets.c.code == code, cabinets.c.id.in_(cabinets_of(user)))
    with looking(database) as connection:
        found = _rows(connection, mine)
    return found[0] if found else None


def _rows(connection: sa.Connection, ids: sa.Select[Any]) -> tuple[ListedCabinet, ...]:
    chosen = ids.subquery()
    query = (
        sa.select(
            cabinets,
            _count(accounts, accounts.c.closed_at.is_(None)).label("accounts"),
            _count(dossiers).label("dossiers"),
            _count(connectors, connectors.c.deleted_at.is_(None)).label("connectors"),
            _count(memberships).label("members"),
        )
        .join(chosen, chosen.c.id == cabinets.c.id)
        .order_by(cabinets.c.code)
    )
    return tuple(
        ListedCabinet(
            id=row.id,
            code=row.code,
            name=row.name,
            siret=row.siret,
            address=row.address,
            production_software=tuple(row.production_software or ()),
            closed=row.closed_at is not None,
            accounts=row.accounts,
            dossiers=row.dossiers,
            connectors=row.connectors,
            members=row.members,
        )
        for row in connection.execute(query)
    )


def _count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    here = table.c.cabinet_id == cabinets.c.id
    return sa.select(sa.func.count()).select_from(table).where(here, *conditions).correlate(cabinets).scalar_subquery()
