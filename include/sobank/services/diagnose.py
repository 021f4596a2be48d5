"""Why did this statement not arrive? The checklist of one account, in the order in which support asks (A12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sobank.domain.diagnosis import Check, Diagnosis, Facts, Step, Verdict
from sobank.domain.diagnosis_words import TITLES, VERDICTS, at
from sobank.domain.iban import masked
from sobank.errors import InvalidIban
from sobank.services.diagnose_arrival import batch_checks, partner_checks, quarantine_checks, statement_checks
from sobank.services.diagnose_registry import (
    account_checks,
    association_checks,
    connector_checks,
    iban_checks,
    mandate_checks,
)

if TYPE_CHECKING:
    from sobank.services.registry_file import CheckedIban
    from sobank.store.diagnosis import DiagnosisReader

_INVALID = Check(
    step=Step.IBAN,
    verdict=Verdict.BLOCKING,
    evidence="ce n'est pas un IBAN de France ou de Monaco : structure, clé de contrôle ou clé RIB fausse",
    remedy="le recopier depuis le RIB du client",
    cause="iban_invalid",
)


def diagnose(
    reader: DiagnosisReader,
    iban: str,
    *,
    currency: str | None,
    user: str | None,
    check_iban: Callable[[str], CheckedIban],
    meanings: Mapping[str, str],
    now: datetime,
) -> tuple[Diagnosis, ...]:
    """One checklist for each account of an IBAN (spaces allowed); one of its own kind where there is none.

    Args:
        currency: None takes every currency. user: looks at the accounts of his cabinets only; None is the operator.
        meanings: French explanation of the codes of formats and data contracts.
    """
    try:
        number = check_iban(iban)
    except InvalidIban:
        return (_concluded(iban, currency, None, [_INVALID], now=now),)
    found = reader.facts(number.bban, currency=currency, user=user)
    return tuple(
        _concluded(number.iban, currency, facts, _checks(facts, currency, meanings, now), now=now) for facts in found
    )


def _checks(facts: Facts, currency: str | None, meanings: Mapping[str, str], now: datetime) -> list[Check]:
    account = facts.account
    checks = iban_checks(account, currency)
    if account is None:
        return checks + (statement_checks(facts, now=now) if facts.received.total else []) + quarantine_checks(
            facts, meanings
        )  # fmt: skip
    checks += account_checks(account)
    checks += connector_checks(account)
    checks += association_checks(account)
    checks += mandate_checks(account)
    checks += statement_checks(facts, now=now)
    checks += quarantine_checks(facts, meanings)
    checks += batch_checks(facts, now=now)
    checks += partner_checks(account, now=now)
    return checks


def _concluded(
    iban: str, currency: str | None, facts: Facts | None, checks: Sequence[Check], *, now: datetime
) -> Diagnosis:
    account = facts.account if facts else None
    shown = tuple(_hidden(check, iban) for check in checks)
    worst = next((c for c in shown if c.verdict is Verdict.BLOCKING), None) or next((c for c in shown if c.cause), None)
    where = f", cabinet {account.cabinet}, dossier {account.dossier}" if account else ""
    currency = account.currency if account else currency
    lines = [
        f"Objet : relevé non reçu, compte {masked(iban)}{f' ({currency})' if currency else ''}{where}",
        f"Diagnostic So bank du {at(now)} (heure de Paris)",
        *(f"- {TITLES[check.step]} [{VERDICTS[check.verdict]}] : {check.evidence}" for check in shown),
    ]
    return Diagnosis(
        iban=masked(iban),
        currency=currency,
        cabinet=account.cabinet if account else None,
        dossier=account.dossier if account else None,
        checks=shown,
        cause=worst.cause if worst else "",
        conclusion=_conclusion(worst),
        for_support="\n".join(lines),
        account=account.id if account else None,
    )


def _conclusion(worst: Check | None) -> str:
    if worst is None:
        return (
            "rien ne s'oppose à la livraison ; si un relevé manque encore, écrire au support avec le texte ci-dessous"
        )
    then = f" ; à faire : {worst.remedy}" if worst.remedy else ""
    return f"{TITLES[worst.step]} : {worst.evidence}{then}"


def _hidden(check: Check, iban: str) -> Check:
    """The same check, with the account number masked wherever a bank put it: into the name of its file, say (O3)."""
    number = iban.replace(" ", "").upper()
    evidence = check.evidence
    for part in (number, number[4:], number[14:25]):
        if len(part) >= 11:
            evidence = evidence.replace(part, masked(part))
    if evidence == check.evidence:
        return check
    return Check(
        step=check.step, verdict=check.verdict, evidence=evidence, remedy=check.remedy, cause=check.cause
    )  # fmt: skip
