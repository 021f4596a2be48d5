"""What support reads in a diagnosis, in French: titles, reasons of the quarantine, steps of the mandate, what to do."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from sobank.domain.day import BANK_ZONE
from sobank.domain.diagnosis import Step, Verdict
from sobank.domain.registry import MandateStep
from sobank.domain.routing import Reason


class Said(NamedTuple):
    """What is the matter, and what to do about it."""

    why: str
    remedy: str


TITLES: Final[dict[Step, str]] = {
    Step.IBAN: "IBAN",
    Step.ACCOUNT: "Compte et cabinet",
    Step.CONNECTOR: "Connecteurs du cabinet",
    Step.ASSOCIATION: "Association du compte",
    Step.MANDATE: "Mandat",
    Step.STATEMENTS: "Relevés reçus",
    Step.QUARANTINE: "Quarantaine",
    Step.BATCH: "Envoi",
    Step.PARTNER: "Liaison avec le partenaire",
}
VERDICTS: Final[dict[Verdict, str]] = {
    Verdict.OK: "OK",
    Verdict.ATTENTION: "à noter",
    Verdict.BLOCKING: "bloquant",
}

_RELEASE = "puis libérer le relevé : `sobank quarantine release {id} --by NOM --why RAISON`"
_REJECT = "`sobank quarantine reject {id} --by NOM --why RAISON`"
#: Remedy of what a format or a data contract found; its meaning comes with the code.
BAD_STATEMENT: Final = (
    "demander à la banque de renvoyer le relevé corrigé et rejeter celui-ci : " + _REJECT + " ; si la banque le"
    " confirme tel quel, le libérer : `sobank quarantine release {id} --by NOM --why RAISON`"
)
QUARANTINE: Final[dict[Reason, Said]] = {
    Reason.UNKNOWN_ACCOUNT: Said(
        "aucun cabinet n'avait enregistré ce compte à la réception", "enregistrer le compte, " + _RELEASE
    ),
    Reason.UNBALANCED: Said("ancien solde + mouvements ≠ nouveau solde", BAD_STATEMENT),
    Reason.CONFLICT: Said(
        "le même relevé a déjà été reçu avec un autre contenu",
        "demander à la banque lequel est le bon, rejeter l'autre (" + _REJECT + "), puis libérer le bon",
    ),
    Reason.DATE_TO_COME: Said("la date de clôture est à plus de six mois après la réception", BAD_STATEMENT),
    Reason.CONNECTOR_MISSING: Said(
        "le connecteur du compte n'était plus sur le cabinet", "associer le compte à un connecteur, " + _RELEASE
    ),
    Reason.MANDATE_REVOKED: Said(
        "le mandat était révoqué", "rien ne peut partir sans nouveau mandat approuvé ; l'obtenir, " + _RELEASE
    ),
    Reason.MANDATE_EXPIRED: Said("le mandat avait expiré", "faire signer un nouveau mandat, " + _RELEASE),
    Reason.ACCOUNT_CLOSED: Said(
        "le compte est clos dans le registre", "si le compte est toujours ouvert, corriger le registre, " + _RELEASE
    ),
    Reason.CABINET_CLOSED: Said("le cabinet est fermé", "rouvrir le cabinet, " + _RELEASE),
    Reason.CLAIMED_TWICE: Said(
        "deux cabinets ont enregistré ce compte", "faire clore le compte dans l'un des deux cabinets, " + _RELEASE
    ),
    Reason.REJECTED_BY_PARTNER: Said(
        "le partenaire a refusé le fichier", "corriger ce que le partenaire indique, " + _RELEASE
    ),
    Reason.BATCH_REJECTED: Said(
        "une personne a abandonné l'envoi retenu où il était", "si le relevé doit partir, le libérer : "
        "`sobank quarantine release {id} --by NOM --why RAISON`"
    ),
}  # fmt: skip

MANDATE: Final[dict[MandateStep | None, Said]] = {
    None: Said("aucun mandat n'a été commencé", "commencer le mandat : `sobank mandates set IBAN draft --by NOM`"),
    MandateStep.DRAFT: Said("brouillon, pas encore signé", "faire signer le mandat par le client"),
    MandateStep.SIGNED: Said("signé, pas encore envoyé à la banque", "envoyer le mandat à la banque"),
    MandateStep.SENT_TO_BANK: Said("envoyé à la banque, pas encore pris en charge", "relancer la banque"),
    MandateStep.BANK_PROCESSING: Said("en traitement à la banque", "attendre la banque, ou la relancer"),
    MandateStep.APPROVED: Said("approuvé", ""),
    MandateStep.REJECTED: Said("refusé par la banque", "lire le motif de la banque et faire signer un nouveau mandat"),
    MandateStep.REVOKED: Said("révoqué", "rien ne peut partir ; faire signer un nouveau mandat s'il y a lieu"),
    MandateStep.EXPIRED: Said("expiré", "faire signer un nouveau mandat"),
}


def on(day: date) -> str:
    """A day as it is written in France; of a moment, its day in Paris."""
    return f"{day.astimezone(BANK_ZONE) if isinstance(day, datetime) else day:%d/%m/%Y}"


def at(moment: datetime | None) -> str:
    """A moment in Paris as it is written in France."""
    return f"{moment.astimezone(BANK_ZONE):%d/%m/%Y à %H:%M}" if moment else "date inconnue"
