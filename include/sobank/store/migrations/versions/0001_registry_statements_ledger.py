"""The registry, the statements and the delivery ledger, as first released."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from sobank.store import schema

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create every table, then what only SQL can say: append-only events, compression."""
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        _only_on_postgresql()
    else:
        _only_on_sqlite()


def _only_on_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION audit_events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit events are append-only (A13)'; END $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_events"
        " EXECUTE FUNCTION audit_events_are_append_only()"
    )
    # Canonical records compress three times; lz4 reads twice as fast as the default, where built in.
    op.execute(
        """
        DO $$ BEGIN ALTER TABLE statements ALTER COLUMN records SET COMPRESSION lz4;
        EXCEPTION WHEN feature_not_supported THEN NULL; END $$
        """
    )


def _only_on_sqlite() -> None:
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_events_no_{change.lower()} BEFORE {change} ON audit_events"
            " BEGIN SELECT RAISE(ABORT, 'audit events are append-only (A13)'); END"
        )


def _create_tables() -> None:
    op.create_table(
        "bank_files",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "sha256",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="the same bytes under two names are one file (S15)",
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "received_on", sa.Date(), nullable=True, comment="Paris day in the file's own name, where it has one (D2)"
        ),
        sa.Column("ingested_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("records_total", sa.BigInteger(), nullable=False),
        sa.Column("records_parsed", sa.BigInteger(), nullable=False),
        sa.Column("records_blank", sa.BigInteger(), nullable=False),
        sa.Column("records_refused", sa.BigInteger(), nullable=False),
        sa.Column("statements", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "records_total = records_parsed + records_blank + records_refused",
            name=op.f("ck_bank_files_every_record_accounted_for"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_files")),
        sa.UniqueConstraint("sha256", name=op.f("uq_bank_files_sha256")),
    )
    op.create_table(
        "cabinets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False, comment="client number; part of file names: [A-Z0-9-]"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=True),
        sa.Column("closed_at", schema.UtcDateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cabinets")),
        sa.UniqueConstraint("code", name=op.f("uq_cabinets_code")),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="kind:key, IBANs masked"),
        sa.Column("cabinet_id", sa.Integer(), nullable=True),
        sa.Column(
            "before",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column(
            "after",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_audit_events_cabinet_id_cabinets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index(op.f("ix_audit_events_cabinet_id"), "audit_events", ["cabinet_id"], unique=False)
    op.create_table(
        "bank_file_names",
        sa.Column("bank_file_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seen_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["bank_file_id"], ["bank_files.id"], name=op.f("fk_bank_file_names_bank_file_id_bank_files")
        ),
        sa.PrimaryKeyConstraint("bank_file_id", "name", name=op.f("pk_bank_file_names")),
    )
    op.create_table(
        "connectors",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cabinet_id", sa.Integer(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False, comment="code in the catalogue of partners (A1)"),
        sa.Column(
            "name", sa.Text(), nullable=False, comment="distinguishes two connectors of one partner on one cabinet"
        ),
        sa.Column(
            "connection",
            sa.Text(),
            nullable=True,
            comment="id of the Airflow connection; none for the folder sink's default",
        ),
        sa.Column(
            "settings",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("deleted_at", schema.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_connectors_cabinet_id_cabinets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connectors")),
    )
    op.create_index(op.f("ix_connectors_cabinet_id"), "connectors", ["cabinet_id"], unique=False)
    op.create_index(
        "uq_connectors_on_cabinet",
        "connectors",
        ["cabinet_id", "name"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "dossiers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cabinet_id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("siret", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_dossiers_cabinet_id_cabinets")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dossiers")),
        sa.UniqueConstraint("cabinet_id", "reference", name=op.f("uq_dossiers_cabinet_id_reference")),
    )
    op.create_table(
        "memberships",
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("cabinet_id", sa.Integer(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "profile IN ('administrateur', 'collaborateur', 'superviseur')", name=op.f("ck_memberships_profile")
        ),
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_memberships_cabinet_id_cabinets")),
        sa.PrimaryKeyConstraint("user", "cabinet_id", name=op.f("pk_memberships")),
    )
    op.create_table(
        "refusals",
        sa.Column("bank_file_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.BigInteger(), nullable=False, comment="1-based"),
        sa.Column("offset", sa.BigInteger(), nullable=False, comment="bytes from the start of the file"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["bank_file_id"], ["bank_files.id"], name=op.f("fk_refusals_bank_file_id_bank_files")),
        sa.PrimaryKeyConstraint("bank_file_id", "record", name=op.f("pk_refusals")),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cabinet_id", sa.Integer(), nullable=False),
        sa.Column("dossier_id", sa.Integer(), nullable=False),
        sa.Column("iban", sa.Text(), nullable=False),
        sa.Column("bban", sa.Text(), nullable=False, comment="23 characters: what France and Monaco share (S13)"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("bank_name", sa.Text(), nullable=True),
        sa.Column("closed_at", schema.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_accounts_cabinet_id_cabinets")),
        sa.ForeignKeyConstraint(["dossier_id"], ["dossiers.id"], name=op.f("fk_accounts_dossier_id_dossiers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("bban", "currency", "cabinet_id", name=op.f("uq_accounts_bban_currency_cabinet_id")),
    )
    op.create_index(op.f("ix_accounts_cabinet_id"), "accounts", ["cabinet_id"], unique=False)
    op.create_index(op.f("ix_accounts_dossier_id"), "accounts", ["dossier_id"], unique=False)
    op.create_table(
        "batches",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False, comment="connector:<cabinet>/<name> or global:<cabinet>"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cabinet_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=True),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False, comment="sealed → sending → delivered | uncertain | held…"),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("payload_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("payload_size", sa.BigInteger(), nullable=False),
        sa.Column("n_statements", sa.Integer(), nullable=False),
        sa.Column("n_entries", sa.BigInteger(), nullable=False),
        sa.Column("n_records", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("first_date", sa.Date(), nullable=False),
        sa.Column("last_date", sa.Date(), nullable=False),
        sa.Column("run_day", sa.Date(), nullable=False, comment="business day of the run that sealed it"),
        sa.Column("sealed_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", schema.UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "staging",
            sa.Text(),
            nullable=True,
            comment="the one verified staging name that may be published (DESIGN §6)",
        ),
        sa.Column(
            "receipt",
            sa.JSON(none_as_null=True).with_variant(
                postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
            ),
            nullable=True,
            comment="remote name, size, sha256, moment, the partner's answer",
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="why held, rejected or cancelled"),
        sa.CheckConstraint("(kind = 'connector') = (connector_id IS NOT NULL)", name=op.f("ck_batches_kind")),
        sa.CheckConstraint("state <> 'cancelled' OR fence = 0", name=op.f("ck_batches_cancelled_before_any_attempt")),
        sa.CheckConstraint(
            "state <> 'delivered' OR receipt IS NOT NULL", name=op.f("ck_batches_delivered_has_a_receipt")
        ),
        sa.CheckConstraint(
            "state IN ('cancelled', 'delivered', 'held', 'rejected', 'sealed', 'sending', 'uncertain')",
            name=op.f("ck_batches_state"),
        ),
        sa.CheckConstraint(
            "state IN ('sealed', 'cancelled') OR fence > 0", name=op.f("ck_batches_attempted_has_a_fence")
        ),
        sa.CheckConstraint("n_statements > 0 AND seq > 0", name=op.f("ck_batches_not_empty")),
        sa.CheckConstraint("staging IS NULL OR fence > 0", name=op.f("ck_batches_staged_by_an_attempt")),
        sa.ForeignKeyConstraint(["cabinet_id"], ["cabinets.id"], name=op.f("fk_batches_cabinet_id_cabinets")),
        sa.ForeignKeyConstraint(["connector_id"], ["connectors.id"], name=op.f("fk_batches_connector_id_connectors")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
        sa.UniqueConstraint(
            "destination", "business_date", "seq", name=op.f("uq_batches_destination_business_date_seq")
        ),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_batches_idempotency_key")),
    )
    op.create_index("ix_batches_business_date", "batches", ["business_date"], unique=False)
    op.create_index(op.f("ix_batches_connector_id"), "batches", ["connector_id"], unique=False)
    op.create_index(
        "ix_batches_open",
        "batches",
        ["destination", "business_date", "seq"],
        unique=False,
        sqlite_where=sa.text("state NOT IN ('delivered', 'rejected', 'cancelled')"),
        postgresql_where=sa.text("state NOT IN ('delivered', 'rejected', 'cancelled')"),
    )
    op.create_index("ix_batches_run_day", "batches", ["run_day"], unique=False)
    op.create_table(
        "associations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("connector_id", sa.Integer(), nullable=False),
        sa.Column("since", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("until", schema.UtcDateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.CheckConstraint('"until" IS NULL OR "until" >= since', name=op.f("ck_associations_until_after_since")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_associations_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["connector_id"], ["connectors.id"], name=op.f("fk_associations_connector_id_connectors")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_associations")),
    )
    op.create_index(op.f("ix_associations_connector_id"), "associations", ["connector_id"], unique=False)
    op.create_index(
        "uq_associations_one_in_force",
        "associations",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text('"until" IS NULL'),
        postgresql_where=sa.text('"until" IS NULL'),
    )
    op.create_table(
        "attempts",
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("started_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("ended_at", schema.UtcDateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True, comment="happening, or the class of the sink's error"),
        sa.Column("message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_attempts_batch_id_batches")),
        sa.PrimaryKeyConstraint("batch_id", "fence", name=op.f("pk_attempts")),
    )
    op.create_table(
        "mandates",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("step_since", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False, comment="the newest mandate of the account"),
        sa.CheckConstraint(
            "step IN ('approved', 'bank_processing', 'draft', 'expired', 'rejected', 'revoked', 'sent_to_bank', 'signed')",
            name=op.f("ck_mandates_step"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_mandates_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
    )
    op.create_index(op.f("ix_mandates_account_id"), "mandates", ["account_id"], unique=False)
    op.create_index(
        "uq_mandates_one_alive",
        "mandates",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("NOT (step IN ('expired', 'rejected', 'revoked'))"),
        postgresql_where=sa.text("NOT (step IN ('expired', 'rejected', 'revoked'))"),
    )
    op.create_index(
        "uq_mandates_one_current",
        "mandates",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("current"),
        postgresql_where=sa.text("current"),
    )
    op.create_table(
        "statements",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="pending → decided; pending ↔ quarantined → rejected"),
        sa.Column("bank_file_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="0-based, in its file"),
        sa.Column(
            "identity",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="account, currency, dates, balances, ordinal (S10)",
        ),
        sa.Column(
            "content_sha256", sa.LargeBinary(length=32), nullable=False, comment="of the canonical records (S10)"
        ),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("bban", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("decimals", sa.SmallInteger(), nullable=False),
        sa.Column(
            "business_date", sa.Date(), nullable=False, comment="closing date; the nearest known day where unreadable"
        ),
        sa.Column("due_date", sa.Date(), nullable=False, comment="first day whose run, on time, would take it (D2)"),
        sa.Column("opening_date", sa.Date(), nullable=True),
        sa.Column("opening", sa.BigInteger(), nullable=True),
        sa.Column("closing_date", sa.Date(), nullable=True),
        sa.Column("closing", sa.BigInteger(), nullable=True),
        sa.Column("n_entries", sa.Integer(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False, comment="Σ positive amounts"),
        sa.Column("debit", sa.BigInteger(), nullable=False, comment="Σ negative amounts, negative"),
        sa.Column("n_records", sa.Integer(), nullable=False),
        sa.Column(
            "records", sa.LargeBinary(), nullable=False, comment="canonical: n_records × 120 bytes, no terminator (S14)"
        ),
        sa.Column("warnings", sa.Text(), nullable=False, comment="space-separated codes"),
        sa.Column("errors", sa.Text(), nullable=False, comment="space-separated codes; none may leave unless released"),
        sa.CheckConstraint(
            "status IN ('decided', 'pending', 'quarantined', 'rejected')", name=op.f("ck_statements_status")
        ),
        sa.CheckConstraint("decimals BETWEEN 0 AND 3", name=op.f("ck_statements_decimals")),
        sa.CheckConstraint("length(records) = n_records * 120", name=op.f("ck_statements_records_are_canonical")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_statements_account_id_accounts")),
        sa.ForeignKeyConstraint(
            ["bank_file_id"], ["bank_files.id"], name=op.f("fk_statements_bank_file_id_bank_files")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statements")),
        sa.UniqueConstraint("content_sha256", name=op.f("uq_statements_content_sha256")),
    )
    op.create_index(op.f("ix_statements_account_id"), "statements", ["account_id"], unique=False)
    op.create_index(op.f("ix_statements_bank_file_id"), "statements", ["bank_file_id"], unique=False)
    op.create_index("ix_statements_business_date", "statements", ["business_date", "status"], unique=False)
    op.create_index("ix_statements_chain", "statements", ["bban", "currency", "closing_date"], unique=False)
    op.create_index("ix_statements_identity", "statements", ["identity"], unique=False)
    op.create_index(
        "ix_statements_pending",
        "statements",
        ["business_date", "account_id"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "uq_statements_identity_on_its_way",
        "statements",
        ["identity"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'decided')"),
        postgresql_where=sa.text("status IN ('pending', 'decided')"),
    )
    op.create_table(
        "allocations",
        sa.Column("statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mandate_id", sa.Integer(), nullable=False),
        sa.Column("association_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["association_id"], ["associations.id"], name=op.f("fk_allocations_association_id_associations")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_allocations_batch_id_batches")),
        sa.ForeignKeyConstraint(["mandate_id"], ["mandates.id"], name=op.f("fk_allocations_mandate_id_mandates")),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_allocations_statement_id_statements")
        ),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_allocations")),
    )
    op.create_index(op.f("ix_allocations_batch_id"), "allocations", ["batch_id"], unique=False)
    op.create_table(
        "duplicates",
        sa.Column("bank_file_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["bank_file_id"], ["bank_files.id"], name=op.f("fk_duplicates_bank_file_id_bank_files")
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_duplicates_statement_id_statements")
        ),
        sa.PrimaryKeyConstraint("bank_file_id", "position", name=op.f("pk_duplicates")),
    )
    op.create_index(op.f("ix_duplicates_statement_id"), "duplicates", ["statement_id"], unique=False)
    op.create_table(
        "entries",
        sa.Column("statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False, comment="0-based, in the order of the statement"),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("booking_date", sa.Date(), nullable=False),
        sa.Column("value_date", sa.Date(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("interbank_code", sa.Text(), nullable=False),
        sa.Column("bank_code", sa.Text(), nullable=False),
        sa.Column("reject_code", sa.Text(), nullable=False),
        sa.Column("entry_number", sa.Text(), nullable=False),
        sa.Column("exempt", sa.Text(), nullable=False),
        sa.Column("unavailable", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column(
            "details", sa.Text(), nullable=False, comment="one line a complement: 3 characters of qualifier, then text"
        ),
        sa.ForeignKeyConstraint(["statement_id"], ["statements.id"], name=op.f("fk_entries_statement_id_statements")),
        sa.PrimaryKeyConstraint("statement_id", "seq", name=op.f("pk_entries")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("statement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", schema.UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", schema.UtcDateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Text(), nullable=True),
        sa.Column("resolution_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL AND resolution IS NULL) OR (closed_at IS NOT NULL AND resolution IN ('released', 'rejected') AND resolved_by IS NOT NULL AND resolution_reason IS NOT NULL)",
            name=op.f("ck_quarantine_closed_by_a_named_person"),
        ),
        sa.ForeignKeyConstraint(
            ["statement_id"], ["statements.id"], name=op.f("fk_quarantine_statement_id_statements")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    op.create_index("ix_quarantine_statement_id", "quarantine", ["statement_id"], unique=False)
    op.create_index(
        "uq_quarantine_open_once_a_reason",
        "quarantine",
        ["statement_id", "reason"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
