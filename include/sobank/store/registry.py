"""The registry in our database: one change at a time, with the rows that the rules look at (A2–A6, A13).

`Registry.change()` is one transaction under one lock: two persons never change the registry at the same moment.
Connectors are marked deleted, never removed: a batch that was attempted is finished through its connector (D7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from sobank.domain.delivery import FINAL_STATES
from sobank.domain.registry import Profile
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.schema import (
    accounts,
    associations,
    batches,
    cabinets,
    connectors,
    dossiers,
    memberships,
)

_T = TypeVar("_T")
REGISTRY_LOCK: Final = "registry"
#: Bound of one IN list: SQLite takes 32,766 parameters.
IDS_AT_ONCE: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class CabinetRow:
    """A cabinet; `closed` once closed_at is set."""

    id: int
    code: str
    name: str
    closed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectorRow:
    """A connector that is on its cabinet. `connection`: id of an Airflow connection, None for the folder sink."""

    id: int
    cabinet_id: int
    partner: str
    name: str
    connection: str | None
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociatedAccount:
    """An account and the connector in force for it, None where it has none."""

    id: int
    iban: str
    closed: bool
    connector_id: int | None
    connector: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """What hangs on a connector: accounts associated; batches not final, of which those attempted."""

    accounts: int
    open_batches: int
    attempted_batches: int


class Registry:
    """The registry of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def change(self) -> Iterator[RegistryChange]:
        """One change: all of it is committed when the block ends, none of it when the block raises."""
        with self._database.exclusive(REGISTRY_LOCK) as connection:
            yield RegistryChange(connection)


class RegistryChange:
    """What a service reads and writes within one transaction of the registry."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    def cabinet(self, code: str) -> CabinetRow | None:
        """The cabinet of that code, None where there is none."""
        row = self.connection.execute(sa.select(cabinets).where(cabinets.c.code == code)).one_or_none()
        if row is None:
            return None
        return CabinetRow(id=row.id, code=row.code, name=row.name, closed=row.closed_at is not None)

    def profile(self, user: str, cabinet_id: int) -> Profile | None:
        """Profile of a user on a cabinet, None where the user is no member."""
        found = self.connection.scalar(
            sa.select(memberships.c.profile).where(memberships.c.user == user, memberships.c.cabinet_id == cabinet_id)
        )
        return Profile(found) if found else None

    def connectors(self, cabinet_id: int) -> list[ConnectorRow]:
        """The connectors on a cabinet, by name."""
        found = self.connection.execute(
            sa.select(connectors)
            .where(connectors.c.cabinet_id == cabinet_id, connectors.c.deleted_at.is_(None))
            .order_by(connectors.c.name)
        )
        return [
            ConnectorRow(
                id=row.id,
                cabinet_id=row.cabinet_id,
                partner=row.partner,
                name=row.name,
                connection=row.connection,
                settings=row.settings,
            )
            for row in found
        ]

    def add_connector(
        self, cabinet_id: int, *, partner: str, name: str, connection: str | None, settings: Mapping[str, Any]
    ) -> int:
        """Put a connector on a cabinet; its id."""
        added = sa.insert(connectors).returning(connectors.c.id)
        values = {"cabinet_id": cabinet_id, "partner": partner, "name": name, "connection": connection}
        id_: int = self.connection.execute(added, values | {"settings": dict(settings)}).scalar_one()
        return id_

    def delete_connector(self, connector_id: int, *, at: datetime) -> None:
        """Take a connector off its cabinet."""
        self.connection.execute(sa.update(connectors).where(connectors.c.id == connector_id).values(deleted_at=at))

    def usage(self, connector_id: int) -> Usage:
        """What hangs on a connector. Open batches are locked, so that none is attempted before this change ends."""
        associated = sa.select(sa.func.count()).where(
            associations.c.connector_id == connector_id, associations.c.until.is_(None)
        )
        fences = self.connection.scalars(
            sa.select(batches.c.fence)
            .where(batches.c.connector_id == connector_id, batches.c.state.not_in(FINAL_STATES))
            .with_for_update()
        ).all()
        return Usage(
            accounts=self.connection.scalar(associated) or 0,
            open_batches=len(fences),
            attempted_batches=sum(fence > 0 for fence in fences),
        )

    def accounts(
        self, cabinet_id: int, *, ids: Iterable[int] | None = None, dossier: str | None = None
    ) -> list[AssociatedAccount]:
        """Accounts of a cabinet by id: those of `ids`, those of the dossier of that reference, or all of them."""
        chosen = _accounts_of(cabinet_id)
        if dossier is not None:
            chosen = chosen.where(dossiers.c.reference == dossier)
        if ids is None:
            rows: list[Any] = list(self.connection.execute(chosen))
        else:
            parts = in_parts(sorted(set(ids)))
            rows = [row for part in parts for row in self.connection.execute(chosen.where(accounts.c.id.in_(part)))]
        return [AssociatedAccount(**row._mapping) for row in rows]

    def accounts_of_connector(self, cabinet_id: int, connector_id: int) -> list[AssociatedAccount]:
        """Accounts of a cabinet that are associated with one of its connectors."""
        found = self.connection.execute(_accounts_of(cabinet_id).where(associations.c.connector_id == connector_id))
        return [AssociatedAccount(**row._mapping) for row in found]

    def dissociate(self, account_ids: Sequence[int], *, at: datetime) -> None:
        """Close the associations in force of these accounts; one that began later than `at` ends as it begins."""
        ended = sa.case((associations.c.since > at, associations.c.since), else_=sa.bindparam("at", at))
        for part in in_parts(account_ids):
            self.connection.execute(
                sa.update(associations)
                .where(associations.c.account_id.in_(part), associations.c.until.is_(None))
                .values(until=ended)
            )

    def associate(self, account_ids: Sequence[int], connector_id: int, *, at: datetime, actor: str) -> None:
        """Open an association of each account with the connector; none of them may have one in force."""
        shared = {"connector_id": connector_id, "since": at, "decided_by": actor}
        for part in in_parts(account_ids):
            self.connection.execute(sa.insert(associations), [{"account_id": id_} | shared for id_ in part])

    def record(self, events: Sequence[Mapping[str, Any]], *, at: datetime, actor: str, role: str) -> None:
        """Add audit events (A13); see `store.audit.record_many`."""
        audit.record_many(self.connection, events, at=at, actor=actor, role=role)


def in_parts(ids: Sequence[_T]) -> Iterator[Sequence[_T]]:
    """Slices that one statement can take as parameters."""
    return (ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE))


def _accounts_of(cabinet_id: int) -> sa.Select[Any]:
    in_force = sa.and_(associations.c.account_id == accounts.c.id, associations.c.until.is_(None))
    return (
        sa.select(
            accounts.c.id,
            accounts.c.iban,
            accounts.c.closed_at.is_not(None).label("closed"),
            associations.c.connector_id,
            connectors.c.name.label("connector"),
        )
        .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
        .outerjoin(associations, in_force)
        .outerjoin(connectors, connectors.c.id == associations.c.connector_id)
        .where(accounts.c.cabinet_id == cabinet_id)
        .order_by(accounts.c.id)
    )
