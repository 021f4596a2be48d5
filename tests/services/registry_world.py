"""A small registry for tests of its rules: two cabinets, one member of each profile, four accounts, two connectors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from sobank.domain.iban import bban, iban
from sobank.store import schema as t
from sobank.store.database import Database

NOW = datetime(2026, 1, 12, 9, 0, tzinfo=UTC)
ACCOUNTS = ("00000000001", "00000000002", "00000000003", "00000000004")
PROFILES = {"anne": "administrateur", "sam": "superviseur", "cleo": "collaborateur"}


def build(database: Database) -> None:
    """CAB001 (id 1): dossiers D001 (accounts 1, 2), D002 (account 3); CAB002 (id 2): account 4; connectors 1 to 3."""
    with database.write() as c:
        add(c, t.cabinets, [{"code": "CAB001", "name": "Un"}, {"code": "CAB002", "name": "Deux"}])
        add(c, t.memberships, [{"user": u, "cabinet_id": 1, "profile": p} for u, p in PROFILES.items()])
        add(c, t.memberships, [{"user": "zoe", "cabinet_id": 2, "profile": "administrateur"}])
        places = [(1, "D001"), (1, "D002"), (2, "D001")]
        add(c, t.dossiers, [{"cabinet_id": k, "reference": r, "name": f"Société {r}"} for k, r in places])
        rows = []
        for number, dossier in zip(ACCOUNTS, (1, 1, 2, 3), strict=True):
            key = bban("30004", "00001", number)
            cabinet = 2 if dossier == 3 else 1
            rows.append(
                {"cabinet_id": cabinet, "dossier_id": dossier, "iban": iban(key), "bban": key, "currency": "EUR"}
            )
        add(c, t.accounts, rows)
        where = [(1, "fizen"), (1, "fulll"), (2, "inqom")]
        add(c, t.connectors, [{"cabinet_id": k, "partner": n, "name": n, "settings": {}} for k, n in where])


def add(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows as they are."""
    connection.execute(sa.insert(table), list(rows))


def add_batch(database: Database, *, connector_id: int, state: str, fence: int, seq: int = 1) -> None:
    """A batch of connector `connector_id` in a state; `fence` counts its attempts."""
    day = date(2026, 1, 9)
    row = {
        "destination": f"connector:{connector_id}", "kind": "connector", "cabinet_id": 1, "connector_id": connector_id,
        "business_date": day, "seq": seq, "state": state, "object_name": f"n{seq}", "idempotency_key": f"k{seq}",
        "payload_sha256": b"\0" * 32, "payload_size": 1, "n_statements": 1, "n_entries": 0, "n_records": 2,
        "credit": 0, "debit": 0, "first_date": day, "last_date": day, "run_day": day, "sealed_at": NOW, "fence": fence,
        "receipt": {"remote_name": "n"} if state == "delivered" else None,
    }  # fmt: skip
    with database.write() as connection:
        add(connection, t.batches, [row])


def in_force(database: Database) -> dict[int, str]:
    """Connector name by account id, as a reader of the tables sees it."""
    query = (
        sa.select(t.associations.c.account_id, t.connectors.c.name)
        .join(t.connectors, t.connectors.c.id == t.associations.c.connector_id)
        .where(t.associations.c.until.is_(None))
    )
    with database.read() as connection:
        return {row.account_id: row.name for row in connection.execute(query)}


def events(database: Database) -> list[Any]:
    """Every audit event, oldest first."""
    with database.read() as connection:
        return list(connection.execute(sa.select(t.audit_events).order_by(t.audit_events.c.id)))
