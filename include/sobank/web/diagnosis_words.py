"""What a diagnosis says on the pages: what to do, on which page. The command line has its own words for that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sobank.domain.diagnosis import Check, Diagnosis, Step, Verdict
from sobank.domain.diagnosis_words import TITLES, VERDICTS
from sobank.domain.routing import Reason
from sobank.web.language import Language, spaced
from sobank.web.rule_words import remedy_of

#: What to do, by the cause of a check; quarantine has the words of its own page.
REMEDIES: Final[dict[str, str]] = {
    "iban_unknown": "Vérifiez l'IBAN et la devise. S'il manque vraiment, ajoutez-le au cabinet de ce client.",
    "claimed_by_two_cabinets": "Faites clore le compte dans tous les cabinets sauf un : écrivez au support.",
    "cabinet_closed": "Si le cabinet est toujours client, écrivez au support pour le rouvrir.",
    "account_closed": "Si le compte est toujours ouvert, écrivez au support pour corriger le registre.",
    "no_connector_on_cabinet": "Un administrateur ou un superviseur du cabinet peut en ajouter un.",
    "not_associated": "Pour envoyer ses relevés à un partenaire, associez le compte à un connecteur.",
    "connector_missing": "Associez le compte à un connecteur du cabinet, ou à aucun.",
    "mandate_none": "Commencez le mandat sur la fiche du compte.",
    "mandate_draft": "Faites signer le mandat par le client, puis notez-le sur la fiche.",
    "mandate_signed": "Envoyez le mandat à la banque, puis notez-le sur la fiche.",
    "mandate_sent_to_bank": "Relancez la banque.",
    "mandate_bank_processing": "Attendez la banque, ou relancez-la.",
    "mandate_rejected": "Lisez le motif de la banque et faites signer un nouveau mandat.",
    "mandate_revoked": "Rien ne peut partir. Faites signer un nouveau mandat s'il y a lieu.",
    "mandate_expired": "Faites signer un nouveau mandat.",
    "no_statement_here": "Un seul cabinet peut collecter ce compte : voyez ci-dessus.",
    "no_statement": "Vérifiez auprès de la banque qu'elle transmet ce compte.",
    "statements_stopped": "Demandez à la banque pourquoi elle n'envoie plus rien.",
    "waiting_for_mandate": "Rien à faire ici : ils partiront d'eux-mêmes quand le mandat sera approuvé.",
    "undecided": "Attendez la prochaine tournée : elle les prendra.",
    "quarantined": "La page Quarantaine les montre tous.",
    "batch_held": "Demandez au partenaire s'il a ce fichier, puis décidez sur la page de l'envoi.",
    "batch_uncertain": "Ne renvoyez rien à la main : la prochaine tournée regarde d'abord chez le partenaire.",
    "batch_behind": "Réglez d'abord l'envoi qui le précède.",
    "batch_sending": "Attendez la fin de l'envoi ; s'il s'est arrêté, la prochaine tournée le reprend.",
    "batch_retried": "La prochaine tournée l'essaie à nouveau ; un superviseur peut le relancer avant.",
    "batch_sealed": "La prochaine tournée l'envoie.",
    "partner_pause": "Attendez la fin de la pause.",
    "circuit_open": "Corrigez la connexion du connecteur, puis testez-la.",
}
#: By verdict: the sign where colours are not seen, and the tone.
SIGNS: Final[dict[Verdict, tuple[str, str]]] = {
    Verdict.OK: ("✔", "ok"), Verdict.ATTENTION: ("!", "warn"), Verdict.BLOCKING: ("✘", "bad"),
}  # fmt: skip
SHEET, CONNECTORS, STATEMENT, BATCH = "Fiche du compte", "Connecteurs du cabinet", "Voir ce relevé", "Voir cet envoi"
QUARANTINE, FIRST = "Voir la quarantaine", "Voir l'envoi qui précède"
#: What this module says, for whoever checks that it has its English.
TEXTS: Final = (
    *REMEDIES.values(), *TITLES.values(), *VERDICTS.values(), SHEET, CONNECTORS, STATEMENT, BATCH, QUARANTINE, FIRST,
)  # fmt: skip
#: The number that the evidence of a check begins with, and that of a batch before it.
_NUMBER: Final = re.compile(r"(?:relevé|envoi) (\d+)\b")
_BEFORE: Final = re.compile(r"derrière l'envoi (\d+)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A check as the page shows it. path: where to act, "" where nothing is to be done; link: what that is called."""

    title: str
    verdict: str
    sign: str
    tone: str
    evidence: str
    remedy: str
    path: str
    link: str


def lines_of(found: Diagnosis, language: Language, *, operator: bool) -> list[Line]:
    """The checklist of a diagnosis, in the order in which support asks. operator: sees what is of no cabinet."""
    return [_line(check, found, language, operator=operator) for check in found.checks]


def decisive(found: Diagnosis) -> int | None:
    """Place of the check that decides: the first that blocks, else the first to be noted; None where all is well."""
    return next((at for at, check in enumerate(found.checks) if found.cause and check.cause == found.cause), None)


def _line(check: Check, found: Diagnosis, language: Language, *, operator: bool) -> Line:
    path, link = _where(check, found, operator=operator) if check.cause else ("", "")
    sign, tone = SIGNS[check.verdict]
    return Line(
        title=language.say(TITLES[check.step]),
        verdict=language.say(VERDICTS[check.verdict]),
        sign=sign,
        tone=tone,
        evidence=_sentence(check.evidence),
        remedy=_remedy(check, language),
        path=path,
        link=language.say(link) if link else "",
    )


def _remedy(check: Check, language: Language) -> str:
    if not check.cause:
        return ""
    if check.step is Step.QUARANTINE and check.cause != "quarantined":
        return remedy_of(check.cause, language)
    return language.say(REMEDIES[check.cause]) if check.cause in REMEDIES else _sentence(check.remedy)


def _where(check: Check, found: Diagnosis, *, operator: bool) -> tuple[str, str]:
    """The page on which to act, and its name."""
    number = _NUMBER.match(check.evidence)
    if check.step is Step.BATCH and (before := _BEFORE.search(check.evidence)):
        return f"/deliveries/{before[1]}", FIRST
    if check.step is Step.BATCH and number:
        return f"/deliveries/{number[1]}", BATCH
    if check.step is Step.QUARANTINE:
        known = operator or (found.account is not None and check.cause != Reason.UNKNOWN_ACCOUNT)
        return (f"/quarantine/{number[1]}", STATEMENT) if number and known else ("/quarantine", QUARANTINE)
    if check.step in {Step.CONNECTOR, Step.PARTNER} and found.cabinet:
        return f"/cabinets/{found.cabinet}/connectors", CONNECTORS
    return (f"/accounts/{found.account}", SHEET) if found.account is not None else ("", "")


def _sentence(text: str) -> str:
    """With a capital and a full stop; what the checks say is French in every language."""
    said = spaced(text[:1].upper() + text[1:])
    return said if said.endswith((".", "…", "»")) else f"{said}."
