"""The client companies of the cabinets that a person may see, and how many of their accounts are associated (A6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sobank.store.database import Database
from sobank.store.listing import COUNTED, Page, Wish, cabinets_of, counted, looking
from sobank.store.schema import accounts, associations, cabinets, dossiers
from sobank.store.text_search import folded_company, has_digits, has_part


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedDossier:
    """A dossier of a cabinet (code). accounts: those not closed; associated: how many of them have a connector."""

    id: int
    cabinet: str
    reference: str
    name: str
    siret: str | None
    accounts: int
    associated: int


def dossiers_seen(
    database: Database,
    *,
    user: str | None,
    cabinet: str | None = None,
    search: str = "",
    page: int = 1,
    size: int = 50,
) -> Page[ListedDossier]:
    """Dossiers by cabinet and reference, those of a person's cabinets or (None) all.

    Args:
        cabinet: only those of this one (code). search: part of a name, a reference or a siret.
    """
    wish = Wish.of(page, size)
    conditions = _conditions(user, cabinet)
    if text := search.strip():
        in_siret = has_digits(dossiers.c.siret, text)
        in_reference = dossiers.c.reference.contains(text, autoescape=True)
        in_name = has_part(folded_company(sqlite=database.is_sqlite), text)
        conditions.append(sa.or_(in_siret, in_name, in_reference))
    with looking(database) as connection:
        matching = _joined().where(*conditions)
        total, more = counted(connection, matching)
        if not more:  # the limit keeps the database from a walk in order in the hope of meeting few
            few = matching.limit(COUNTED + 1).subquery()
            matching = sa.select(few)
        columns = matching.selected_columns
        chosen = matching.order_by(columns.code, columns.reference).limit(wish.room_of(more=more)).offset(wish.offset)
        rows = _rows(connection, chosen)
    return Page(rows=rows, total=total, more=more, page=wish.page, size=wish.size)


def dossier_seen(database: Database, cabinet: str, reference: str, *, user: str | None) -> ListedDossier | None:
    """One dossier; None where there is none, or this person (None: the operator) is no member of the cabinet."""
    with looking(database) as connection:
        one = _joined().where(*_conditions(user, cabinet), dossiers.c.reference == reference)
        found = _rows(connection, one)
    return found[0] if found else None


def _joined() -> sa.Select[Any]:
    owner = cabinets.c.id == dossiers.c.cabinet_id
    return sa.select(dossiers.c.id, cabinets.c.code, dossiers.c.reference).select_from(dossiers.join(cabinets, owner))


def _conditions(user: str | None, cabinet: str | None) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if user is not None:
        found.append(dossiers.c.cabinet_id.in_(cabinets_of(user)))
    if cabinet is not None:
        found.append(cabinets.c.code == cabinet)
    return found


def _rows(connection: sa.Connection, keys: sa.Select[Any]) -> tuple[ListedDossier, ...]:
    chosen = keys.subquery()
    in_force = sa.exists().where(associations.c.account_id == accounts.c.id, associations.c.until.is_(None))
    query = (
        sa.select(
            dossiers.c.id,
            chosen.c.code.label("cabinet"),
            dossiers.c.reference,
            dossiers.c.name,
            dossiers.c.siret,
            _count().label("accounts"),
            _count(in_force).label("associated"),
        )
        .join(chosen, chosen.c.id == dossiers.c.id)
        .order_by(chosen.c.code, dossiers.c.reference)
    )
    return tuple(ListedDossier(**row._mapping) for row in connection.execute(query))


def _count(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[int]:
    open_here = sa.and_(accounts.c.dossier_id == dossiers.c.id, accounts.c.closed_at.is_(None))
    return sa.select(sa.func.count(accounts.c.id)).where(open_here, *conditions).correlate(dossiers).scalar_subquery()
