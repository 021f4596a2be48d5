"""Parts of texts as people type them: small letters, without accents, and every sign as it is."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

#: The letters of French in both cases: not every database knows what the small letter of É is.
_ACCENTED: Final = "ÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÑàâäçéèêëîïôöùûüÿñ"
_PLAIN: Final = "aaaceeeeiioouuuyn" * 2
_FOLDING: Final = str.maketrans(_ACCENTED, _PLAIN)


def has_part(column: sa.ColumnElement[Any], text: str, *, sqlite: bool) -> sa.ColumnElement[bool]:
    """Whether a text holds another, whatever their case and accents."""
    return folded(column, sqlite=sqlite).contains(text.lower().translate(_FOLDING), autoescape=True)


def folded(column: sa.ColumnElement[Any], *, sqlite: bool) -> sa.ColumnElement[str]:
    """A text column in small letters and without accents; on PostgreSQL the very expression of an index (0005)."""
    found: sa.ColumnElement[str] = sa.func.lower(column)
    if not sqlite:
        return sa.func.translate(found, sa.text(f"'{_ACCENTED}'"), sa.text(f"'{_PLAIN}'"))
    for accented, plain in zip(_ACCENTED, _PLAIN, strict=True):
        found = sa.func.replace(found, accented, plain)
    return found
