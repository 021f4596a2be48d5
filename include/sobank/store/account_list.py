"""The list of accounts (A9): searched, filtered, in pages of bounded size, within what a person may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.registry import MandateStep
from sobank.errors import NotFound
from sobank.store.account_search import ORDER, AccountSearch, Place
from sobank.store.database import Database
from sobank.store.listing import MAX_PAGE as MAX_PAGE
from sobank.store.listing import Page, Wish, cabinets_of, looking, matched
from sobank.store.schema import accounts, associations, cabinets, connectors, dossiers, mandates

#: Filters for "no mandate was ever started" and "Aucun connecteur".
NO_MANDATE: Final = "none"
NO_CONNECTOR: Final = ""
_IN_FORCE: Final = sa.and_(associations.c.account_id == accounts.c.id, associations.c.until.is_(None))


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountRow:
    """One account as the list shows it; `company`, `dossier` (reference) and `siret` are those of its dossier."""

    id: int
    iban: str
    currency: str
    bank_name: str | None
    company: str
    dossier: str
    siret: str | None
    cabinet: str
    mandate: MandateStep | None
    mandate_since: datetime | None
    connector: str | None
    closed: bool


AccountPage = Page[AccountRow]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountFilter:
    """What to look for. None leaves a filter out; `mandate` a step or NO_MANDATE; `connector` a name or NO_CONNECTOR.

    search: part of an IBAN, a company's name or a siret. dossier: a reference. user: only cabinets of which this person
    is a member; None is the operator of the installation, who sees every cabinet.
    """

    user: str | None
    search: str = ""
    cabinet: str | None = None
    dossier: str | None = None
    mandate: str | None = None
    connector: str | None = None


def account_page(
    database: Database, wanted: AccountFilter, *, page: int = 1, size: int = 50, after: int | None = None
) -> AccountPage:
    """The accounts of a filter by cabinet, dossier and IBAN; `size` is held between 1 and MAX_PAGE.

    Args:
        after: `Page.after` of the page before, which goes on beyond WALKED; `page` says nothing then.
    Raises:
        NotFound: `after` is no account that this person may see.
    """
    wish = Wish.of(page if after is None else 1, size)
    with looking(database) as connection:
        scope = _scope(connection, wanted)
        search = AccountSearch(
            scope=scope, conditions=_conditions(wanted), text=wanted.search.strip(), sqlite=database.is_sqlite
        )
        ids, more = matched(connection, search.ids())
        room = wish.size if after is not None else wish.room_of(more=more)
        # One row more than is shown tells whether there are further ones.
        if after is not None:
            place = _place(connection, after, wanted.user)
            if more:
                rows = _following(connection, search, place, room + 1)
            else:
                rows = _rows(connection, search.sorted(ids, offset=0, size=room + 1, after=place))
        elif not room:
            rows = []
        elif more:
            rows = _rows(connection, search.in_order(offset=wish.offset, size=room + 1))
        else:
            rows = _rows(connection, search.sorted(ids, offset=wish.offset, size=room + 1, after=None))
    shown = tuple(rows[:room])
    further = shown[-1].id if len(rows) > len(shown) else None
    return Page(rows=shown, total=len(ids), more=more, page=wish.page, size=wish.size, after=further)


def account_seen(database: Database, account_id: int, *, user: str | None) -> AccountRow | None:
    """One account; None where there is none, or not in a cabinet of this person (None: the operator)."""
    with looking(database) as connection:
        mine = sa.select(accounts.c.id).where(accounts.c.id == account_id, accounts.c.cabinet_id.in_(cabinets_of(user)))
        found = _rows(connection, mine)
    return found[0] if found else None


def _scope(connection: sa.Connection, wanted: AccountFilter) -> list[int] | None:
    """Ids of the cabinets in which the accounts can be; None for all of them."""
    if wanted.user is None and wanted.cabinet is None and not wanted.connector:
        return None
    query = sa.select(cabinets.c.id).order_by(cabinets.c.id)
    if wanted.user is not None:
        query = query.where(cabinets.c.id.in_(cabinets_of(wanted.user)))
    if wanted.cabinet is not None:
        query = query.where(cabinets.c.code == wanted.cabinet)
    if wanted.connector:
        query = query.where(
            cabinets.c.id.in_(sa.select(connectors.c.cabinet_id).where(connectors.c.name == wanted.connector))
        )
    return list(connection.scalars(query))


def _conditions(wanted: AccountFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.dossier is not None:
        named_so = sa.select(dossiers.c.id).where(dossiers.c.reference == wanted.dossier)
        found.append(accounts.c.dossier_id.in_(named_so))
    if wanted.mandate is not None:
        current = sa.select(mandates.c.id).where(mandates.c.account_id == accounts.c.id, mandates.c.current)
        found.append(
            ~_with(current) if wanted.mandate == NO_MANDATE else _with(current.where(mandates.c.step == wanted.mandate))
        )
    if wanted.connector is not None:
        in_force = sa.select(associations.c.id).where(_IN_FORCE)
        named = in_force.join(connectors, connectors.c.id == associations.c.connector_id)
        named = named.where(connectors.c.name == wanted.connector)
        found.append(~_with(in_force) if wanted.connector == NO_CONNECTOR else _with(named))
    return found


def _with(rows: sa.Select[Any]) -> sa.ColumnElement[bool]:
    """Whether an account has such rows; nothing else of what stands around it is meant by their tables."""
    return rows.correlate(accounts).exists()


def _place(connection: sa.Connection, account_id: int, user: str | None) -> Place:
    query = (
        sa.select(
            accounts.c.cabinet_id,
            cabinets.c.code.label("cabinet"),
            dossiers.c.reference.label("dossier"),
            accounts.c.iban,
            accounts.c.id,
        )
        .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
        .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        .where(accounts.c.id == account_id, accounts.c.cabinet_id.in_(cabinets_of(user)))
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound("no such place in the list", subject=str(account_id), remedy="start from the first page")
    return Place(**found._mapping)


def _following(connection: sa.Connection, search: AccountSearch, place: Place, size: int) -> list[AccountRow]:
    """The next accounts after a place, met on a walk."""
    found: list[AccountRow] = []
    if search.scope is None or place.cabinet_id in search.scope:
        found = _rows(connection, search.after_in_cabinet(place, size=size))
    if len(found) < size:
        found += _rows(connection, search.after_cabinet(place, size=size - len(found)))
    return found


def _rows(connection: sa.Connection, ids: sa.Select[Any]) -> list[AccountRow]:
    """The accounts of a few ids, in the order of the list."""
    chosen = ids.subquery()
    query = (
        sa.select(
            accounts.c.id,
            accounts.c.iban,
            accounts.c.currency,
            accounts.c.bank_name,
            dossiers.c.name.label("company"),
            dossiers.c.reference.label("dossier"),
            dossiers.c.siret,
            cabinets.c.code.label("cabinet"),
            mandates.c.step.label("mandate"),
            mandates.c.step_since.label("mandate_since"),
            connectors.c.name.label("connector"),
            accounts.c.closed_at.is_not(None).label("closed"),
        )
        .select_from(chosen)
        .join(accounts, accounts.c.id == chosen.c.id)
        .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
        .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        .outerjoin(mandates, sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current))
        .outerjoin(associations, _IN_FORCE)
        .outerjoin(connectors, connectors.c.id == associations.c.connector_id)
        .order_by(*ORDER)
    )
    return [_row(row) for row in connection.execute(query)]


def _row(row: Any) -> AccountRow:
    fields = dict(row._mapping) | {"mandate": MandateStep(row.mandate) if row.mandate else None}
    return AccountRow(**fields)
