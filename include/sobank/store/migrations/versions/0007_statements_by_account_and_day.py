"""The index of the statements of an account knows their days: a cabinet's days are found without reading its years."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """*Relevés* asks for the days of all accounts of a cabinet, and for what came on some of them."""
    op.create_index("ix_statements_account", "statements", ["account_id", "business_date"], unique=False)
    op.drop_index(op.f("ix_statements_account_id"), table_name="statements")


def downgrade() -> None:
    """Without it they are found more slowly, the more so the longer the history."""
    op.create_index(op.f("ix_statements_account_id"), "statements", ["account_id"], unique=False)
    op.drop_index("ix_statements_account", table_name="statements")
