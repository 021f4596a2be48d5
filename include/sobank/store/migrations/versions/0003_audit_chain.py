"""Audit events chained by hash; those that there are already are chained in their order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sobank.domain.audit_chain import START, event_hash
from sobank.store import schema

revision = "0003"
down_revision = "0002"

_ROWS_AT_ONCE = 5_000
_FORMER = "audit_events_former"


def upgrade() -> None:
    """Copy the events into a table whose rows have a hash, numbered without holes, and put the head beside it."""
    _set_former_aside()
    chained = op.create_table(
        "audit_events",
        *_columns(),
        sa.Column(
            "hash",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="over the fields and the hash of the event before (A13)",
        ),
        *_constraints(),
    )
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False, comment="of the last event"),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    events, last = _copy(chained, hashed=True)
    op.get_bind().execute(sa.insert(head).values(id=1, events=events, hash=last))
    _finish()


def downgrade() -> None:
    """Keep the events, forget the chain."""
    _set_former_aside()
    plain = op.create_table("audit_events", *_columns(autoincrement=True), *_constraints())
    events, _ = _copy(plain, hashed=False)
    if op.get_bind().dialect.name == "postgresql" and events:
        op.execute(f"SELECT setval(pg_get_serial_sequence('audit_events', 'id'), {int(events)})")
    _finish()
    op.drop_table("audit_head")


def _set_former_aside() -> None:
    op.drop_index(op.f("ix_audit_events_cabinet_id"), table_name="audit_events")
    op.rename_table("audit_events", _FORMER)
    if op.get_bind().dialect.name == "postgresql":
        # Names of constraints, indexes and sequences belong to the schema: the new table wants them.
        op.execute(f"ALTER TABLE {_FORMER} RENAME CONSTRAINT pk_audit_events TO pk_{_FORMER}")
        op.execute(f"ALTER TABLE {_FORMER} RENAME CONSTRAINT fk_audit_events_cabinet_id_cabinets TO fk_{_FORMER}")
        op.execute(f"ALTER SEQUENCE IF EXISTS audit_events_id_seq RENAME TO {_FORMER}_id_seq")


def _columns(*, autoincrement: bool = False) -> list[sa.Column[object]]:
    json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return [
        sa.Column("id", key, autoincrement=autoincrement, nullable=False),
        sa.Column("at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="kind:key, IBANs masked"),
        sa.Column("cabinet_id", sa.Integer(), nullable=True),
        sa.Column("before", json, nullable=True),
        sa.Column("after", json, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
    ]


def _constraints() -> list[sa.Constraint]:
    return [
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_audit_events_cabinet_id_cabinets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    ]


def _copy(table: sa.Table, *, hashed: bool) -> tuple[int, bytes]:
    """Copy the former events in their order, numbered from 1; how many there are, and the hash of the last."""
    connection = op.get_bind()
    former = sa.Table(_FORMER, sa.MetaData(), *_columns())
    seen, number, last = -(2**62), 0, START
    while rows := [
        dict(row)
        for row in connection.execute(
            sa.select(former).where(former.c.id > seen).order_by(former.c.id).limit(_ROWS_AT_ONCE)
        ).mappings()
    ]:
        seen = rows[-1]["id"]
        for row in rows:
            number += 1
            row["id"] = number
            if hashed:
                row["hash"] = last = event_hash(last, row)
        connection.execute(sa.insert(table), rows)
    return number, last


def _finish() -> None:
    """Drop the former table; then what refuses changes, as it was before."""
    op.drop_table(_FORMER)
    op.create_index(op.f("ix_audit_events_cabinet_id"), "audit_events", ["cabinet_id"], unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events"
            " EXECUTE FUNCTION audit_events_are_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_no_{change.lower()} BEFORE {change} ON audit_events"
            " BEGIN SELECT RAISE(ABORT, 'audit events are append-only (A13)'); END"
        )
