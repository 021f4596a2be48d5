"""An index that finds the batches of a cabinet among those of every cabinet and day."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """What a member sees of deliveries is of his cabinets, by date."""
    op.create_index("ix_batches_cabinet", "batches", ["cabinet_id", "business_date"], unique=False)


def downgrade() -> None:
    """Without it they are found more slowly."""
    op.drop_index("ix_batches_cabinet", table_name="batches")
