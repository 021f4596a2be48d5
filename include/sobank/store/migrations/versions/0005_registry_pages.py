"""What the pages of the registry show and search: the identity of cabinets, and indexes for a million accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sobank.errors import ConfigurationError

revision = "0005"
down_revision = "0004"

# Small letters without accents, as `store.text_search` makes them: a search for "societe" finds "Société".
_FOLDED = "translate(lower(name), 'ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÑàâäçéèêëîïôöùûüÿñ', 'aaaceeeeiioouuuynaaaceeeeiioouuuyn')"
_SEARCHED = (("accounts", "iban"), ("dossiers", "siret"), ("dossiers", "reference"), ("dossiers", "name_folded"))


def upgrade() -> None:
    """Add what a cabinet says of itself, and what finds an account by a part of its number, company or siret."""
    json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
    op.add_column("cabinets", sa.Column("address", sa.Text(), nullable=True))
    op.add_column(
        "cabinets",
        sa.Column(
            "production_software",
            json,
            nullable=True,
            comment="logiciels de production: a list of names, none if not told",
        ),
    )
    op.create_index(
        op.f("ix_audit_events_subject"), "audit_events", ["subject"], postgresql_ops={"subject": "text_pattern_ops"}
    )
    op.create_index(
        "ix_mandates_current_step", "mandates", ["step", "account_id"],
        sqlite_where=sa.text("current"), postgresql_where=sa.text("current"),
    )  # fmt: skip
    if op.get_bind().dialect.name == "postgresql":
        _add_trigrams()
        # Stored: what an index of trigrams finds is looked at again, and folding a name takes as long as finding it.
        op.execute(f"ALTER TABLE dossiers ADD COLUMN name_folded text GENERATED ALWAYS AS ({_FOLDED}) STORED")
        for table, column in _SEARCHED:
            op.execute(f"CREATE INDEX ix_{table}_{column}_trigrams ON {table} USING gin ({column} gin_trgm_ops)")


def downgrade() -> None:
    """Without them nothing is lost but what cabinets said of themselves; the extension stays, others may use it."""
    if op.get_bind().dialect.name == "postgresql":
        for table, column in _SEARCHED:
            op.drop_index(f"ix_{table}_{column}_trigrams")
        op.drop_column("dossiers", "name_folded")
    op.drop_index("ix_mandates_current_step", table_name="mandates")
    op.drop_index(op.f("ix_audit_events_subject"), table_name="audit_events")
    op.drop_column("cabinets", "production_software")
    op.drop_column("cabinets", "address")


def _add_trigrams() -> None:
    """The owner of a database may create this extension; it comes with PostgreSQL's contrib modules."""
    try:
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.DBAPIError as error:
        said = str(error.orig).partition("\n")[0]
        raise ConfigurationError(
            f"the extension pg_trgm, with which accounts are searched, cannot be created ({said})",
            subject="SOBANK_DATABASE_URL",
            remedy="install PostgreSQL's contrib modules on its server, and let its administrator run"
            " CREATE EXTENSION pg_trgm in this database; then run `sobank init` again",
        ) from error
