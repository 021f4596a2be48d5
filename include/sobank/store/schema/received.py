"""What banks send: files, statements with their canonical records, entries, quarantine (S1–S15)."""

from __future__ import annotations

import sqlalchemy as sa

from sobank.store.schema.columns import BigKey, Sha256, UtcDateTime, metadata, one_of, partial_unique, set_wise

bank_files = sa.Table(
    "bank_files",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "sha256",
        Sha256,
        nullable=False,
        unique=True,
        comment="the same bytes under two names are one file (S15)",
    ),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("received_on", sa.Date, comment="Paris day in the file's own name, where it has one (D2)"),
    sa.Column("ingested_at", UtcDateTime, nullable=False),
    sa.Column("records_total", sa.BigInteger, nullable=False),
    sa.Column("records_parsed", sa.BigInteger, nullable=False),
    sa.Column("records_blank", sa.BigInteger, nullable=False),
    sa.Column("records_refused", sa.BigInteger, nullable=False),
    sa.Column("statements", sa.Integer, nullable=False),
    sa.Column("duplicates", sa.Integer, nullable=False),
    sa.CheckConstraint(
        "records_total = records_parsed + records_blank + records_refused", name="every_record_accounted_for"
    ),
)

bank_file_names = sa.Table(
    "bank_file_names",
    metadata,
    sa.Column("bank_file_id", sa.ForeignKey("bank_files.id"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("seen_at", UtcDateTime, nullable=False),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("bank_file_id", sa.ForeignKey("bank_files.id"), primary_key=True),
    sa.Column("record", sa.BigInteger, primary_key=True, comment="1-based"),
    sa.Column("offset", sa.BigInteger, nullable=False, comment="bytes from the start of the file"),
    sa.Column("reason", sa.Text, nullable=False),
)

statements = sa.Table(
    "statements",
    metadata,
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("status", sa.Text, nullable=False, comment="accepted ↔ quarantined → rejected; see undecided"),
    sa.Column("bank_file_id", sa.ForeignKey("bank_files.id"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False, comment="0-based, in its file"),
    sa.Column("identity", Sha256, nullable=False, comment="account, currency, dates, balances, ordinal (S10)"),
    sa.Column("content_sha256", Sha256, nullable=False, unique=True, comment="of the canonical records (S10)"),
    sa.Column("account_id", sa.ForeignKey("accounts.id")),
    sa.Column("bban", sa.Text, nullable=False),
    sa.Column("bank", sa.Text, nullable=False),
    sa.Column("branch", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("decimals", sa.SmallInteger, nullable=False),
    sa.Column(
        "business_date",
        sa.Date,
        nullable=False,
        comment="closing date; the nearest known day where unreadable",
    ),
    sa.Column("due_date", sa.Date, nullable=False, comment="first day whose run, on time, would take it (D2)"),
    sa.Column("opening_date", sa.Date),
    sa.Column("opening", sa.BigInteger),
    sa.Column("closing_date", sa.Date),
    sa.Column("closing", sa.BigInteger),
    sa.Column("n_entries", sa.Integer, nullable=False),
    sa.Column("credit", sa.BigInteger, nullable=False, comment="Σ positive amounts"),
    sa.Column("debit", sa.BigInteger, nullable=False, comment="Σ negative amounts, negative"),
    sa.Column("n_records", sa.Integer, nullable=False),
    sa.Column(
        "records",
        sa.LargeBinary,
        nullable=False,
        comment="canonical: n_records × 120 bytes, no terminator (S14)",
    ),
    sa.Column("warnings", sa.Text, nullable=False, comment="space-separated codes"),
    sa.Column("errors", sa.Text, nullable=False, comment="space-separated codes; none may leave unless released"),
    sa.CheckConstraint(one_of("status", ("accepted", "quarantined", "rejected")), name="status"),
    sa.CheckConstraint("length(records) = n_records * 120", name="records_are_canonical"),
    sa.CheckConstraint("decimals BETWEEN 0 AND 3", name="decimals"),
    # The same identity with other content is a conflict: never both on their way (S10).
    partial_unique("uq_statements_identity_on_its_way", "identity", where="status = 'accepted'"),
    sa.Index("ix_statements_account", "account_id", "business_date"),
    sa.Index("ix_statements_business_date", "business_date", "status"),
    sa.Index("ix_statements_chain", "bban", "currency", "closing_date"),
    sa.Index("ix_statements_identity", "identity"),
)

undecided = sa.Table(
    "undecided",
    metadata,
    # A statement on its way that has no destination yet; its row goes when it is decided, and comes back with its
    # statement. So a decision rewrites no statement, and a day costs the same after one day or ten years.
    sa.Column("statement_id", set_wise("statements.id"), primary_key=True),
    # What its account says, which never changes: a shard finds its own statements here, and reads no others.
    sa.Column("cabinet_id", sa.Integer, comment="of its account; null where that is unknown"),
)

duplicates = sa.Table(
    "duplicates",
    metadata,
    sa.Column("bank_file_id", sa.ForeignKey("bank_files.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("statement_id", sa.ForeignKey("statements.id"), nullable=False, index=True),
)

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("statement_id", set_wise("statements.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, comment="0-based, in the order of the statement"),
    sa.Column("amount", sa.BigInteger, nullable=False),
    sa.Column("booking_date", sa.Date, nullable=False),
    sa.Column("value_date", sa.Date),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("interbank_code", sa.Text, nullable=False),
    sa.Column("bank_code", sa.Text, nullable=False),
    sa.Column("reject_code", sa.Text, nullable=False),
    sa.Column("entry_number", sa.Text, nullable=False),
    sa.Column("exempt", sa.Text, nullable=False),
    sa.Column("unavailable", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column(
        "details",
        sa.Text,
        nullable=False,
        comment="one line a complement: 3 characters of qualifier, then text",
    ),
)

quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("statement_id", sa.ForeignKey("statements.id"), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("resolution", sa.Text),
    sa.Column("resolved_by", sa.Text),
    sa.Column("resolution_reason", sa.Text),
    sa.CheckConstraint(
        "(closed_at IS NULL AND resolution IS NULL) OR (closed_at IS NOT NULL"
        " AND resolution IN ('released', 'rejected') AND resolved_by IS NOT NULL AND resolution_reason IS NOT NULL)",
        name="closed_by_a_named_person",
    ),
    partial_unique("uq_quarantine_open_once_a_reason", "statement_id", "reason", where="closed_at IS NULL"),
    sa.Index("ix_quarantine_statement_id", "statement_id"),
)
