"""The delivery ledger: batches, allocations, attempts (D1–D9, DESIGN §6)."""

from __future__ import annotations

import sqlalchemy as sa

from sobank.domain.circuit import CircuitKind
from sobank.domain.delivery import BatchState
from sobank.store.schema.columns import BigKey, Json, Sha256, UtcDateTime, metadata, one_of, partial_index, set_wise

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
    sa.Column("plain_sha256", Sha256, comment="of the file before it was encrypted; none where it is not"),
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
    sa.CheckConstraint(one_of("state", BatchState), name="state"),
    sa.CheckConstraint("(kind = 'connector') = (connector_id IS NOT NULL)", name="kind"),
    sa.CheckConstraint("state <> 'delivered' OR receipt IS NOT NULL", name="delivered_has_a_receipt"),
    sa.CheckConstraint("state <> 'cancelled' OR fence = 0", name="cancelled_before_any_attempt"),
    sa.CheckConstraint("state IN ('sealed', 'cancelled') OR fence > 0", name="attempted_has_a_fence"),
    sa.CheckConstraint("staging IS NULL OR fence > 0", name="staged_by_an_attempt"),
    sa.CheckConstraint("n_statements > 0 AND seq > 0", name="not_empty"),
    sa.UniqueConstraint("destination", "business_date", "seq"),
    partial_index(
        "ix_batches_open",
        "destination",
        "business_date",
        "seq",
        where="state NOT IN ('delivered', 'rejected', 'cancelled')",
    ),
    sa.Index("ix_batches_business_date", "business_date"),
    sa.Index("ix_batches_run_day", "run_day"),
    sa.Index("ix_batches_cabinet", "cabinet_id", "business_date"),
)

allocations = sa.Table(
    "allocations",
    metadata,
    # The primary key is the promise: a statement has one destination (D1).
    sa.Column("statement_id", set_wise("statements.id"), primary_key=True),
    sa.Column("batch_id", set_wise("batches.id"), nullable=False, index=True),
    sa.Column("mandate_id", set_wise("mandates.id"), nullable=False),
    sa.Column("association_id", set_wise("associations.id")),
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

circuits = sa.Table(
    "circuits",
    metadata,
    # A row stands while the connector is left alone; the events of opening and closing are in audit_events.
    sa.Column("connector_id", sa.ForeignKey("connectors.id"), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False, comment="config: a person must act; asked: the partner wants a pause"),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("opened_at", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime, nullable=False, comment="from then on one batch may try"),
    sa.Column("faults", sa.Integer, nullable=False, comment="tries that failed in a row"),
    sa.CheckConstraint(one_of("kind", CircuitKind), name="kind"),
)
