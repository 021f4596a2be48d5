"""What steps, states and notes are called on the pages, in French; `english/words.yaml` has the other."""

from __future__ import annotations

from typing import Final

from fastapi import Request

from sobank.domain.delivery import BatchState
from sobank.domain.registry import MandateStep
from sobank.web.language import Language

STEPS: Final[dict[MandateStep | None, str]] = {
    None: "Aucun mandat",
    MandateStep.DRAFT: "Brouillon",
    MandateStep.SIGNED: "Signé",
    MandateStep.SENT_TO_BANK: "Envoyé à la banque",
    MandateStep.BANK_PROCESSING: "En traitement à la banque",
    MandateStep.APPROVED: "Approuvé",
    MandateStep.REJECTED: "Rejeté",
    MandateStep.REVOKED: "Révoqué",
    MandateStep.EXPIRED: "Expiré",
}
#: The state of a batch, and the tone in which it is shown.
STATES: Final[dict[BatchState, tuple[str, str]]] = {
    BatchState.SEALED: ("Scellé", "plain"),
    BatchState.SENDING: ("En cours d'envoi", "plain"),
    BatchState.UNCERTAIN: ("Sans réponse", "warn"),
    BatchState.HELD: ("Retenu", "bad"),
    BatchState.DELIVERED: ("Livré", "ok"),
    BatchState.REJECTED: ("Abandonné", "bad"),
    BatchState.CANCELLED: ("Annulé", "plain"),
}


def _alike(text: str) -> tuple[str, str]:
    """A note that is the same for one and for many."""
    return text, text


#: What the page before has done, by the key that `rendering.redirect` was given: one sentence, then for many.
NOTES: Final[dict[str, tuple[str, str]]] = {
    "account_associated": _alike("Le compte est associé à partir de son prochain relevé."),
    "account_dissociated": _alike("Le compte est sans connecteur : ses prochains relevés iront au fichier global."),
    "account_as_was": _alike("Rien n'a changé : le compte était déjà ainsi."),
    "mandate_stepped": ("L'étape du mandat est notée.",) * 2,
    "dossier_added": _alike("Le dossier est ajouté. Ajoutez son premier IBAN."),
    "cabinet_added": _alike("Le cabinet est ajouté. Ajoutez ses collaborateurs."),
    "cabinet_changed": _alike("La fiche du cabinet est modifiée."),
    "cabinet_same": _alike("Rien n'a changé : la fiche était déjà ainsi."),
    "connector_cut": (
        "Le connecteur est coupé : {n} compte n'a plus de connecteur.",
        "Le connecteur est coupé : {n} comptes n'ont plus de connecteur.",
    ),
    "connector_removed": _alike("Le connecteur est supprimé."),
    "member_removed": _alike("Le collaborateur est retiré."),
    "member_same": _alike("Rien n'a changé : ce profil était déjà le sien."),
    "member_set": _alike("Le profil est enregistré."),
    "backfill_started": ("Rattrapage de {n} jour lancé dans Airflow.", "Rattrapage de {n} jours lancé dans Airflow."),
    "backfill_partly": (
        "Rattrapage de {n} jour lancé dans Airflow ; revenez pour les autres quand il sera terminé.",
        "Rattrapage de {n} jours lancé dans Airflow ; revenez pour les autres quand il sera terminé.",
    ),
    "backfill_empty": _alike("Rien à rattraper : ces jours ont déjà leur tournée."),
    "batch_retried": _alike("L'envoi a été essayé : son état et le dernier essai disent ce qu'il en est."),
    "batch_released": _alike("L'envoi est libéré : la prochaine tournée l'envoie."),
    "batch_released_left": _alike("L'envoi est libéré : la prochaine tournée l'envoie."),
    "batch_confirmed": _alike("L'envoi est tenu pour livré sur votre parole."),
    "batch_confirmed_left": _alike(
        "L'envoi est tenu pour livré ; un fichier d'attente est resté chez le partenaire et peut y être effacé."
    ),
    "batch_rejected": _alike("L'envoi est abandonné : ses relevés sont en quarantaine."),
    "batch_rejected_left": _alike(
        "L'envoi est abandonné ; un fichier d'attente est resté chez le partenaire : il doit y être effacé."
    ),
    "statements_released": (
        "Le relevé est libéré : la prochaine tournée le prend.",
        "{n} relevés sont libérés : la prochaine tournée les prend.",
    ),
    "statements_rejected": (
        "Le relevé est rejeté : il ne partira jamais.",
        "{n} relevés sont rejetés : ils ne partiront jamais.",
    ),
}
#: Digits of the largest number of a note.
_DIGITS: Final = 9


def step_name(step: MandateStep | str | None) -> str:
    """A step of a mandate in French; `Aucun mandat` for none."""
    return STEPS[MandateStep(step) if step else None]


def note_of(request: Request, language: Language) -> str:
    """What the page before has done, of the query `note` and `n`; empty for anything else that stands there."""
    found, n = NOTES.get(request.query_params.get("note", "")), request.query_params.get("n", "1")
    if found is None or not n.isdecimal() or len(n) > _DIGITS:
        return ""
    return language.count(*found, int(n))
