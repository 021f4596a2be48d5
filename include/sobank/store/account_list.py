"""The list of accounts (A9): searched, filtered, in pages of bounded size, within what a person may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.registry import MandateStep
from sobank.store.database import Database
from sobank.store.schema import accounts, associations, cabinets, connectors, dossiers, mandates, memberships

MAX_PAGE: Final = 200
#: Filters for "no mandate was ever started" and "Aucun connecteur".
NO_MANDATE: Final = "none"
NO_CONNECTOR: Final = ""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountFilter:
    """What to look for. None leaves a filter out; `mandate` a step or NO_MANDATE; `connector` a name or NO_CONNECTOR.

    search: part of an IBAN, a company's name or a siret. user: only cabinets of which this person is a member; None is
    the operator of the installation, who sees every cabinet.
    """

    user: str | None
    search: str = ""
    cabinet: str | None = None
    mandate: str | None = None
    connector: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountPage:
    """One page, 1-based, of `total` accounts."""

    rows: tuple[AccountRow, ...]
    total: int
    page: int
    size: int


def account_page(database: Database, wanted: AccountFilter, *, page: int = 1, size: int = 50) -> AccountPage:
    """The accounts of a filter by cabinet, dossier and IBAN; `size` is held between 1 and MAX_PAGE."""
    size, page = max(1, min(size, MAX_PAGE)), max(1, page)
    found = _joined().where(*_conditions(wanted))
    ordered = found.order_by(cabinets.c.code, dossiers.c.reference, accounts.c.iban, accounts.c.id)
    with database.read() as connection:
        total = connection.scalar(sa.select(sa.func.count()).select_from(found.subquery())) or 0
        rows = connection.execute(ordered.limit(size).offset((page - 1) * size)).all()
    return AccountPage(rows=tuple(_row(row) for row in rows), total=total, page=page, size=size)


def _joined() -> sa.Select[Any]:
    return (
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
        .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
        .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        .outerjoin(mandates, sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current))
        .outerjoin(associations, sa.and_(associations.c.account_id == accounts.c.id, associations.c.until.is_(None)))
        .outerjoin(connectors, connectors.c.id == associations.c.connector_id)
    )


def _conditions(wanted: AccountFilter) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.user is not None:
        theirs = sa.select(memberships.c.cabinet_id).where(memberships.c.user == wanted.user)
        found.append(accounts.c.cabinet_id.in_(theirs))
    if text := wanted.search.strip():
        packed = text.replace(" ", "")
        found.append(
            sa.or_(
                accounts.c.iban.contains(packed.upper(), autoescape=True),
                dossiers.c.name.icontains(text, autoescape=True),
                dossiers.c.siret.contains(packed, autoescape=True),
            )
        )
    if wanted.cabinet is not None:
        found.append(cabinets.c.code == wanted.cabinet)
    if wanted.mandate is not None:
        found.append(mandates.c.step.is_(None) if wanted.mandate == NO_MANDATE else mandates.c.step == wanted.mandate)
    if wanted.connector is not None:
        name = connectors.c.name
        found.append(name.is_(None) if wanted.connector == NO_CONNECTOR else name == wanted.connector)
    return found


def _row(row: Any) -> AccountRow:
    fields = dict(row._mapping) | {"mandate": MandateStep(row.mandate) if row.mandate else None}
    return AccountRow(**fields)
