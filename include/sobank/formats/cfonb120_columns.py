"""Columns of characters ↔ values, for whole blocks of records at once: dates, amounts, decimals, texts.

Readers take a matrix of bytes (records × width) and never raise; writers take one value and give its characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sobank.domain.money import MAX_DECIMALS, SIGN_CHARACTERS, overpunch

Rows: TypeAlias = npt.NDArray[np.uint8]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]

SPACE: Final = 0x20
#: A two-digit year below the pivot is of this century: 00–69 → 2000–2069, 70–99 → 1970–1999.
CENTURY_PIVOT: Final = 70
NO_DAY: Final = np.iinfo(np.int32).min
_EPOCH: Final = date(1970, 1, 1).toordinal()
_TENS: Final = 10 ** np.arange(13, 0, -1, dtype=np.int64)

_LAST_DIGIT: Final = np.full(256, -1, np.int64)
_LAST_SIGN: Final = np.zeros(256, np.int64)
for _character, (_digit, _sign) in SIGN_CHARACTERS.items():
    _LAST_DIGIT[ord(_character)] = _digit
    _LAST_SIGN[ord(_character)] = _sign
IS_SIGN: Final[Flags] = _LAST_SIGN != 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Days:
    """Dates as days since 1970 (`NO_DAY` where there is none); `empty`: blank or all zeros; neither: unreadable."""

    day: npt.NDArray[np.int32]
    empty: Flags

    @property
    def good(self) -> Flags:
        """Where a day of the calendar was read."""
        return np.not_equal(self.day, NO_DAY)


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """Amounts in minor units; `good` where readable, `padded` where blanks stood for leading zeros (S3)."""

    value: Ints
    good: Flags
    padded: Flags


@cache
def _calendar() -> npt.NDArray[np.int32]:
    """Day number of each of the million DDMMYY, `NO_DAY` where the calendar has no such day."""
    table = np.full(1_000_000, NO_DAY, np.int32)
    years = range(1900 + CENTURY_PIVOT, 2000 + CENTURY_PIVOT)
    first, last = date(years[0], 1, 1).toordinal(), date(years[-1], 12, 31).toordinal()
    for ordinal in range(first, last + 1):
        day = date.fromordinal(ordinal)
        table[day.day * 10_000 + day.month * 100 + day.year % 100] = ordinal - _EPOCH
    return table


def read_days(cells: Rows) -> Days:
    """DDMMYY, six characters."""
    digits = cells - np.uint8(48)
    number = digits.astype(np.int64) @ np.array([100_000, 10_000, 1000, 100, 10, 1], np.int64)
    written = (digits <= 9).all(axis=1)
    day = np.where(written, _calendar()[np.where(written, number, 0)], np.int32(NO_DAY)).astype(np.int32)
    return Days(day=day, empty=(cells == SPACE).all(axis=1) | (written & (number == 0)))


def read_amounts(cells: Rows) -> Amounts:
    """13 digits, then the last digit with its sign; leading blanks are zeros; −0 is 0 (S3)."""
    digits = cells[:, :13] - np.uint8(48)
    last = cells[:, 13]
    good: Flags = np.all(digits <= 9, axis=1)
    padded: Flags = np.zeros(len(cells), bool)
    for row in np.flatnonzero(~good & (cells[:, 0] == SPACE)):
        text = cells[row, :13].tobytes().lstrip(b" ")
        if text.isdigit() or not text:
            good[row] = padded[row] = True
            digits[row, : 13 - len(text)] = 0
    good &= IS_SIGN[last]
    value = (digits.astype(np.int64) @ _TENS + _LAST_DIGIT[last]) * _LAST_SIGN[last]
    return Amounts(value=np.where(good, value, 0), good=good, padded=padded & good)


def read_decimals(cells: Rows) -> npt.NDArray[np.int8]:
    """0 to 3; −1 where blank, −2 where anything else."""
    digit = cells[:, 0].astype(np.int16) - 48
    blank = cells[:, 0] == SPACE
    return np.where(blank, -1, np.where((digit >= 0) & (digit <= MAX_DECIMALS), digit, -2)).astype(np.int8)


def ragged(cells: Rows, length: Ints) -> tuple[npt.NDArray[np.int32], bytes | Rows]:
    """The first `length` characters of each row: sizes in UTF-8 bytes, and the characters of all, end to end."""
    kept = np.arange(cells.shape[1]) < length[:, None]
    characters = cells[kept]
    if not len(characters) or characters.max() < 0x80:
        return length.astype(np.int32), characters
    wide = ((cells >= 0x80) & kept).sum(axis=1)
    return (length + wide).astype(np.int32), characters.tobytes().decode("latin-1").encode()


def arrow_numbers(values: npt.NDArray[Any], kind: pa.DataType, absent: Flags | None = None) -> pa.Array:
    """An Arrow array over the memory of `values`, which has the width of `kind`; null where `absent`.

    From buffers: nothing is copied or looked at.
    """
    valid = None if absent is None else arrow_bits(~absent)
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])


def arrow_flags(values: Flags) -> pa.Array:
    """An Arrow array of booleans."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, arrow_bits(values)])


def arrow_bits(values: Flags) -> pa.Buffer:
    """One bit a value, as Arrow wants them."""
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def arrow_strings(sizes: npt.NDArray[np.int32], characters: bytes | Rows, absent: Flags | None = None) -> pa.Array:
    """An Arrow string array of the characters cut into `sizes`; null where `absent`."""
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    valid = None if absent is None else arrow_bits(~absent)
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(characters), valid)


def stripped_length(cells: Rows) -> Ints:
    """Length of each row without the blanks at its right."""
    inked = cells != SPACE
    length: Ints = cells.shape[1] - np.argmax(inked[:, ::-1], axis=1)
    return np.where(inked.any(axis=1), length, 0)


def without_nul(cells: Rows) -> Rows:
    """NUL shown as a blank: no database keeps one in a text."""
    return np.where(cells == 0, np.uint8(SPACE), cells) if (cells == 0).any() else cells


def read_text(cells: Rows) -> pa.Array:
    """ISO-8859-1 text without the blanks at its right."""
    shown = without_nul(cells)
    return arrow_strings(*ragged(shown, stripped_length(shown)))


def latin1(text: str) -> str:
    """`text` in ISO-8859-1: composed, foreign characters decomposed (NFKD) or `?`, control characters as blanks."""
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    for character in unicodedata.normalize("NFC", text):
        if ord(character) > 0xFF:
            parts = [p for p in unicodedata.normalize("NFKD", character) if not unicodedata.combining(p)]
            out.extend(p if ord(p) <= 0xFF else "?" for p in parts)
        else:
            out.append(character if ord(character) >= SPACE else " ")
    return "".join(out)


def write_day(day: date | None) -> str:
    """DDMMYY, or blanks.

    Raises:
        ValueError: the year is not one that two digits can say (1970–2069).
    """
    if day is None:
        return " " * 6
    if not 1900 + CENTURY_PIVOT <= day.year < 2000 + CENTURY_PIVOT:
        raise ValueError(f"the year {day.year} cannot be written with two digits")
    return f"{day.day:02d}{day.month:02d}{day.year % 100:02d}"


def write_decimals(decimals: int) -> str:
    """One digit.

    Raises:
        ValueError: not 0 to 3.
    """
    if not 0 <= decimals <= MAX_DECIMALS:
        raise ValueError(f"{decimals} decimals cannot be written: 0 to {MAX_DECIMALS}")
    return str(decimals)


@dataclass(frozen=True, slots=True)
class Converter:
    """How a column is read, for a block of records, and written, for one value."""

    read: Callable[[Rows], Any]
    write: Callable[[Any], str]


TEXT: Final = Converter(read_text, latin1)
DATE: Final = Converter(read_days, write_day)
AMOUNT: Final = Converter(read_amounts, overpunch)
DECIMALS: Final = Converter(read_decimals, write_decimals)
