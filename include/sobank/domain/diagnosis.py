"""Why a statement did not arrive: the facts that support looks at, and the checklist made of them (A12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sobank.domain.circuit import Circuit
from sobank.domain.delivery import BatchState
from sobank.domain.registry import MandateStep


class Step(StrEnum):
    """The questions, in the order in which support asks them."""

    IBAN = "iban"
    ACCOUNT = "account"
    CONNECTOR = "connector"
    ASSOCIATION = "association"
    MANDATE = "mandate"
    STATEMENTS = "statements"
    QUARANTINE = "quarantine"
    BATCH = "batch"
    PARTNER = "partner"


class Verdict(StrEnum):
    """What an answer means for the statement: nothing stands in its way, something is to be known, it cannot leave."""

    OK = "ok"
    ATTENTION = "attention"
    BLOCKING = "blocking"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One line of the checklist, in French. `cause`: a code for programs, "" where all is well."""

    step: Step
    verdict: Verdict
    evidence: str
    remedy: str = ""
    cause: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """The checklist of one account, in French; `iban` is masked.

    account: its number in the registry, None where it is in no cabinet, or in none that the asker may see.
    cause: that of the first check that blocks, else of the first that asks for attention, else "".
    for_support: ready to send; without labels, amounts and full IBANs.
    """

    iban: str
    currency: str | None
    cabinet: str | None
    dossier: str | None
    checks: tuple[Check, ...]
    cause: str
    conclusion: str
    for_support: str
    account: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociationFacts:
    """The association in force. on_cabinet: whether its connector is (still) one of the account's cabinet."""

    connector: str
    partner: str
    since: datetime
    decided_by: str
    on_cabinet: bool
    circuit: Circuit | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountFacts:
    """What the registry says of an account. claims: open cabinets that have it; former: last association that ended."""

    id: int
    iban: str
    currency: str
    cabinet: str
    dossier: str
    closed_at: datetime | None
    cabinet_closed_at: datetime | None
    claims: int
    connectors: tuple[str, ...]
    association: AssociationFacts | None
    former: tuple[str, datetime] | None
    mandate: MandateStep | None
    mandate_since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceivedFacts:
    """Statements of the account: how many by status, the newest of them, and the oldest that is not decided yet."""

    by_status: Mapping[str, int] = field(default_factory=dict)
    last_date: date | None = None
    last_file: str = ""
    last_ingested: datetime | None = None
    first_pending: date | None = None

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.by_status.values())


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAsideFacts:
    """A statement in quarantine, with its reasons in the order they were found; partner_said where he refused it."""

    statement_id: int
    business_date: date
    since: datetime
    reasons: tuple[str, ...]
    bank_file: str
    partner_said: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFacts:
    """A batch that holds statements of the account. behind: an earlier batch of its destination that is not final."""

    id: int
    destination: str
    state: BatchState
    business_date: date
    object_name: str
    attempts: int
    sealed_at: datetime
    lease_until: datetime | None
    reason: str | None
    receipt: Mapping[str, Any] | None
    last_message: str | None
    behind: tuple[int, BatchState] | None

    @property
    def is_global_file(self) -> bool:
        """Whether it is a global file of the cabinet."""
        return self.destination.startswith("global:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that is looked at for one account; `account` is None where no cabinet has registered it.

    set_aside: the newest of those in quarantine. batches: those under way, oldest first, then the newest delivered.
    """

    account: AccountFacts | None
    received: ReceivedFacts
    set_aside: tuple[SetAsideFacts, ...] = ()
    batches: tuple[BatchFacts, ...] = ()
