"""What the quarantine is called on the pages: the numbers that rules look at, what to do about each reason."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from sobank import meanings
from sobank.domain.routing import MISREAD, Reason
from sobank.quality.contract import load_all
from sobank.web.language import Language


class Kind(StrEnum):
    """How a number is shown."""

    AMOUNT = "amount"
    DAY = "day"
    NUMBER = "number"
    DAYS = "days"


#: Columns of the frames that rules name; one that is not here is shown under its own name.
COLUMNS: Final[dict[str, tuple[str, Kind]]] = {
    "unreadable_parts": ("soldes ou dates illisibles", Kind.NUMBER),
    "balance_difference": ("ouverture + écritures − clôture", Kind.AMOUNT),
    "n_entries": ("écritures comptées à la lecture", Kind.NUMBER),
    "entries_counted": ("écritures trouvées", Kind.NUMBER),
    "credit": ("crédits comptés à la lecture", Kind.AMOUNT),
    "entries_credit": ("crédits trouvés", Kind.AMOUNT),
    "debit": ("débits comptés à la lecture", Kind.AMOUNT),
    "entries_debit": ("débits trouvés", Kind.AMOUNT),
    "period_days": ("durée de la période", Kind.DAYS),
    "business_day_offset": ("écart entre date du relevé et clôture", Kind.DAYS),
    "due_day": ("jour où le relevé est dû", Kind.DAY),
    "business_day": ("date du relevé", Kind.DAY),
    "decimals": ("décimales", Kind.NUMBER),
    "opening": ("solde d'ouverture", Kind.AMOUNT),
    "closing": ("solde de clôture", Kind.AMOUNT),
    "records_length": ("octets des enregistrements", Kind.NUMBER),
    "records_length_expected": ("octets attendus", Kind.NUMBER),
    "n_records": ("enregistrements", Kind.NUMBER),
    "records_least": ("enregistrements nécessaires", Kind.NUMBER),
    "account_length": ("caractères du numéro de compte", Kind.NUMBER),
    "currency_length": ("caractères de la devise", Kind.NUMBER),
    "chain_difference": ("ouverture − clôture du relevé précédent", Kind.AMOUNT),
    "seq": ("numéro de l'écriture", Kind.NUMBER),
    "seq_expected": ("numéro attendu", Kind.NUMBER),
    "amount": ("montant", Kind.AMOUNT),
    "booking_day": ("date de comptabilisation", Kind.DAY),
    "days_outside_period": ("hors de la période de", Kind.DAYS),
    "value_days_away": ("écart entre date de valeur et comptabilisation", Kind.DAYS),
    "label_length": ("caractères du libellé", Kind.NUMBER),
    "details_length": ("caractères du détail", Kind.NUMBER),
}
#: What to do about a reason, on the pages; the command line has its own words.
REMEDIES: Final[dict[str, str]] = {
    Reason.UNKNOWN_ACCOUNT: "Ajoutez l'IBAN au cabinet à qui il appartient, puis libérez le relevé.",
    Reason.UNBALANCED: "Demandez à la banque de renvoyer le relevé corrigé et rejetez celui-ci ; libérez-le seulement"
    " si elle le confirme tel quel.",
    Reason.CONFLICT: "Demandez à la banque quelle version est la bonne, rejetez l'autre, puis libérez la bonne.",
    Reason.DATE_TO_COME: "Demandez à la banque de renvoyer le relevé avec sa vraie date et rejetez celui-ci.",
    Reason.CONNECTOR_MISSING: "Associez le compte à un connecteur du cabinet, ou à aucun, puis libérez le relevé.",
    Reason.MANDATE_REVOKED: "Rien ne part sans mandat : faites-en signer un nouveau, puis libérez le relevé ; sinon"
    " rejetez-le.",
    Reason.MANDATE_EXPIRED: "Faites signer un nouveau mandat, puis libérez le relevé.",
    Reason.ACCOUNT_CLOSED: "Si le compte est encore ouvert, corrigez le registre, puis libérez le relevé ; sinon"
    " rejetez-le.",
    Reason.CABINET_CLOSED: "Le cabinet est fermé : rejetez le relevé, ou rouvrez le cabinet puis libérez-le.",
    Reason.CLAIMED_TWICE: "Un seul cabinet peut collecter ce compte : l'autre le clôt, puis libérez le relevé.",
    Reason.REJECTED_BY_PARTNER: "Corrigez ce que le partenaire indique, puis libérez le relevé : il repart dans un"
    " nouvel envoi.",
    Reason.BATCH_REJECTED: "Si le relevé doit encore partir, libérez-le ; si le partenaire l'a déjà reçu, rejetez-le.",
    **dict.fromkeys(
        MISREAD, "Demandez à la banque de renvoyer le relevé, puis rejetez celui-ci : il ne peut pas être libéré."
    ),
}
#: What formats and data contracts find is the bank's to mend.
_OF_THE_BANK: Final = REMEDIES[Reason.UNBALANCED]
STATUSES: Final[dict[str, tuple[str, str]]] = {
    "pending": ("En attente de décision", "plain"),
    "decided": ("Affecté à un envoi", "ok"),
    "quarantined": ("En quarantaine", "bad"),
    "rejected": ("Rejeté", "plain"),
}
#: Why a decision was not taken.
NOT_KEPT: Final = "Règle non respectée : {rule}"
NO_REASON: Final = "Indiquez un motif."
NONE_CHOSEN: Final = "Choisissez au moins un relevé."
GONE: Final = "Il n'est plus en quarantaine : rien n'a été décidé. Voyez ci-dessous qui a décidé avant vous."
ONE_GONE: Final = "Un relevé n'est plus en quarantaine : rien n'a été décidé. La liste ci-dessous est à jour."
UNREADABLE: Final = (
    "Il ne peut pas être libéré : un solde, une date ou un morceau est illisible, aucun partenaire ne le prendrait."
    " Demandez à la banque de le renvoyer, puis rejetez celui-ci."
)
ON_ITS_WAY: Final = (
    "Il ne peut pas être libéré : le même relevé avec un autre contenu est déjà en route ou livré. Rejetez celui-ci ;"
    " si c'est le bon, convenez de la correction avec le partenaire."
)
#: What this module says, for whoever checks that it has its English.
TEXTS: Final = (
    *(name for name, _ in COLUMNS.values()),
    *REMEDIES.values(),
    *(name for name, _ in STATUSES.values()),
    *(NOT_KEPT, NO_REASON, NONE_CHOSEN, GONE, ONE_GONE, UNREADABLE, ON_ITS_WAY),
)


def remedy_of(reason: str, language: Language) -> str:
    """What to do about a reason."""
    return language.say(REMEDIES.get(reason, _OF_THE_BANK))


def meaning_of(reason: str, contracts: Path, language: Language) -> str:
    """What a reason, a rule or a code of a format means; the code itself where nobody says."""
    said = _meanings(contracts, language.code).get(reason, reason)
    said = language.say(said[:1].upper() + said[1:].rstrip("."))
    # A rule of a contract says what should be; a reason says what is.
    return language.say(NOT_KEPT, rule=said) if reason in _rules_alone(contracts) else said


@cache
def _meanings(contracts: Path, code: str) -> dict[str, str]:
    return (meanings.french if code == "fr" else meanings.english)(contracts)


@cache
def _rules_alone(contracts: Path) -> frozenset[str]:
    """Rules that no format and no reason of ours explains under the same name."""
    rules = {rule.name: rule.french for one in load_all(contracts).values() for rule in one.rules}
    return frozenset(name for name, text in rules.items() if _meanings(contracts, "fr")[name] == text)
