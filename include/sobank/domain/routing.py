"""Where a statement goes, from the facts in force at the moment of the decision (D1–D4).

`route` is the whole rule. The daily path calls it once per *distinct* combination of facts, not once per statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sobank.domain.registry import MandateStep


class Reason(StrEnum):
    """Why a statement is set aside. Rules of the data contracts add theirs, under their own names."""

    UNKNOWN_ACCOUNT = "unknown_account"
    UNBALANCED = "unbalanced"
    CONFLICT = "conflict"
    DATE_TO_COME = "date_to_come"
    CONNECTOR_MISSING = "connector_missing"
    MANDATE_REVOKED = "mandate_revoked"
    MANDATE_EXPIRED = "mandate_expired"
    ACCOUNT_CLOSED = "account_closed"
    CABINET_CLOSED = "cabinet_closed"
    CLAIMED_TWICE = "claimed_by_two_cabinets"
    REJECTED_BY_PARTNER = "rejected_by_partner"
    BATCH_REJECTED = "batch_rejected"


#: What each reason means to whoever reads it, and what makes it go away.
MEANINGS: dict[Reason, str] = {
    Reason.UNKNOWN_ACCOUNT: "No cabinet has registered this account; register it, then release the statement (S13).",
    Reason.UNBALANCED: "Opening balance + movements is not the closing balance (S8).",
    Reason.CONFLICT: "The same statement came before with other content; a person decides which one is right (S10).",
    Reason.DATE_TO_COME: "It closes over half a year after it was received: no run would take it until then (D2).",
    Reason.CONNECTOR_MISSING: "The account's connector is not on its cabinet any more; associate it anew (D4).",
    Reason.MANDATE_REVOKED: "The mandate was revoked; nothing of the account may leave (D3).",
    Reason.MANDATE_EXPIRED: "The mandate has expired; it must be signed again (D3).",
    Reason.ACCOUNT_CLOSED: "The account is closed in the registry (D3).",
    Reason.CABINET_CLOSED: "The cabinet is closed (D3).",
    Reason.REJECTED_BY_PARTNER: "The partner refused the file it was in; mend what he names, then release it.",
    Reason.BATCH_REJECTED: "A person gave up the held batch it was in; release it to have it decided anew.",
    Reason.CLAIMED_TWICE: "Two cabinets have registered the account; one must give it up (D3).",
}


#: Errors of a reading that counted less than the records hold: what would be sent is not what was read. Never released.
MISREAD: Final = frozenset({"drift"})


class Kind(StrEnum):
    """What is done with a statement."""

    PARTNER = "connector"
    GLOBAL_FILE = "global"
    QUARANTINE = "quarantine"
    WAIT = "wait"


class ConnectorFact(StrEnum):
    """What the registry says of the account's association."""

    NONE = "none"
    ON_CABINET = "on_cabinet"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the decision looks at. `mandate`: None where none was ever started; `claims`: cabinets with the IBAN."""

    mandate: MandateStep | None
    connector: ConnectorFact
    account_known: bool = True
    account_closed: bool = False
    cabinet_closed: bool = False
    claims: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """The decision; `reason` is set exactly when `kind` is quarantine."""

    kind: Kind
    reason: Reason | None = None


def route(facts: Facts) -> Route:
    """Decide one statement (D1, D3, D4). Total: every combination of facts has exactly one answer."""
    if reason := _set_aside(facts):
        return Route(kind=Kind.QUARANTINE, reason=reason)
    if facts.mandate is not MandateStep.APPROVED:
        return Route(kind=Kind.WAIT)
    if facts.connector is ConnectorFact.MISSING:
        return Route(kind=Kind.QUARANTINE, reason=Reason.CONNECTOR_MISSING)
    return Route(kind=Kind.PARTNER if facts.connector is ConnectorFact.ON_CABINET else Kind.GLOBAL_FILE)


def _set_aside(facts: Facts) -> Reason | None:
    if not facts.account_known:
        return Reason.UNKNOWN_ACCOUNT
    if facts.claims > 1:
        return Reason.CLAIMED_TWICE
    if facts.cabinet_closed:
        return Reason.CABINET_CLOSED
    if facts.account_closed:
        return Reason.ACCOUNT_CLOSED
    if facts.mandate is MandateStep.REVOKED:
        return Reason.MANDATE_REVOKED
    if facts.mandate is MandateStep.EXPIRED:
        return Reason.MANDATE_EXPIRED
    return None
