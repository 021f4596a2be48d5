"""Who is connected to what, and who changed it (A1–A13)."""

from __future__ import annotations

import sqlalchemy as sa

from sobank.domain.registry import ENDED_STEPS, MandateStep, Profile
from sobank.store.schema.columns import (
    ALSO_ON_POSTGRESQL,
    BigKey,
    Json,
    Sha256,
    UtcDateTime,
    metadata,
    one_of,
    partial_index,
    partial_unique,
    trigram_index,
)

cabinets = sa.Table(
    "cabinets",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("code", sa.Text, nullable=False, unique=True, comment="client number; part of file names: [A-Z0-9-]"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("siret", sa.Text),
    sa.Column("closed_at", UtcDateTime),
    sa.Column("address", sa.Text),
    sa.Column("production_software", Json, comment="logiciels de production: a list of names, none if not told"),
)

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("user", sa.Text, primary_key=True),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), primary_key=True),
    sa.Column("profile", sa.Text, nullable=False),
    sa.CheckConstraint(one_of("profile", Profile), name="profile"),
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
    # PostgreSQL alone folds names into a column of its own, for its index; see `store.text_search`.
    info={ALSO_ON_POSTGRESQL: {"name_folded", "ix_dossiers_name_folded_trigrams"}},
)
trigram_index("ix_dossiers_siret_trigrams", dossiers.c.siret)
trigram_index("ix_dossiers_reference_trigrams", dossiers.c.reference)

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
trigram_index("ix_accounts_iban_trigrams", accounts.c.iban)

mandates = sa.Table(
    "mandates",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("step_since", UtcDateTime, nullable=False),
    sa.Column("current", sa.Boolean, nullable=False, comment="the newest mandate of the account"),
    sa.CheckConstraint(one_of("step", MandateStep), name="step"),
    partial_unique("uq_mandates_one_current", "account_id", where="current"),
    partial_index("ix_mandates_current_step", "step", "account_id", where="current"),
    partial_unique("uq_mandates_one_alive", "account_id", where=f"NOT ({one_of('step', ENDED_STEPS)})"),
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
    partial_unique("uq_connectors_on_cabinet", "cabinet_id", "name", where="deleted_at IS NULL"),
)

associations = sa.Table(
    "associations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("connector_id", sa.ForeignKey("connectors.id"), nullable=False, index=True),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("until", UtcDateTime),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.CheckConstraint('"until" IS NULL OR "until" >= since', name="until_after_since"),
    # An account has one connector or none (A4).
    partial_unique("uq_associations_one_in_force", "account_id", where='"until" IS NULL'),
)

audit_events = sa.Table(
    "audit_events",
    metadata,
    # 1, 2, 3… without holes: numbered by the chain, not by a sequence.
    sa.Column("id", BigKey, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False, comment="kind:key, IBANs masked"),
    sa.Column("cabinet_id", sa.ForeignKey("cabinets.id"), index=True),
    sa.Column("before", Json),
    sa.Column("after", Json),
    sa.Column("reason", sa.Text),
    sa.Column("hash", Sha256, nullable=False, comment="over the fields and the hash of the event before (A13)"),
    sa.Index("ix_audit_events_subject", "subject", postgresql_ops={"subject": "text_pattern_ops"}),
)

audit_head = sa.Table(
    "audit_head",
    metadata,
    # One row: locked by whoever adds events, so that they follow one another.
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("events", sa.BigInteger, nullable=False),
    sa.Column("hash", Sha256, nullable=False, comment="of the last event"),
    sa.CheckConstraint("id = 1", name="one_row"),
)
