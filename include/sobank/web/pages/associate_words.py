"""The sentences of an association: what would change, what has changed, what cannot (A4–A7, A10)."""

from __future__ import annotations

from collections.abc import Sequence

from sobank.services.preview import Preview
from sobank.web.language import Language


def of_preview(language: Language, foreseen: Preview) -> list[str]:
    """What a change would do, one sentence a line."""
    count, say = language.count, language.say
    lines = [_leaving(language, name, foreseen.connector, n) for name, n in sorted(foreseen.leaving.items())]
    if foreseen.waiting:
        lines.append(count(
            "L'un d'eux n'a pas de mandat approuvé : ses relevés partiront dès qu'il en aura un.",
            "{n} d'entre eux n'ont pas de mandat approuvé : leurs relevés partiront dès qu'ils en auront un.",
            foreseen.waiting,
        ))  # fmt: skip
    if foreseen.already:
        lines.append(count(
            "{n} compte est déjà ainsi : rien ne change pour lui.",
            "{n} comptes sont déjà ainsi : rien ne change pour eux.",
            foreseen.already,
        ))  # fmt: skip
    if foreseen.closed:
        lines.append(count(
            "{n} compte clos reste comme il est.", "{n} comptes clos restent comme ils sont.", foreseen.closed
        ))  # fmt: skip
    if foreseen.had_global_file and not foreseen.global_file:
        lines.append(
            say("Tous les comptes ouverts du cabinet auraient un connecteur : il n'y aurait plus de fichier global.")
        )
    if foreseen.global_file and not foreseen.had_global_file:
        lines.append(say("Le cabinet aurait de nouveau un fichier global."))
    return lines


def _leaving(language: Language, name: str, to: str | None, n: int) -> str:
    if not name:
        return language.count(
            "Un compte quitterait le fichier global pour {to} à partir de son prochain relevé.",
            "Ces {n} comptes quitteraient le fichier global pour {to} à partir de leur prochain relevé.",
            n,
            to=to,
        )
    if to is None:
        return language.count(
            "Un compte quitterait {of} pour le fichier global à partir de son prochain relevé.",
            "Ces {n} comptes quitteraient {of} pour le fichier global à partir de leur prochain relevé.",
            n,
            of=name,
        )
    return language.count(
        "Un compte quitterait {of} pour {to} à partir de son prochain relevé.",
        "Ces {n} comptes quitteraient {of} pour {to} à partir de leur prochain relevé.",
        n,
        of=name,
        to=to,
    )


def of_refusals(language: Language, cabinet: str, *, strange: int, there: Sequence[str], closed: int) -> list[str]:
    """Why nothing of a selection can be changed. strange: accounts not of the cabinet; there: whose, if it is told."""
    lines = []
    if there:
        lines.append(language.say(
            "La sélection porte sur plusieurs cabinets : {there} en plus de {cabinet}. Associez cabinet par cabinet.",
            there=", ".join(there), cabinet=cabinet,
        ))  # fmt: skip
    elif strange:
        lines.append(language.count(
            "{n} compte de la sélection n'est pas du cabinet {cabinet}.",
            "{n} comptes de la sélection ne sont pas du cabinet {cabinet}.",
            strange,
            cabinet=cabinet,
        ))  # fmt: skip
    if closed:
        lines.append(language.count(
            "{n} compte de la sélection est clos : il ne peut plus être associé.",
            "{n} comptes de la sélection sont clos : ils ne peuvent plus être associés.",
            closed,
        ))  # fmt: skip
    return lines


def of_report(language: Language, *, changed: int, already: int, connector: str | None, global_file: bool) -> list[str]:
    """What a bulk change has done, and what becomes of the global file."""
    if connector is None:
        lines = [language.count(
            "{n} compte est maintenant sans connecteur.", "{n} comptes sont maintenant sans connecteur.", changed
        )]  # fmt: skip
    else:
        lines = [language.count(
            "{n} compte est maintenant associé à {connector}.",
            "{n} comptes sont maintenant associés à {connector}.",
            changed,
            connector=connector,
        )]  # fmt: skip
    if already:
        lines.append(language.count(
            "{n} compte l'était déjà : rien n'a changé pour lui.",
            "{n} comptes l'étaient déjà : rien n'a changé pour eux.",
            already,
        ))  # fmt: skip
    lines.append(
        language.say("Les relevés des comptes sans connecteur vont au fichier global du cabinet.")
        if global_file
        else language.say("Tous les comptes ouverts du cabinet ont un connecteur : il n'y a pas de fichier global.")
    )
    return lines
