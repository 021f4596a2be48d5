"""Characters of records eight at a time, as unsigned numbers of 64 bits: the first character is the lowest byte.

Most questions about a zone (is it blank, are these figures, how long is it without its blanks) are a few operations on
one number a record instead of some on each character: ten times fewer, and all of them on contiguous memory.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Words: TypeAlias = npt.NDArray[np.uint64]
Rows: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

WORD: Final = 8
_KIND: Final = np.dtype("<u8")
BLANKS: Final = np.uint64(0x2020202020202020)
ZEROS: Final = np.uint64(0x3030303030303030)
_HIGH: Final = np.uint64(0x8080808080808080)
#: Added to a byte, it sets the highest bit of every one that is over 9.
_OVER_NINE: Final = np.uint64(0x7676767676767676)


def mask(size: int) -> np.uint64:
    """The bits of the first `size` characters of a word."""
    return np.uint64((1 << 8 * size) - 1)


def word(rows: Rows, first: int, size: int) -> Words:
    """Characters `first` (from 0) to `first + size` of each row, at most eight; the bytes above them are 0.

    Args:
        rows: a contiguous matrix.
    """
    width = rows.shape[1]
    if not len(rows):
        return np.zeros(0, np.uint64)
    if width < WORD:
        wide = np.zeros((len(rows), WORD), np.uint8)
        wide[:, :width] = rows
        return word(wide, first, size)
    at = min(first, width - WORD)
    loaded: Words = np.ndarray((len(rows),), _KIND, rows, at, (width,)).astype(np.uint64)
    if at != first:
        loaded >>= np.uint64(8 * (first - at))
    if size < WORD:
        loaded &= mask(size)
    return loaded


def words(rows: Rows, first: int, size: int) -> list[Words]:
    """Characters `first` to `first + size` of each row, as many words as they need."""
    return [word(rows, at, min(WORD, first + size - at)) for at in range(first, first + size, WORD)]


def side_by_side(several: list[Words]) -> Rows:
    """Words as a matrix of their characters: eight columns each."""
    matrix = np.empty((len(several[0]), len(several)), _KIND)
    for place, one in enumerate(several):
        matrix[:, place] = one
    return matrix.view(np.uint8)


def figures(text: Words) -> tuple[Ints, Flags]:
    """The number that eight figures write, and whether they all are figures; the number is of use only then."""
    low = text ^ ZEROS
    good: Flags = ((low | (low + _OVER_NINE)) & _HIGH) == 0
    pairs = (low * np.uint64(10) + (low >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs * np.uint64(100) + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return ((fours * np.uint64(10_000) + (fours >> np.uint64(32))) & np.uint64(0xFFFFFFFF)).view(np.int64), good


def inked(texts: list[Words], size: int) -> Ints:
    """Length of each text of `size` characters without the blanks at its right."""
    last = texts[-1] ^ (BLANKS & mask(size - WORD * (len(texts) - 1)))
    base = np.full(len(last), WORD * (len(texts) - 1), np.int64)
    for place in range(len(texts) - 2, -1, -1):
        bare = last == 0
        if not bare.any():
            break
        last = np.where(bare, texts[place] ^ BLANKS, last)
        base[bare] = WORD * place
    if not last.any():
        return np.zeros(len(last), np.int64)
    # As a float its exponent is the place of its highest bit; the bit below is cleared, or rounding could move it.
    bits = (last & ~(last >> np.uint64(1))).astype(np.float64).view(np.int64) >> 52
    return np.where(last == 0, 0, base + ((bits - 1023) >> 3) + 1)


def wide(texts: list[Words]) -> Ints | None:
    """How many characters of each text are beyond ASCII; None where there are none at all."""
    if not any((one & _HIGH).any() for one in texts):
        return None
    count = np.zeros(len(texts[0]), np.int64)
    for one in texts:
        count += np.bitwise_count(one & _HIGH)
    return count
