"""Complements of movements (05) as the text of their entry: one line each, three characters of qualifier, text (S5)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa

from sobank.formats.cfonb120_columns import SPACE, Ints, arrow_strings, ragged, stripped_length, without_nul
from sobank.formats.cfonb120_layout import COMPLEMENT, OLD_COMPLEMENT, OLD_COMPLEMENT_MARK, column
from sobank.formats.cfonb120_records import COMPLETING, Records

_LF: Final = 10
_QUALIFIER, _TEXT = column(COMPLEMENT, "qualifier"), column(COMPLEMENT, "text")
_OLD_TEXT: Final = column(OLD_COMPLEMENT, "text")
_HEAD: Final = _QUALIFIER.last - _QUALIFIER.first + 1
_WIDEST: Final = _HEAD + _OLD_TEXT.last - _OLD_TEXT.first + 1


def details_of(records: Records, movements: Ints) -> pa.Array:
    """The lines of each movement's complements, joined by LF; empty where it has none.

    Args:
        movements: rows of the readable movements, in order; every readable 05 follows one of them.
    """
    at = np.flatnonzero((records.kind == COMPLETING) & (records.refusal == 0))
    rows = without_nul(records.rows[at])
    lines = np.full((len(at), _WIDEST + 1), SPACE, np.uint8)
    lines[:, :_HEAD] = _QUALIFIER.cells(rows)
    lines[:, _HEAD : _HEAD + _TEXT.last - _TEXT.first + 1] = _TEXT.cells(rows)
    old = (OLD_COMPLEMENT_MARK.cells(rows) != SPACE).any(axis=1)
    lines[old, :_HEAD] = SPACE
    lines[old, _HEAD:_WIDEST] = _OLD_TEXT.cells(rows[old])
    length = _HEAD + stripped_length(lines[:, _HEAD:])
    owner = np.searchsorted(movements, at, side="right") - 1
    followed = np.flatnonzero(owner[1:] == owner[:-1])
    lines[followed, length[followed]] = _LF
    length[followed] += 1
    sizes, characters = ragged(lines, length)
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    bounds = np.searchsorted(owner, np.arange(len(movements) + 1), side="left")
    return arrow_strings(np.diff(running[bounds]).astype(np.int32), characters)
