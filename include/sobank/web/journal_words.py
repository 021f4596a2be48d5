"""What the journal says of an event, in French: what was done, to what, and each field before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from sobank.store.audit_trail import AuditRow
from sobank.web.language import Language
from sobank.web.rendering import moment
from sobank.web.words import STATES, STEPS

#: The kinds of events, by the first part of their action.
KINDS: Final[dict[str, str]] = {
    "account": "Comptes et associations",
    "batch": "Envois",
    "cabinet": "Cabinets",
    "circuit": "Coupe-circuits",
    "connector": "Connecteurs",
    "dossier": "Dossiers",
    "ledger": "Journal des livraisons",
    "mandate": "Mandats",
    "member": "Collaborateurs",
    "quarantine": "Quarantaine",
}
#: What was done. An action that is not here is shown as it is written.
ACTIONS: Final[dict[str, str]] = {
    "account.add": "IBAN ajouté",
    "account.associate": "Compte associé",
    "account.change": "Compte modifié",
    "account.dissociate": "Compte dissocié",
    "account.download": "Relevés téléchargés",
    "batch.cancelled": "Envoi annulé",
    "batch.confirmed_by_person": "Envoi confirmé chez le partenaire",
    "batch.download": "Fichier global téléchargé",
    "batch.rejected": "Envoi remplacé",
    "batch.rejected_by_person": "Envoi abandonné",
    "batch.released_by_person": "Envoi libéré",
    "batch.retry": "Envoi relancé",
    "cabinet.add": "Cabinet ajouté",
    "cabinet.change": "Cabinet modifié",
    "cabinet.edit": "Cabinet modifié",
    "circuit.close": "Coupe-circuit refermé",
    "circuit.open": "Coupe-circuit ouvert",
    "connector.add": "Connecteur ajouté",
    "connector.change": "Connecteur modifié",
    "connector.cut": "Connecteur coupé entièrement",
    "connector.delete": "Connecteur supprimé",
    "dossier.add": "Dossier ajouté",
    "dossier.change": "Dossier modifié",
    "ledger.reconciled": "Base restaurée, remise à niveau",
    "mandate.step": "Étape du mandat",
    "member.add": "Collaborateur ajouté",
    "member.change": "Profil modifié",
    "member.remove": "Collaborateur retiré",
    "member.set": "Profil attribué",
    "quarantine.rejected": "Relevé rejeté",
    "quarantine.released": "Relevé libéré",
}
#: What an event is about, by the first part of its subject.
THINGS: Final[dict[str, str]] = {
    "account": "Compte",
    "batch": "Envoi",
    "cabinet": "Cabinet",
    "connector": "Connecteur",
    "dossier": "Dossier",
    "member": "Collaborateur",
    "statement": "Relevé",
}
#: Fields of what changed. One that is not here is shown as it is written.
FIELDS: Final[dict[str, str]] = {
    "address": "adresse",
    "age": "clés age",
    "bank_name": "banque",
    "bucket": "compartiment",
    "closed": "clos",
    "closed_at": "clos le",
    "connection": "connexion",
    "connector": "connecteur",
    "currency": "devise",
    "destination": "destination",
    "dossier": "dossier",
    "dossier_id": "dossier n°",
    "encryption": "chiffrement",
    "folder": "dossier de dépôt",
    "format": "format",
    "from": "du",
    "iban": "IBAN masqué",
    "name": "nom",
    "partner": "partenaire",
    "prefix": "préfixe",
    "production_software": "logiciels de production",
    "profile": "profil",
    "settings": "réglages",
    "sha256": "SHA-256",
    "since": "depuis le",
    "siret": "siret",
    "society_id": "numéro de société",
    "state": "état",
    "statements": "relevés",
    "status": "état",
    "step": "étape",
    "to": "au",
}
STATUSES: Final[dict[str, str]] = {
    "pending": "à livrer", "decided": "affecté", "quarantined": "en quarantaine", "rejected": "rejeté",
}  # fmt: skip
ROLES: Final[dict[str, str]] = {
    "administrateur": "administrateur", "superviseur": "superviseur", "collaborateur": "collaborateur",
    "operator": "opérateur", "import": "import", "system": "système",
}  # fmt: skip
_NONE, _YES, _NO = "aucun", "oui", "non"
#: Every table whose French texts are translated.
TABLES: Final = (KINDS, ACTIONS, THINGS, FIELDS, STATUSES, ROLES, {"": _NONE, "yes": _YES, "no": _NO})


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One field of an event in words; None where the thing was not there before, or is not there after."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What an event is about, in words. path: of its page, "" where it has none."""

    text: str
    path: str


def changes(event: AuditRow, language: Language) -> list[Change]:
    """The fields that an event changed, in the order in which they were written."""
    before, after = event.before or {}, event.after or {}
    return [
        Change(
            name=field_said(name, language),
            before=None if event.before is None else value_said(name, before.get(name), language),
            after=None if event.after is None else value_said(name, after.get(name), language),
        )
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def field_said(name: str, language: Language) -> str:
    """The name of a field."""
    return language.say(FIELDS.get(name, name))


def value_said(name: str, value: Any, language: Language) -> str:
    """A value of a field as people read it: no braces, no quotes, days as in France."""
    if value is None or value in ("", [], {}):
        return language.say(_NONE)
    if isinstance(value, bool):
        return language.say(_YES if value else _NO)
    if isinstance(value, Mapping):
        pairs = ((field_said(key, language), value_said(key, one, language)) for key, one in value.items())
        return language.say(" ; ").join(f"{language.say('{name} :', name=key)} {one}" for key, one in pairs)
    if isinstance(value, list):
        return ", ".join(value_said(name, one, language) for one in value)
    text = str(value)
    if name in _VALUES:
        return language.say(_VALUES[name].get(text, text))
    if name in {"since", "closed_at"}:
        return _moment_said(text)
    return text


def subject_of(event: AuditRow, language: Language) -> Subject:
    """What an event is about: `connector:CAB001/fizen` is `Connecteur fizen`, with the page that looks after it."""
    kind, _, key = event.subject.partition(":")
    thing = THINGS.get(kind)
    if thing is None:
        return Subject(text=event.subject, path="")
    number, _, rest = key.partition(" ")
    cabinet, _, name = key.partition("/")
    paths = {
        "account": f"/accounts/{number}" if number.isdecimal() else "",
        "batch": f"/deliveries/{number}",
        "statement": f"/quarantine/{number}",
        "cabinet": f"/cabinets/{quote(cabinet)}",
        "connector": f"/cabinets/{quote(cabinet)}",
        "member": f"/cabinets/{quote(cabinet)}/members",
        "dossier": f"/cabinets/{quote(cabinet)}/dossiers/{quote(name)}",
    }
    text = key
    if kind == "account" and number.isdecimal():
        text = rest or number
    elif kind in {"connector", "member", "dossier"}:
        text = name
    return Subject(text=f"{language.say(thing)} {text}", path=paths[kind])


def _moment_said(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment(at) if at.tzinfo else text


#: Fields whose values have words of their own.
_VALUES: Final[dict[str, Mapping[str, str]]] = {
    "step": {str(step): name for step, name in STEPS.items() if step},
    "state": {str(state): name for state, (name, _) in STATES.items()},
    "status": STATUSES,
    "profile": ROLES,
}
