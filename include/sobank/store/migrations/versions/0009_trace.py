"""What the database knows of its trace: its lineage, and the departures that it has recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Begin with the first lineage and no departures."""
    op.create_table(
        "lineage",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_lineage")),
    )
    op.execute("INSERT INTO lineage VALUES (1)")
    op.create_table(
        "departures",
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_departures")),
    )


def downgrade() -> None:
    """Forget both."""
    op.drop_table("departures")
    op.drop_table("lineage")
