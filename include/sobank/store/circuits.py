"""Circuits of connectors in our database. Opening and closing one are audit events; a pause asked for is not."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sobank.domain.circuit import Circuit, CircuitKind, asked_pause, config_pause
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.schema import cabinets, circuits, connectors


class Circuits:
    """Which connectors are left alone. Every method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Circuit]:
        """Every circuit that stands, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(circuits).order_by(circuits.c.opened_at, circuits.c.connector_id))
            return [circuit_of(row) for row in rows]

    def enter(self, connector_id: int, *, now: datetime) -> Circuit | None:
        """The circuit that keeps a worker away, or None: go. Of several that come when the pause is over, one goes.

        Whoever is let through a circuit pushes its `until` on first, so that others stay away while he tries.
        """
        with self._database.read() as connection:
            row = connection.execute(_one(connector_id)).one_or_none()
        if row is None:
            return None
        found = circuit_of(row)
        if found.until > now:
            return found
        with self._database.write() as connection:
            mine = connection.execute(
                sa.update(circuits)
                .where(circuits.c.connector_id == connector_id, circuits.c.until == found.until)
                .values(until=now + config_pause(found.faults))
            )
        return None if mine.rowcount == 1 else found

    def open(self, connector_id: int, *, cause: str, worker: str, now: datetime) -> bool:
        """A fault of configuration: leave the connector alone; whether this opened it (then give one alert)."""
        with self._database.write() as connection:
            there = _there(connection, connector_id, now)
            known = there.kind == CircuitKind.CONFIG
            faults = there.faults + 1 if known else 1
            values = {"kind": CircuitKind.CONFIG, "cause": cause, "until": now + config_pause(faults), "faults": faults}
            if not known:
                values["opened_at"] = now
                _event(connection, connector_id, "circuit.open", actor=worker, role=None, reason=cause, now=now)
            connection.execute(sa.update(circuits).where(circuits.c.connector_id == connector_id).values(**values))
        return not known

    def rest(self, connector_id: int, *, seconds: float, cause: str, now: datetime) -> None:
        """The partner asks for a pause; a circuit that is open for a fault stays what it is."""
        with self._database.write() as connection:
            if _there(connection, connector_id, now).kind == CircuitKind.ASKED:
                values = {"cause": cause, "until": now + asked_pause(seconds), "faults": 1}
                connection.execute(sa.update(circuits).where(circuits.c.connector_id == connector_id).values(**values))

    def close(
        self,
        connector_id: int,
        *,
        actor: str,
        reason: str,
        now: datetime,
        role: str | None = None,
        opened_at: datetime | None = None,
    ) -> Circuit | None:
        """Something arrived, or a person says that it will: the circuit that stood, if there was one.

        Args:
            opened_at: only the circuit that was opened then; another one was opened since, for a reason of its own.
        """
        mine = circuits.c.connector_id == connector_id
        if opened_at is not None:
            mine = sa.and_(mine, circuits.c.opened_at == opened_at)
        with self._database.write() as connection:
            gone = connection.execute(sa.delete(circuits).where(mine).returning(*circuits.c)).one_or_none()
            if gone is None:
                return None
            if gone.kind == CircuitKind.CONFIG:
                _event(connection, connector_id, "circuit.close", actor=actor, role=role, reason=reason, now=now)
        return circuit_of(gone)


def _one(connector_id: int) -> sa.Select[Any]:
    return sa.select(circuits).where(circuits.c.connector_id == connector_id)


def _there(connection: sa.Connection, connector_id: int, now: datetime) -> sa.Row[Any]:
    """The row, locked; made first where there is none, so that two who come at once do not both make one."""
    new = {"kind": CircuitKind.ASKED, "cause": "", "opened_at": now, "until": now, "faults": 0}
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(circuits).values(connector_id=connector_id, **new).on_conflict_do_nothing())
    return connection.execute(_one(connector_id).with_for_update()).one()


def circuit_of(row: sa.Row[Any]) -> Circuit:
    """A row that has the columns of the table."""
    return Circuit(
        connector_id=row.connector_id, kind=CircuitKind(row.kind), cause=row.cause, opened_at=row.opened_at,
        until=row.until, faults=row.faults,
    )  # fmt: skip


def _event(
    connection: sa.Connection,
    connector_id: int,
    action: str,
    *,
    actor: str,
    role: str | None,
    reason: str,
    now: datetime,
) -> None:
    of = sa.select(connectors.c.name, connectors.c.cabinet_id, cabinets.c.code).join(
        cabinets, cabinets.c.id == connectors.c.cabinet_id
    )
    row = connection.execute(of.where(connectors.c.id == connector_id)).one()
    audit.record(
        connection,
        at=now,
        actor=actor,
        role=role,
        action=action,
        subject=f"connector:{row.code}/{row.name}",
        before=None,
        after=None,
        cabinet_id=row.cabinet_id,
        reason=reason,
    )
