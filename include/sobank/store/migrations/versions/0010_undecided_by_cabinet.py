"""What is undecided says of which cabinet it is, so that a shard reads its own statements and no others (DESIGN §7)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the cabinet of each statement's account."""
    op.add_column(
        "undecided", sa.Column("cabinet_id", sa.Integer(), comment="of its account; null where that is unknown")
    )
    op.execute(
        "UPDATE undecided SET cabinet_id = (SELECT a.cabinet_id FROM statements s JOIN accounts a ON a.id = s.account_id"
        " WHERE s.id = undecided.statement_id)"
    )


def downgrade() -> None:
    """Leave it to the account."""
    op.drop_column("undecided", "cabinet_id")
