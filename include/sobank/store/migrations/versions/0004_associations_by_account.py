"""An index that finds the associations of an account, ended ones too, among those of a million."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Diagnosis and the history of an account read them; the partial index knows only those in force."""
    op.create_index(op.f("ix_associations_account_id"), "associations", ["account_id"], unique=False)


def downgrade() -> None:
    """Without it they are found more slowly."""
    op.drop_index(op.f("ix_associations_account_id"), table_name="associations")
