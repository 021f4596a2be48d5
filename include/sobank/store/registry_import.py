"""The registry in bulk: what an import looks at and writes, in a few statements whatever its size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.registry import MandateStep
from sobank.store.database import Database
from sobank.store.registry import REGISTRY_LOCK, RegistryChange, in_parts
from sobank.store.schema import accounts, associations, cabinets, connectors, dossiers, mandates, memberships

_TABLES: Final = {
    "cabinets": cabinets,
    "members": memberships,
    "connectors": connectors,
    "dossiers": dossiers,
    "accounts": accounts,
    "mandates": mandates,
}


@dataclass(kw_only=True, slots=True)
class CurrentAccount:
    """An account as it is, with its current mandate and the connector in force; `id`: int, None before it exists."""

    id: Any = None
    fields: dict[str, Any] = field(default_factory=dict)
    mandate_id: int | None = None
    step: MandateStep | None = None
    since: datetime | None = None
    connector_id: int | None = None


@dataclass(kw_only=True, slots=True)
class CurrentCabinet:
    """A cabinet as it is; connectors by name, dossiers by reference: (id, fields); accounts by (bban, currency)."""

    id: int | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    connectors: dict[str, tuple[int | None, dict[str, Any]]] = field(default_factory=dict)
    dossiers: dict[str, tuple[int | None, dict[str, Any]]] = field(default_factory=dict)
    accounts: defaultdict[tuple[str, str], CurrentAccount] = field(default_factory=lambda: defaultdict(CurrentAccount))


class RegistryImporter:
    """Imports into the registry of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def change(self) -> Iterator[RegistryImport]:
        """One import: all of it is committed when the block ends, none of it when the block raises."""
        with self._database.exclusive(REGISTRY_LOCK) as connection:
            yield RegistryImport(connection)


class RegistryImport(RegistryChange):
    """What an import reads and writes within one transaction of the registry."""

    def snapshot(self, codes: Sequence[str]) -> dict[str, CurrentCabinet]:
        """The cabinets of these codes as they are; an empty one where there is none."""
        found = {code: CurrentCabinet() for code in codes}
        by_id: dict[int, CurrentCabinet] = {}
        for part in in_parts(codes):
            for row in self.connection.execute(sa.select(cabinets).where(cabinets.c.code.in_(part))):
                there = by_id[row.id] = found[row.code]
                there.id = row.id
                there.fields = {
                    "name": row.name,
                    "siret": row.siret,
                    "address": row.address,
                    "production_software": row.production_software,
                    "closed": row.closed_at is not None,
                }
        for ids in in_parts(sorted(by_id)):
            self._read_parts(by_id, ids)
            self._read_accounts(by_id, ids)
        return found

    def _read_parts(self, by_id: dict[int, CurrentCabinet], ids: Sequence[int]) -> None:
        for row in self.connection.execute(sa.select(memberships).where(memberships.c.cabinet_id.in_(ids))):
            by_id[row.cabinet_id].members[row.user] = row.profile
        here = sa.select(connectors).where(connectors.c.cabinet_id.in_(ids), connectors.c.deleted_at.is_(None))
        for row in self.connection.execute(here):
            fields = {"partner": row.partner, "connection": row.connection, "settings": row.settings}
            by_id[row.cabinet_id].connectors[row.name] = (row.id, fields)
        for row in self.connection.execute(sa.select(dossiers).where(dossiers.c.cabinet_id.in_(ids))):
            by_id[row.cabinet_id].dossiers[row.reference] = (row.id, {"name": row.name, "siret": row.siret})

    def _read_accounts(self, by_id: dict[int, CurrentCabinet], ids: Sequence[int]) -> None:
        query = (
            sa.select(
                accounts,
                mandates.c.id.label("mandate_id"),
                mandates.c.step,
                mandates.c.step_since,
                associations.c.connector_id,
            )
            .outerjoin(mandates, sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current))
            .outerjoin(
                associations, sa.and_(associations.c.account_id == accounts.c.id, associations.c.until.is_(None))
            )
            .where(accounts.c.cabinet_id.in_(ids))
        )
        for row in self.connection.execute(query):
            by_id[row.cabinet_id].accounts[row.bban, row.currency] = CurrentAccount(
                id=row.id,
                fields={
                    "iban": row.iban,
                    "bank_name": row.bank_name,
                    "dossier_id": row.dossier_id,
                    "closed": row.closed_at is not None,
                },
                mandate_id=row.mandate_id,
                step=MandateStep(row.step) if row.step else None,
                since=row.step_since,
                connector_id=row.connector_id,
            )

    def insert(self, kind: str, rows: Sequence[dict[str, Any]], *, at: datetime) -> list[Any]:
        """Insert rows of a kind; their keys, in order. `closed` becomes the moment `at`."""
        table = _TABLES[kind]
        if kind == "members":
            keys: list[Any] = [{"user": row["user"], "cabinet_id": row["cabinet_id"]} for row in rows]
        else:
            keys = self._new_ids(table, len(rows))
            rows = [row | {"id": key} for row, key in zip(rows, keys, strict=True)]
        for places in _by_columns(rows).values():
            self.connection.execute(sa.insert(table), [_columns(rows[place], at) for place in places])
        return keys

    def _new_ids(self, table: sa.Table, count: int) -> list[int]:
        """Reserve keys before the insert: keys that come back from it would cost one statement a row on SQLite."""
        if self.connection.dialect.name == "sqlite":
            highest = self.connection.scalar(sa.select(sa.func.coalesce(sa.func.max(table.c.id), 0))) or 0
            return list(range(highest + 1, highest + 1 + count))
        sequence = sa.func.pg_get_serial_sequence(table.name, "id")
        rows = sa.func.generate_series(1, count).table_valued("n")
        return list(self.connection.scalars(sa.select(sa.func.nextval(sequence)).select_from(rows)))

    def update(self, kind: str, changes: Sequence[tuple[Any, dict[str, Any]]], *, at: datetime) -> None:
        """Change columns of rows of a kind, each by its key."""
        table = _TABLES[kind]
        for places in _by_columns([fields for _, fields in changes]).values():
            shaped = [(changes[place][0], _columns(changes[place][1], at)) for place in places]
            statement = sa.update(table).values({name: sa.bindparam(f"new_{name}") for name in shaped[0][1]})
            for column in table.primary_key:
                statement = statement.where(column == sa.bindparam(f"key_{column.name}"))
            self.connection.execute(
                statement,
                [
                    {f"new_{name}": value for name, value in fields.items()}
                    | {f"key_{name}": value for name, value in (key if isinstance(key, dict) else {"id": key}).items()}
                    for key, fields in shaped
                ],
            )

    def claimed_twice(self, bbans: Sequence[str]) -> dict[str, list[str]]:
        """Codes of the open cabinets that claim an account, for those of `bbans` that more than one claims (D3)."""
        claims: dict[tuple[str, str], set[str]] = {}
        for part in in_parts(bbans):
            is_open = sa.and_(accounts.c.closed_at.is_(None), cabinets.c.closed_at.is_(None))
            query = sa.select(accounts.c.bban, accounts.c.currency, cabinets.c.code).join(cabinets)
            for row in self.connection.execute(query.where(accounts.c.bban.in_(part), is_open)):
                claims.setdefault((row.bban, row.currency), set()).add(row.code)
        return {bban: sorted(codes) for (bban, _), codes in claims.items() if len(codes) > 1}


def _by_columns(rows: Sequence[dict[str, Any]]) -> dict[frozenset[str], list[int]]:
    """Places of the rows that name the same columns: one statement each."""
    found: dict[frozenset[str], list[int]] = {}
    for place, row in enumerate(rows):
        found.setdefault(frozenset(row), []).append(place)
    return found


def _columns(fields: dict[str, Any], at: datetime) -> dict[str, Any]:
    if "closed" not in fields:
        return fields
    return {key: value for key, value in fields.items() if key != "closed"} | {
        "closed_at": at if fields["closed"] else None
    }
