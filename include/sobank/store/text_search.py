"""Parts of texts as people type them: small letters, without accents, and every sign as it is."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from sobank.store.schema import dossiers

#: The letters of French in both cases: not every PostgreSQL knows what the small letter of É is.
_ACCENTED: Final = "ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÑàâäçéèêëîïôöùûüÿñ"
_PLAIN: Final = "aaaceeeeiioouuuyn" * 2
_FOLDING: Final = str.maketrans(_ACCENTED, _PLAIN)
#: No index finds less than three letters, but those with which a word begins.
_TRIGRAM: Final = 3
_BEFORE_WORDS: Final = (" ", "'", "’", "-", "(")
#: Name under which SQLite, which has no such function, is given `fold`.
SQLITE_FOLD: Final = "sobank_fold"


def fold(text: str | None) -> str | None:
    """A text in small letters and without accents."""
    return text and text.lower().translate(_FOLDING)


def folded(column: sa.ColumnElement[Any], *, sqlite: bool) -> sa.ColumnElement[str]:
    """`fold` of a text column."""
    if sqlite:
        return sa.func.sobank_fold(column)
    return sa.func.translate(sa.func.lower(column), _ACCENTED, _PLAIN)


def folded_company(*, sqlite: bool) -> sa.ColumnElement[str]:
    """`fold` of the name of a dossier; PostgreSQL keeps it (migration 0005)."""
    return folded(dossiers.c.name, sqlite=True) if sqlite else sa.literal_column("dossiers.name_folded", sa.Text)


def has_part(found: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether a folded text holds a text, whatever its case and accents; one or two letters must begin a word."""
    part = fold(text)
    if len(text) >= _TRIGRAM:
        return found.contains(part, autoescape=True)
    begins = (found.contains(f"{before}{part}", autoescape=True) for before in _BEFORE_WORDS)
    return sa.or_(found.startswith(part, autoescape=True), *begins)


def has_digits(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    """Whether a number, kept without the spaces that people write into it, holds a text; one or two must begin it."""
    packed = "".join(text.split()).upper()
    if len(packed) >= _TRIGRAM:
        return column.contains(packed, autoescape=True)
    return column.startswith(packed, autoescape=True)
