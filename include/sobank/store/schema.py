"""Tables of the registry, the statements and the delivery ledger (SQLAlchemy Core), the same on SQLite and PostgreSQL.

Money is BIGINT minor units, moments are UTC, days are plain dates. Rules that the schema itself holds are named by
their constraint: a partial unique index or a CHECK refuses what the services must never do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sobank.domain.delivery import BatchState
from sobank.domain.registry import ENDED_STEPS, MandateStep, Profile

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC. Naive datetimes are refused on the way in; what comes out is aware."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


#: SQLite numbers rows by itself only in an INTEGER key; PostgreSQL wants 64 bits.
BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: None is SQL NULL, not the JSON value null: `receipt IS NOT NULL` must mean what it says.
Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Sha256 = sa.LargeBinary(32)


def _one_of(column: str, values: Any) -> str:
    return f"{column} IN ({', '.join(repr(str(v)) for v in sorted(values))})"


def _partial_unique(name: str, *columns: str, where: str) -> sa.Index:
    return sa.Index(name, *columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _partial_index(name: str, *columns: str, where: str) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


# --- registry -------------------------------------------------------------------------------------------------------

cabinets = sa.Table(
    "cabinets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.Text, nullable=False, unique=True, comment="client number; part of file names: [A-Z0-9-]"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("siret", sa.Text),
    sa.Column("closed_at", UtcDateTime),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), primary_key=True),
    sa.Column("profile", sa.Text, nullable=False),
    sa.CheckConstraint(_one_of("profile", Profile), name="profile"),
)

dossiers = sa.Table(
    "dossiers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("siret", sa.Text),
    sa.UniqueConstraint("cabinet_id", "reference"),
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), nullable=False, index=True),
    sa.Column("dossier_id", sa.ForeignKey("dossiers.id"), nullable=False, index=True),
    sa.Column("iban", sa.Text, nullable=False),
    sa.Column("bban", sa.Text, nullable=False, comment="23 characters: what France and Monaco share (S13)"),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("bank_name", sa.Text),
    sa.Column("closed_at", UtcDateTime),
    # The same IBAN on two cabinets must be representable: its statements are set aside (D3).
    sa.UniqueConstraint("bban", "currency", "cabinet_id"),
)

mandates = sa.Table(
    "mandates",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("step_since", UtcDateTime, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False, comment="the newest mandate of the account"),
    sa.CheckConstraint(_one_of("step", MandateStep), name="step"),
    _partial_unique("uq_mandates_one_current", "account_id", where="current"),
    _partial_unique("uq_mandates_one_alive", "account_id", where=f"NOT ({_one_of('step', ENDED_STEPS)})"),
)

connectors = sa.Table(
    "connectors",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), nullable=False, index=True),
    sa.Column("partner", sa.Text, nullable=False, comment="code in the catalogue of partners (A1)"),
    sa.Column("name", sa.Text, nullable=False, comment="distinguishes two connectors of one partner on one cabinet"),
    sa.Column("connection", sa.Text, comment="id of the Airflow connection; none for the folder sink's default"),
    sa.Column("settings", Json, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("deleted_at", UtcDateTime),
    _partial_unique("uq_connectors_on_cabinet", "cabinet_id", "name", where="deleted_at IS NULL"),
)

associations = sa.Table(
    "associations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("connector_id", sa.ForeignKey("connectors.id"), nullable=False, index=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.CheckConstraint('"until" IS NULL OR "until" >= since', name="until_after_since"),
    # An account has one connector or none (A4).
    _partial_unique("uq_associations_one_in_force", "account_id", where='"until" IS NULL'),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="kind:key, IBANs masked"),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), index=True),
    sa.Column("before", Json),
    sa.Column("after", Json),
    sa.Column("reason", sa.Text),
)

# --- what banks send ------------------------------------------------------------------------------------------------

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
    sa.Column("status", sa.Text, nullable=False, comment="pending → decided; pending ↔ quarantined → rejected"),
    sa.Column("bank_file_id", sa.ForeignKey("bank_files.id"), nullable=False, index=True),
    sa.Column("position", sa.Integer, nullable=False, comment="0-based, in its file"),
    sa.Column("identity", Sha256, nullable=False, comment="account, currency, dates, balances, ordinal (S10)"),
    sa.Column("content_sha256", Sha256, nullable=False, unique=True, comment="of the canonical records (S10)"),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), index=True),
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
    sa.CheckConstraint(_one_of("status", ("pending", "decided", "quarantined", "rejected")), name="status"),
    sa.CheckConstraint("length(records) = n_records * 120", name="records_are_canonical"),
    sa.CheckConstraint("decimals BETWEEN 0 AND 3", name="decimals"),
    # The same identity with other content is a conflict: never both on their way (S10).
    _partial_unique("uq_statements_identity_on_its_way", "identity", where="status IN ('pending', 'decided')"),
    # A day costs the same whether the database holds one day or ten years.
    _partial_index("ix_statements_pending", "business_date", "account_id", where="status = 'pending'"),
    sa.Index("ix_statements_business_date", "business_date", "status"),
    sa.Index("ix_statements_chain", "bban", "currency", "closing_date"),
    sa.Index("ix_statements_identity", "identity"),
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
    sa.Column("statement_id", sa.ForeignKey("statements.id"), primary_key=True),
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
    _partial_unique("uq_quarantine_open_once_a_reason", "statement_id", "reason", where="closed_at IS NULL"),
    sa.Index("ix_quarantine_statement_id", "statement_id"),
)

# --- delivery ledger ------------------------------------------------------------------------------------------------

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", BigKey, primary_key=True),
    sa.Column("destination", sa.Text, nullable=False, comment="connector:<cabinet>/<name> or global:<cabinet>"),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), nullable=False),
    sa.Column("connector_id", sa.ForeignKey("connectors.id"), index=True),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column(
        "state",
        sa.Text,
        nullable=False,
        comment="sealed → sending → delivered | uncertain | held…",
    ),
    sa.Column("object_name", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.Text, nullable=False, unique=True),
    sa.Column("payload_sha256", Sha256, nullable=False),
    sa.Column("payload_size", sa.BigInteger, nullable=False),
    sa.Column("n_statements", sa.Integer, nullable=False),
    sa.Column("n_entries", sa.BigInteger, nullable=False),
    sa.Column("n_records", sa.BigInteger, nullable=False),
    sa.Column("credit", sa.BigInteger, nullable=False),
    sa.Column("debit", sa.BigInteger, nullable=False),
    sa.Column("first_date", sa.Date, nullable=False),
    sa.Column("last_date", sa.Date, nullable=False),
    sa.Column("run_day", sa.Date, nullable=False, comment="business day of the run that sealed it"),
    sa.Column("sealed_at", UtcDateTime, nullable=False),
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lease_until", UtcDateTime),
    sa.Column("staging", sa.Text, comment="the one verified staging name that may be published (DESIGN §6)"),
    sa.Column("receipt", Json, comment="remote name, size, sha256, moment, the partner's answer"),
    sa.Column("reason", sa.Text, comment="why held, rejected or cancelled"),
    sa.CheckConstraint(_one_of("state", BatchState), name="state"),
    sa.CheckConstraint("(kind = 'connector') = (connector_id IS NOT NULL)", name="kind"),
    sa.CheckConstraint("state <> 'delivered' OR receipt IS NOT NULL", name="delivered_has_a_receipt"),
    sa.CheckConstraint("state <> 'cancelled' OR fence = 0", name="cancelled_before_any_attempt"),
    sa.CheckConstraint("state IN ('sealed', 'cancelled') OR fence > 0", name="attempted_has_a_fence"),
    sa.CheckConstraint("staging IS NULL OR fence > 0", name="staged_by_an_attempt"),
    sa.CheckConstraint("n_statements > 0 AND seq > 0", name="not_empty"),
    sa.UniqueConstraint("destination", "business_date", "seq"),
    _partial_index(
        "ix_batches_open",
        "destination",
        "business_date",
        "seq",
        where="state NOT IN ('delivered', 'rejected', 'cancelled')",
    ),
    sa.Index("ix_batches_business_date", "business_date"),
    sa.Index("ix_batches_run_day", "run_day"),
)

allocations = sa.Table(
    "allocations",
    metadata,
    # The primary key is the promise: a statement has one destination (D1).
    sa.Column("statement_id", sa.ForeignKey("statements.id"), primary_key=True),
    sa.Column("batch_id", sa.ForeignKey("batches.id"), nullable=False, index=True),
    sa.Column("mandate_id", sa.ForeignKey("mandates.id"), nullable=False),
    sa.Column("association_id", sa.ForeignKey("associations.id")),
    sa.Column("decided_at", UtcDateTime, nullable=False),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("batch_id", sa.ForeignKey("batches.id"), primary_key=True),
    sa.Column("fence", sa.Integer, primary_key=True),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("outcome", sa.Text, comment="happening, or the class of the sink's error"),
    sa.Column("message", sa.Text),
)
