"""Complements of movements (05) as the text of their entry: one line each, three characters of qualifier, text (S5)."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa

from sobank.formats.cfonb120_columns import arrow_strings, first_of, in_utf8, without_nul
from sobank.formats.cfonb120_layout import COMPLEMENT, OLD_COMPLEMENT, OLD_COMPLEMENT_MARK, WIDTH, column
from sobank.formats.cfonb120_records import COMPLETING, Records
from sobank.formats.cfonb120_words import BLANKS, WORD, Flags, Ints, inked, mask, side_by_side, wide, words

_LF: Final = 10
_QUALIFIER, _TEXT = column(COMPLEMENT, "qualifier"), column(COMPLEMENT, "text")
_OLD_TEXT: Final = column(OLD_COMPLEMENT, "text")
_MARK: Final = OLD_COMPLEMENT_MARK.last - OLD_COMPLEMENT_MARK.first + 1
_HEAD: Final = _QUALIFIER.last - _QUALIFIER.first + 1
#: A line is laid out behind a word of blanks, which gives a text of the old layout its blank qualifier.
_OLD, _NEW = WORD, WORD + _TEXT.first - _OLD_TEXT.first
_REST: Final = WIDTH - _OLD_TEXT.last


def details_of(records: Records, movements: Ints) -> pa.Array:
    """The lines of each movement's complements, joined by LF; empty where it has none.

    Args:
        movements: rows of the readable movements, in order; every readable 05 follows one of them.
    """
    at = np.flatnonzero((records.kind == COMPLETING) & (records.refusal == 0))
    rows = without_nul(records.rows[at])
    text = words(rows, _OLD_TEXT.first - 1, WIDTH - _OLD_TEXT.first + 1)
    text[-1] = (text[-1] & mask(WORD - _REST)) | (BLANKS & ~mask(WORD - _REST))
    lines = side_by_side([np.full(len(at), BLANKS), *text])
    # Nothing of a text may reach into the words before it: those of the newer layout begin one word further.
    stop = _NEW + inked(text[1:], len(text[1:]) * WORD)
    old = np.flatnonzero((text[0] & mask(_MARK)) != BLANKS & mask(_MARK))
    bare = old[stop[old] == _NEW]
    stop[bare] = _OLD + inked([text[0][bare]], WORD)

    owner = np.searchsorted(movements, at, side="right") - 1
    followed = np.flatnonzero(owner[1:] == owner[:-1])
    lines[followed, stop[followed]] = _LF
    stop[followed] += 1
    begin = np.full(len(at), _NEW - _HEAD)
    kept = _between(_NEW - _HEAD, lines.shape[1])[stop]
    begin[old] = _OLD - _HEAD
    kept[old] = _between(_OLD - _HEAD, lines.shape[1])[stop[old]]
    sizes, characters = in_utf8(stop - begin, lines[kept], wide(text))
    return arrow_strings(np.bincount(owner, sizes, minlength=len(movements)).astype(np.int64), characters)


@cache
def _between(begin: int, width: int) -> Flags:
    """In row n the columns `begin` to n of `width` are true."""
    return first_of(width) & (np.arange(width) >= begin)
