"""What a connection test found, in the words of the pages: what sinks say is English and for engineers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sobank.domain.sink import ConnectionReport
from sobank.web.language import Language

#: How a partner takes its files, by kind of sink.
SINKS: Final = {"sftp": "SFTP", "https": "API HTTPS", "s3": "Stockage objet S3", "folder": "Dossier local"}
#: The settings that kinds of sinks know: what they are called, and what to write.
FIELDS: Final = {
    "folder": ("Dossier de dépôt", "Chemin complet, ou depuis le dossier de l'identifiant ; vide : ce dossier-là."),
    "society_id": ("Numéro de société", "Celui de la société chez MyUnisoft, en chiffres."),
    "bucket": ("Compartiment", "Nom du compartiment (bucket) qui reçoit les fichiers."),
    "prefix": ("Préfixe", "Ce qui précède le nom de chaque fichier ; peut rester vide."),
}
#: What a test says is there or is not, as the sinks put it → in French.
_FOUND: Final[tuple[tuple[str, str], ...]] = (
    (r"fsync", "Écriture confirmée sur le disque du serveur"),
    (r"rename that refuses to replace", "Dépôt en une fois, sans jamais remplacer un fichier"),
    (r"(?P<n>\d+) MiB free", "Espace libre : {n} Mio"),
    (r"write permission", "Droit d'écriture"),
    (r"no write permission", "Pas de droit d'écriture"),
    (r"write permission is not known before the first file", "Le droit d'écriture ne se saura qu'au premier fichier"),
    (r"no fsync: .*", "Écriture non confirmée : une panne de courant chez le partenaire peut perdre un fichier"),
    (r"free space is not known", "L'espace libre n'est pas connu"),
    (r"no rename.*", "Pas de dépôt en une fois : les fichiers ne pourront pas être publiés"),
    (r"token accepted", "Jeton accepté"),
    (
        r"whether the token is accepted shows with the first file",
        "L'acceptation du jeton ne se saura qu'au premier fichier",
    ),
    (r"no TLS: .*", "Pas de chiffrement TLS : tout est lisible en chemin"),
    (r"TLSv(?P<version>[\d.]+).*", "Liaison chiffrée (TLS {version})"),
    (
        r"(?P<n>\d+) requests in (?P<seconds>[\d.]+) s, (?P<most>\d+) at once",
        "{n} requêtes par {seconds} s, {most} à la fois",
    ),
    (r"(?P<most>\d+) at once", "{most} à la fois"),
    (r"recognises statements that it imported before", "Reconnaît les relevés déjà importés"),
    (r"can be asked what arrived", "Peut dire ce qui est arrivé"),
    (r"cannot be asked what arrived", "Ne peut pas dire ce qui est arrivé"),
    (
        r"whether the society is right shows with the first file",
        "L'exactitude de la société ne se saura qu'au premier fichier",
    ),
    (r"remembers a key for (?P<n>\d+) days", "Se souvient d'un envoi pendant {n} jours"),
    (
        r"remembers no key: .*",
        "Ne se souvient pas des envois : après une réponse perdue, une personne peut avoir à décider",
    ),
    (r"bucket in region (?P<region>.*)", "Compartiment dans la région {region}"),
    (r"reads objects", "Lecture des objets"),
    (r"lists uploads", "Liste des envois en cours"),
    (r"whether it may write, .*", "Le droit d'écriture ne se saura qu'au premier fichier"),
)
#: Why a test failed, by what stands in the error → in French, with what to do.
_FAILED: Final[tuple[tuple[str, str], ...]] = (
    (
        r"no such Airflow connection",
        "Airflow n'a pas cette connexion, ou ne peut pas la lire. Un administrateur d'Airflow peut la créer.",
    ),
    (
        r"Airflow connection names no host|no Airflow connection that names a host",
        "La connexion n'indique aucun serveur. Un administrateur d'Airflow peut la compléter.",
    ),
    (
        r"names no user|neither a password nor a private key|private key cannot be read|no usable",
        "La connexion est incomplète : il y manque un identifiant, un mot de passe, une clé ou un jeton.",
    ),
    (
        r"no host key is pinned",
        "La connexion ne dit pas à quelle clé reconnaître le serveur. Un administrateur d'Airflow peut l'ajouter.",
    ),
    (
        r"host key is not the pinned one|none for the pinned host key",
        "Le serveur ne présente pas la clé attendue. Demandez au partenaire, par un autre moyen, si elle a changé.",
    ),
    (
        r"refuses the login|the store refuses|answered 40[13]",
        "Le partenaire refuse l'accès. Vérifiez avec lui l'identifiant et la clé.",
    ),
    (r"there is no such folder", "Ce dossier n'existe pas chez le partenaire. Vérifiez le dossier du connecteur."),
    (r"the folder cannot be used", "Le dossier ne peut pas être utilisé. Vérifiez qu'il existe, et ses droits."),
    (r"the server denies it|read-only", "Le serveur ne donne pas les droits voulus. Demandez-les au partenaire."),
    (r"give no society_id", "Le numéro de société manque, ou n'est pas un nombre."),
    (r"bucket", "Le compartiment manque, ou n'est pas accessible."),
    (r"certificate|TLS", "Le certificat du partenaire n'est pas accepté."),
    (r"private network", "L'adresse du serveur est celle d'un réseau privé : elle est refusée."),
    (
        r"no such host|cannot be res|no answer|cannot be reached|connection failed|no connection|exchange broke",
        "Le serveur ne répond pas. Vérifiez l'adresse, ou réessayez plus tard.",
    ),
    (r"the catalogue has no partner", "Ce partenaire n'est plus au catalogue."),
)
_UNKNOWN: Final = "Le partenaire refuse, ou ne répond pas."
_FOUND_BY: Final = tuple((re.compile(pattern, re.DOTALL), french) for pattern, french in _FOUND)
#: Every text that can come of it, for whoever checks that each has its English.
TEXTS: Final = (
    *SINKS.values(), *(text for both in FIELDS.values() for text in both),
    *(french for _, french in (*_FOUND, *_FAILED)), _UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """A connection test as a page shows it. reason: why it failed; detail: the same as an engineer reads it."""

    works: bool
    able: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()
    reason: str = ""
    detail: str = ""


def shown(report: ConnectionReport, language: Language) -> Shown:
    """A report in the language of the visitor; what has no words of ours is shown as the sink said it."""
    if report.reachable:
        able, degraded = (
            tuple(found_in_words(text, language) for text in texts) for texts in (report.capabilities, report.degraded)
        )
        return Shown(works=True, able=able, degraded=degraded)
    detail = "\n".join(report.degraded)
    line = detail.partition("\n")[0]
    what = line.partition(": ")[2] or line
    reason = next((french for pattern, french in _FAILED if re.search(pattern, what)), _UNKNOWN)
    return Shown(works=False, reason=language.say(reason), detail=detail)


def found_in_words(text: str, language: Language) -> str:
    """One finding; the text itself where we have no words for it (a server's own version)."""
    for pattern, french in _FOUND_BY:
        if found := pattern.fullmatch(text):
            return language.say(french, **found.groupdict())
    return text
