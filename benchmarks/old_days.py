"""Days that were delivered before a seeded day: made in SQL out of the day itself, for the same accounts.

Each is the day again, so many days earlier, with identities and digests of its own: received, decided, delivered. No
row of `undecided` is theirs. They stand before the day in every table, as they would after those days.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from sobank.store import schema
from sobank.store.database import Database

#: Rows of the day that are put aside, then stand again behind those that were before it.
_ASIDE: Final = ("statements", "entries", "undecided")
_MOMENT: Final = "(CAST(s.run_day AS timestamp) + interval '1 day 6 hours') AT TIME ZONE 'UTC'"
_LOTS: Final = """
    CREATE TEMPORARY TABLE lots AS
    SELECT row_number() OVER (ORDER BY c.id, x.connector_id NULLS LAST) AS number, c.id AS cabinet_id, x.connector_id,
           CASE WHEN x.connector_id IS NULL THEN 'global:' || c.code
                ELSE 'connector:' || c.code || '/' || min(k.name) END AS destination,
           CASE WHEN x.connector_id IS NULL THEN 'global' ELSE 'connector' END AS kind,
           count(*) AS n_statements, sum(t.n_entries) AS n_entries, sum(t.n_records) AS n_records,
           sum(t.credit) AS credit, sum(t.debit) AS debit, min(t.business_date) AS day
      FROM aside_statements t
      JOIN accounts a ON a.id = t.account_id
      JOIN cabinets c ON c.id = a.cabinet_id
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
      LEFT JOIN connectors k ON k.id = x.connector_id
     GROUP BY c.id, x.connector_id
"""
_ALLOCATED: Final = """
    SELECT t.id, l.number, m.id AS mandate_id, x.id AS association_id, l.day AS run_day
      FROM aside_statements t
      JOIN accounts a ON a.id = t.account_id
      JOIN mandates m ON m.account_id = a.id AND m.current
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
      JOIN lots l ON l.cabinet_id = a.cabinet_id AND l.connector_id IS NOT DISTINCT FROM x.connector_id
"""


def add_old_days(database: Database, days: int) -> None:
    """Put `days` delivered days before the one that a PostgreSQL database holds, undecided, and nothing else.

    Raises:
        ValueError: there is not what was to be there.
    """
    with database.engine.begin() as connection:
        # What the triggers hold true is true by construction; row by row they would take an hour.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        _put_aside(connection)
        _history(connection, days)
        _put_back(connection, days)
        _verify(connection, days)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE, FREEZE)")


def _put_aside(connection: sa.Connection) -> None:
    for table in _ASIDE:
        connection.exec_driver_sql(f"CREATE TEMPORARY TABLE aside_{table} AS SELECT * FROM {table}")  # noqa: S608  our own names
    connection.exec_driver_sql(f"TRUNCATE {', '.join(_ASIDE)} CASCADE")
    connection.exec_driver_sql(_LOTS)


def _history(connection: sa.Connection, days: int) -> None:
    """Rows are numbered in order of days, so that the day itself comes last."""
    statements, lots = _count(connection, "aside_statements"), _count(connection, "lots")
    moved = {name: f"s.{name} - d" for name in ("business_date", "due_date", "opening_date", "closing_date")}
    place = f"({days} - d) * {statements} + s."
    _insert(
        connection, schema.statements, "aside_statements s", days, **moved,
        id=f"{place}id", identity="sha256(s.identity || int4send(d))",
        content_sha256="sha256(s.content_sha256 || int4send(d))",
    )  # fmt: skip
    _insert(
        connection, schema.entries, "aside_entries s", days,
        statement_id=f"{place}statement_id", booking_date="s.booking_date - d", value_date="s.value_date - d",
    )  # fmt: skip
    _insert(
        connection, schema.batches, "(SELECT *, day AS run_day FROM lots) s", days,
        id=f"({days} - d) * {lots} + s.number", business_date="s.day - d", seq="1", state="'delivered'",
        object_name="s.destination || '-' || (s.day - d)", idempotency_key="s.destination || '-' || (s.day - d)",
        payload_sha256="sha256(convert_to(s.destination || d, 'UTF8'))", payload_size="s.n_records * 122",
        plain_sha256="NULL", first_date="s.day - d", last_date="s.day - d", run_day="s.day - d",
        sealed_at=f"{_MOMENT} - d * interval '1 day'", fence="1", lease_until="NULL", staging="NULL",
        receipt="jsonb_build_object('name', s.destination || '-' || (s.day - d), 'size', s.n_records * 122)",
        reason="NULL",
    )  # fmt: skip
    _insert(
        connection, schema.allocations, f"({_ALLOCATED}) s", days, statement_id=f"{place}id",
        batch_id=f"({days} - d) * {lots} + s.number", decided_at=f"{_MOMENT} - d * interval '1 day'",
    )  # fmt: skip
    _insert(
        connection, schema.attempts, "(SELECT id AS batch_id, sealed_at FROM batches) s", 1, batch_id="s.batch_id",
        fence="1", worker="'bench'", started_at="s.sealed_at", ended_at="s.sealed_at", outcome="'delivered'",
        message="NULL",
    )  # fmt: skip


def _put_back(connection: sa.Connection, days: int) -> None:
    further = days * _count(connection, "aside_statements")
    for table in _ASIDE:
        key = "id" if table == "statements" else "statement_id"
        _insert(connection, schema.metadata.tables[table], f"aside_{table} s", 1, **{key: f"s.{key} + {further}"})
    for table in ("statements", "batches"):
        last = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608  likewise
        connection.exec_driver_sql(last)


def _verify(connection: sa.Connection, days: int) -> None:
    each = _count(connection, "aside_statements")
    rows = {"statements": each * (days + 1), "undecided": each, "allocations": each * days}
    rows |= {"entries": _count(connection, "aside_entries") * (days + 1), "batches": _count(connection, "lots") * days}
    if (found := {table: _count(connection, table) for table in rows}) != rows:
        raise ValueError(f"{found} were made, {rows} were to be")


def _insert(connection: sa.Connection, table: sa.Table, source: str, days: int, **over: str) -> None:
    """Every row of a source `s` once a day `d`, the oldest first; columns that are not said otherwise as they are."""
    columns = [column.name for column in table.c]
    values = ", ".join(over.get(name, f's."{name}"') for name in columns)
    named = ", ".join(f'"{name}"' for name in columns)
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({named}) SELECT {values}"  # noqa: S608  columns of the schema
        f" FROM generate_series({days}, 1, -1) AS d CROSS JOIN {source}"
    )


def _count(connection: sa.Connection, table: str) -> int:
    return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())  # noqa: S608  our own names
