"""Circuits of connectors, and the plain bytes of encrypted batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sobank.store import schema

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add what nothing stored so far has."""
    op.add_column(
        "batches",
        sa.Column(
            "plain_sha256",
            sa.LargeBinary(32),
            comment="of the file before it was encrypted; none where it is not",
        ),
    )
    op.create_table(
        "circuits",
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind", sa.Text(), nullable=False, comment="config: a person must act; asked: the partner wants a pause"
        ),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("opened_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", schema.UtcDateTime(timezone=True), nullable=False, comment="from then on one batch may try"),
        sa.Column("faults", sa.Integer(), nullable=False, comment="tries that failed in a row"),
        sa.CheckConstraint("kind IN ('asked', 'config')", name=op.f("ck_circuits_kind")),
        sa.ForeignKeyConstraint(["connector_id"], ["connectors.id"], name=op.f("fk_circuits_connector_id_connectors")),
        sa.PrimaryKeyConstraint("connector_id", name=op.f("pk_circuits")),
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_table("circuits")
    op.drop_column("batches", "plain_sha256")
