"""Who is connected to what: cabinets, dossiers, accounts, mandates, connectors (A1–A13)."""

from __future__ import annotations

from enum import StrEnum


class Profile(StrEnum):
    """What a member may do on a cabinet; the values are the French words the UI shows."""

    ADMINISTRATEUR = "administrateur"
    SUPERVISEUR = "superviseur"
    COLLABORATEUR = "collaborateur"


class MandateStep(StrEnum):
    """The five steps of a mandate, then the three ways off the path."""

    DRAFT = "draft"
    SIGNED = "signed"
    SENT_TO_BANK = "sent_to_bank"
    BANK_PROCESSING = "bank_processing"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"
    EXPIRED = "expired"


#: What a mandate may become. Ended mandates stay as they ended: a new one is started for the account.
MANDATE_TRANSITIONS: dict[MandateStep, frozenset[MandateStep]] = {
    MandateStep.DRAFT: frozenset({MandateStep.SIGNED, MandateStep.REVOKED, MandateStep.EXPIRED}),
    MandateStep.SIGNED: frozenset({MandateStep.SENT_TO_BANK, MandateStep.REVOKED, MandateStep.EXPIRED}),
    MandateStep.SENT_TO_BANK: frozenset(
        {MandateStep.BANK_PROCESSING, MandateStep.REJECTED, MandateStep.REVOKED, MandateStep.EXPIRED}
    ),
    MandateStep.BANK_PROCESSING: frozenset(
        {MandateStep.APPROVED, MandateStep.REJECTED, MandateStep.REVOKED, MandateStep.EXPIRED}
    ),
    MandateStep.APPROVED: frozenset({MandateStep.REVOKED, MandateStep.EXPIRED}),
    MandateStep.REJECTED: frozenset(),
    MandateStep.REVOKED: frozenset(),
    MandateStep.EXPIRED: frozenset(),
}
ENDED_STEPS = frozenset({MandateStep.REJECTED, MandateStep.REVOKED, MandateStep.EXPIRED})
