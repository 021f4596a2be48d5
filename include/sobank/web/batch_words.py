"""What the pages say of a batch, in French: what its state means, what happens next, how an attempt ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sobank.domain.circuit import Circuit, CircuitKind
from sobank.domain.delivery import Batch, BatchState, Happening
from sobank.partners import Partner
from sobank.web.language import Language

_S = BatchState

MEANINGS: Final[dict[BatchState, str]] = {
    _S.SEALED: "Le fichier est prêt, ses octets ne changeront plus. Il n'est pas encore chez le destinataire.",
    _S.SENDING: "Un processus s'en occupe, ou s'est arrêté en route.",
    _S.UNCERTAIN: "Le fichier est parti, la réponse n'est pas venue ou n'a pas été comprise : il est peut-être arrivé.",
    _S.HELD: "Personne ne peut dire sans le demander au partenaire si ce fichier est arrivé chez lui.",
    _S.DELIVERED: "Le fichier est arrivé, entier : l'accusé ci-dessous le montre.",
    _S.REJECTED: "Le partenaire l'a refusé, ou une personne y a renoncé. Ses relevés sont en quarantaine.",
    _S.CANCELLED: "Une association ou un mandat a changé avant le premier essai. Rien n'est parti.",
}
_NEXT: Final[dict[BatchState, str]] = {
    _S.SEALED: "Rien à faire : la prochaine tournée l'envoie.",
    _S.UNCERTAIN: "Ne rien envoyer à la main. La prochaine tournée regarde d'abord chez le partenaire.",
    _S.HELD: "Demandez au partenaire s'il a ce fichier (nom, taille et SHA-256 ci-dessous), puis décidez.",
    _S.DELIVERED: "Rien à faire.",
    _S.REJECTED: "Voyez ses relevés en quarantaine : ils peuvent être libérés ou rejetés.",
    _S.CANCELLED: "Rien à faire : ses relevés sont affectés à nouveau par la prochaine tournée.",
}
_ASKED: Final = "Le partenaire demande une pause jusqu'au {until} : les envois attendent."
_OPEN: Final = (
    "Un réglage du connecteur est faux, plus rien ne lui est envoyé. Réparez-le puis testez la connexion ; sans cela,"
    " un seul essai est fait après le {until}."
)
_LEASED: Final = "Attendez : un processus s'en occupe jusqu'au {until} au plus tard."
_ABANDONED: Final = "Son processus s'est arrêté : la prochaine tournée regarde d'abord chez le partenaire, puis finit."
_TRIED: Final = (
    "Ne rien envoyer à la main : un essai d'avant a pu le déposer. La prochaine tournée regarde d'abord chez le"
    " partenaire."
)
#: How an attempt ended.
OUTCOMES: Final[dict[str | None, tuple[str, str]]] = {
    None: ("En cours", "plain"),
    Happening.ARRIVED: ("Arrivé", "ok"),
    Happening.NO_ANSWER: ("Sans réponse", "warn"),
    Happening.PROVED_NOT_RECEIVED: ("Pas arrivé", "warn"),
    Happening.REFUSED: ("Refusé par le partenaire", "bad"),
    Happening.DOUBTFUL: ("À demander au partenaire", "bad"),
    "lease_expired": ("Interrompu", "warn"),
    "reconciled": ("Repris après une restauration", "plain"),
}
#: Why a decision was not taken.
NO_REASON: Final = "Indiquez un motif."
CHANGED: Final = "L'état de l'envoi a changé entre-temps : rien n'a été fait. Voyez son état ci-dessus."
UNREACHED: Final = "Le connecteur ne peut pas être joint avec ses réglages : rien n'a été décidé. Testez sa connexion."
SILENT: Final = "Le partenaire ne dit pas ce qu'il a reçu : rien n'a été décidé. Réessayez quand il répond."
#: What people did to a batch, by the action of the audit event.
EVENTS: Final[dict[str, str]] = {
    "batch.retry": "Envoi demandé",
    "batch.released_by_person": "Libéré",
    "batch.confirmed_by_person": "Confirmé arrivé",
    "batch.rejected_by_person": "Abandonné",
    "batch.cancelled": "Annulé avant tout essai",
}
ROLES: Final[dict[str, str]] = {"operator": "opérateur"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verb:
    """What a person can decide: its path, title, what it does, its button. danger: it cannot be taken back."""

    path: str
    title: str
    does: str
    button: str
    danger: bool = False


RETRY: Final = Verb(
    path="retry", title="Envoyer maintenant", button="Envoyer maintenant",
    does="Regarde chez le partenaire si un essai a déjà eu lieu, puis l'envoie, après les envois plus anciens de la"
    " même destination. Ferme le coupe-circuit du connecteur s'il est ouvert. Rien n'est envoyé deux fois.",
)  # fmt: skip
RELEASE: Final = Verb(
    path="release", title="Le partenaire ne l'a pas", button="Libérer",
    does="L'envoi redevient prêt et la prochaine tournée l'envoie. Si le partenaire l'avait déjà, il l'aurait deux"
    " fois : demandez-lui avant.",
)  # fmt: skip
CONFIRM: Final = Verb(
    path="confirm", title="Le partenaire l'a", button="Confirmer",
    does="L'envoi est tenu pour livré sur votre parole, à votre nom, et n'est plus jamais envoyé. Comparez d'abord la"
    " taille et le SHA-256.",
)  # fmt: skip
REJECT: Final = Verb(
    path="reject", title="Y renoncer", button="Abandonner l'envoi", danger=True,
    does="L'envoi ne part plus jamais et ses relevés vont en quarantaine, d'où ils peuvent être libérés. À ne pas faire"
    " si le partenaire l'a reçu : confirmez.",
)  # fmt: skip
VERBS: Final = (RETRY, RELEASE, CONFIRM, REJECT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sentence:
    """A French text of this module, and the moments to fill in."""

    french: str
    values: dict[str, Any] = field(default_factory=dict)

    def said(self, language: Language) -> str:
        """In the language of who reads."""
        return language.say(self.french, **self.values)


def offered(batch: Batch, *, lease_until: datetime | None, now: datetime) -> tuple[Verb, ...]:
    """What may be decided of a batch in the state in which it is."""
    if batch.state is _S.HELD:
        return RELEASE, CONFIRM, REJECT
    abandoned = batch.state is _S.SENDING and (lease_until is None or lease_until <= now)
    return (RETRY,) if abandoned or batch.state in {_S.SEALED, _S.UNCERTAIN} else ()


def next_step(
    batch: Batch, *, lease_until: datetime | None, circuit: Circuit | None, now: datetime, moment: Any
) -> Sentence:
    """What happens next, or who must act; an open circuit of its connector comes first. moment: writes one."""
    if batch.state in {_S.SEALED, _S.UNCERTAIN} and circuit is not None and circuit.until > now:
        told = _ASKED if circuit.kind is CircuitKind.ASKED else _OPEN
        return Sentence(french=told, values={"until": moment(circuit.until)})
    if batch.state is _S.SENDING:
        if lease_until is not None and lease_until > now:
            return Sentence(french=_LEASED, values={"until": moment(lease_until)})
        return Sentence(french=_ABANDONED)
    if batch.state is _S.SEALED and batch.staging is not None:
        return Sentence(french=_TRIED)
    return Sentence(french=_NEXT[batch.state])


def destination_of(batch: Batch, partners: dict[str, Partner], language: Language) -> str:
    """Where a batch goes, as a person says it; the name of the connector where it is not the partner's."""
    if batch.partner is None:
        return language.say("Fichier global")
    label = partners[batch.partner].label if batch.partner in partners else batch.partner
    name = batch.destination.rpartition("/")[2]
    return label if name == batch.partner else f"{label} ({name})"


#: What this module says, for whoever checks that it has its English.
TEXTS: Final = (
    *MEANINGS.values(),
    *_NEXT.values(),
    *(_ASKED, _OPEN, _LEASED, _ABANDONED, _TRIED),
    *(name for name, _ in OUTCOMES.values()),
    *EVENTS.values(),
    *(text for verb in VERBS for text in (verb.title, verb.does, verb.button)),
    *(NO_REASON, CHANGED, UNREACHED, SILENT),
)
