"""Parts of texts as people type them: small letters, without accents, and every sign as it is."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

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
    """`fold` of a text column; on PostgreSQL the very expression of an index (migration 0005)."""
    if sqlite:
        return sa.func.sobank_fold(column)
    return sa.func.translate(sa.func.lower(column), sa.text(f"'{_ACCENTED}'"), sa.text(f"'{_PLAIN}'"))


def has_part(column: sa.ColumnElement[Any], text: str, *, sqlite: bool) -> sa.ColumnElement[bool]:
    """Whether a text column holds a text, whatever their case and accents; one or two letters must begin a word."""
    found, part = folded(column, sqlite=sqlite), fold(text)
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
