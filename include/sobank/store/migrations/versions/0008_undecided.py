"""What is undecided stands in a table of its own, so that a decision rewrites no statement; set-wise foreign keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

#: Of a table, the foreign keys that PostgreSQL holds for all rows of a change at once: column → table.
_SET_WISE = {
    "entries": {"statement_id": "statements"},
    "undecided": {"statement_id": "statements"},
    "allocations": {
        "statement_id": "statements",
        "batch_id": "batches",
        "mandate_id": "mandates",
        "association_id": "associations",
    },
}
_REFERRED = sorted({table for keys in _SET_WISE.values() for table in keys.values()})
#: As migration 0001 wrote it, and as it stands in SQLite's own table of definitions.
_FORMER_CHECK = "status IN ('decided', 'pending', 'quarantined', 'rejected')"
_FORMER_COMMENT = "pending → decided; pending ↔ quarantined → rejected"
_COMMENT = "accepted ↔ quarantined → rejected; see undecided"
_CHECK = "status IN ('accepted', 'quarantined', 'rejected')"

_REFERS = """
CREATE FUNCTION refers_set_wise() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at integer := 0;
    missing bigint;
BEGIN
    WHILE at < TG_NARGS LOOP
        EXECUTE format(
            'SELECT a.%1$I FROM added a WHERE a.%1$I IS NOT NULL'
            ' AND NOT EXISTS (SELECT FROM %2$I r WHERE r.id = a.%1$I) LIMIT 1',
            TG_ARGV[at], TG_ARGV[at + 1]) INTO missing;
        IF missing IS NOT NULL THEN
            RAISE foreign_key_violation USING MESSAGE =
                format('%s.%s: %s has no row %s', TG_TABLE_NAME, TG_ARGV[at], TG_ARGV[at + 1], missing);
        END IF;
        at := at + 2;
    END LOOP;
    RETURN NULL;
END $$
"""
_STAYS = """
CREATE FUNCTION stays_while_referred() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    at integer := 0;
    kept bigint;
BEGIN
    WHILE at < TG_NARGS LOOP
        EXECUTE format('SELECT g.id FROM gone g WHERE EXISTS (SELECT FROM %1$I r WHERE r.%2$I = g.id) LIMIT 1',
            TG_ARGV[at], TG_ARGV[at + 1]) INTO kept;
        IF kept IS NOT NULL THEN
            RAISE foreign_key_violation USING MESSAGE =
                format('%s: %s still refers to row %s', TG_TABLE_NAME, TG_ARGV[at], kept);
        END IF;
        at := at + 2;
    END LOOP;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """List the pending statements, call them and the decided ones accepted, then hold foreign keys set by set."""
    on_postgres = op.get_bind().dialect.name == "postgresql"
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    declared = sa.ForeignKeyConstraint(
        ["statement_id"], ["statements.id"], name=op.f("fk_undecided_statement_id_statements")
    )
    op.create_table(
        "undecided",
        sa.Column("statement_id", key, nullable=False),
        *([] if on_postgres else [declared]),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_undecided")),
    )
    op.execute("INSERT INTO undecided SELECT id FROM statements WHERE status = 'pending'")
    _drop_indexes("ix_statements_pending", "uq_statements_identity_on_its_way")
    _rename("CASE WHEN status IN ('pending', 'decided') THEN 'accepted' ELSE status END", _FORMER_CHECK, _CHECK)
    _identity_on_its_way("status = 'accepted'")
    if on_postgres:
        _hold_set_wise()


def downgrade() -> None:
    """Give each statement its former status back, and declare the foreign keys again."""
    if op.get_bind().dialect.name == "postgresql":
        _hold_row_by_row()
    _drop_indexes("uq_statements_identity_on_its_way")
    former = (
        "CASE WHEN status <> 'accepted' THEN status"
        " WHEN id IN (SELECT statement_id FROM undecided) THEN 'pending' ELSE 'decided' END"
    )
    _rename(former, _CHECK, _FORMER_CHECK)
    _identity_on_its_way("status IN ('pending', 'decided')")
    pending = sa.text("status = 'pending'")
    op.create_index(
        "ix_statements_pending",
        "statements",
        ["business_date", "account_id"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.drop_table("undecided")


def _drop_indexes(*names: str) -> None:
    for name in names:
        op.drop_index(name, table_name="statements")


def _identity_on_its_way(where: str) -> None:
    op.create_index(
        "uq_statements_identity_on_its_way",
        "statements",
        ["identity"],
        unique=True,
        sqlite_where=sa.text(where),
        postgresql_where=sa.text(where),
    )


def _rename(status: str, former: str, check: str) -> None:
    """Give every statement its new status under a new CHECK."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        comment = _COMMENT if check == _CHECK else _FORMER_COMMENT
        op.execute(f"COMMENT ON COLUMN statements.status IS '{comment}'")
        op.execute("ALTER TABLE statements DROP CONSTRAINT ck_statements_status")
        op.execute(f"UPDATE statements SET status = {status} WHERE status <> {status}")
        op.execute(f"ALTER TABLE statements ADD CONSTRAINT ck_statements_status CHECK ({check})")
        return
    # SQLite has no other way to change a CHECK but a copy of the table: https://sqlite.org/lang_altertable.html §7.
    (version,) = connection.exec_driver_sql("PRAGMA schema_version").one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = 'statements'"
        " AND instr(sql, ?) > 0",
        (former, check, former),
    ).rowcount
    if changed != 1:
        raise RuntimeError("the CHECK on statements.status is not the one that migration 0001 made")
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")
    connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
    connection.exec_driver_sql(f"UPDATE statements SET status = {status}")
    connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")


def _hold_set_wise() -> None:
    op.execute(_REFERS)
    op.execute(_STAYS)
    for table, keys in _SET_WISE.items():
        for column, referred in keys.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_{column}_{referred}")
        arguments = ", ".join(f"'{column}', '{referred}'" for column, referred in keys.items())
        for change in ("INSERT", "UPDATE"):
            op.execute(
                f"CREATE TRIGGER {table}_refers_on_{change.lower()} AFTER {change} ON {table}"
                f" REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refers_set_wise({arguments})"
            )
    for referred in _REFERRED:
        arguments = ", ".join(f"'{table}', '{column}'" for table, column in _referring(referred))
        op.execute(
            f"CREATE TRIGGER {referred}_stay AFTER DELETE ON {referred} REFERENCING OLD TABLE AS gone"
            f" FOR EACH STATEMENT EXECUTE FUNCTION stays_while_referred({arguments})"
        )


def _hold_row_by_row() -> None:
    for referred in _REFERRED:
        op.execute(f"DROP TRIGGER {referred}_stay ON {referred}")
    for table, keys in _SET_WISE.items():
        for change in ("insert", "update"):
            op.execute(f"DROP TRIGGER {table}_refers_on_{change} ON {table}")
        for column, referred in keys.items():
            op.create_foreign_key(op.f(f"fk_{table}_{column}_{referred}"), table, referred, [column], ["id"])
    op.execute("DROP FUNCTION refers_set_wise")
    op.execute("DROP FUNCTION stays_while_referred")


def _referring(referred: str) -> list[tuple[str, str]]:
    return [(table, column) for table, keys in _SET_WISE.items() for column, to in keys.items() if to == referred]
