"""Columns of characters ↔ values, for whole blocks of records at once: dates, amounts, decimals, texts.

Readers take a matrix of bytes (records × width) and never raise; writers take one value and give its characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sobank.domain.money import MAX_DECIMALS, SIGN_CHARACTERS, overpunch
from sobank.formats.cfonb120_words import (
    BLANKS,
    ZEROS,
    Flags,
    Ints,
    Rows,
    Words,
    figures,
    inked,
    mask,
    side_by_side,
    wide,
    word,
    words,
)

SPACE: Final = 0x20
#: A two-digit year below the pivot is of this century: 00–69 → 2000–2069, 70–99 → 1970–1999.
CENTURY_PIVOT: Final = 70
NO_DAY: Final = np.iinfo(np.int32).min
_LAST_DATE: Final = 311_299

_LAST_DIGIT: Final = np.full(256, -1, np.int64)
_LAST_SIGN: Final = np.zeros(256, np.int64)
for _character, (_digit, _sign) in SIGN_CHARACTERS.items():
    _LAST_DIGIT[ord(_character)] = _digit
    _LAST_SIGN[ord(_character)] = _sign
IS_SIGN: Final[Flags] = _LAST_SIGN != 0
_DECIMALS: Final = np.full(256, -2, np.int8)
_DECIMALS[SPACE] = -1
_DECIMALS[48 : 48 + MAX_DECIMALS + 1] = np.arange(MAX_DECIMALS + 1)


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
    """Day number of each DDMMYY up to the last one, 311299; `NO_DAY` where the calendar has no such day."""
    years = 1900 + CENTURY_PIVOT
    days = np.arange(f"{years}-01-01", f"{years + 100}-01-01", dtype="M8[D]")
    months = days.astype("M8[M]")
    day, month = (days - months).astype(np.int64) + 1, months.astype(np.int64)
    table = np.full(_LAST_DATE + 1, NO_DAY, np.int32)
    table[day * 10_000 + (month % 12 + 1) * 100 + (month // 12 + 1970) % 100] = days.astype(np.int64)
    return table


def read_days(rows: Rows, first: int, size: int) -> Days:
    """DDMMYY, six characters."""
    written = word(rows, first, size)
    number, good = figures((written << np.uint64(16)) | (ZEROS & mask(2)))
    day = _calendar()[np.where(good & (number <= _LAST_DATE), number, 0)]
    return Days(day=day, empty=(written == BLANKS & mask(size)) | (good & (number == 0)))


def read_amounts(rows: Rows, first: int, size: int) -> Amounts:
    """13 digits, then the last digit with its sign; leading blanks are zeros; −0 is 0 (S3)."""
    high, low = word(rows, first, 6), word(rows, first + 6, 8)
    last = (low >> np.uint64(56)).astype(np.uint8)
    (above, above_good), (below, below_good) = (
        figures((high << np.uint64(16)) | (ZEROS & mask(2))),
        figures((low & mask(7)) | (ZEROS & ~mask(7))),
    )
    value, good = above * 10**8 + below, above_good & below_good
    padded: Flags = np.zeros(len(rows), bool)
    for row in np.flatnonzero(~good & (rows[:, first] == SPACE)):
        text = rows[row, first : first + size - 1].tobytes().lstrip(b" ")
        if text.isdigit() or not text:
            good[row] = padded[row] = True
            value[row] = int(text or b"0") * 10
    good &= IS_SIGN[last]
    value = (value + _LAST_DIGIT[last]) * _LAST_SIGN[last]
    return Amounts(value=np.where(good, value, 0), good=good, padded=padded & good)


def read_decimals(rows: Rows, first: int, size: int) -> npt.NDArray[np.int8]:
    """0 to 3; −1 where blank, −2 where anything else."""
    return _DECIMALS[word(rows, first, size).view(np.int64)]


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


def arrow_strings(sizes: Ints, characters: bytes | Rows, absent: Flags | None = None) -> pa.Array:
    """An Arrow string array of the characters cut into `sizes`; null where `absent`."""
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    valid = None if absent is None else arrow_bits(~absent)
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(offsets), pa.py_buffer(characters), valid)


def without_nul(rows: Rows) -> Rows:
    """NUL shown as a blank: no database keeps one in a text."""
    return np.where(rows == 0, np.uint8(SPACE), rows) if rows.min(initial=SPACE) == 0 else rows


def read_text(rows: Rows, first: int, size: int) -> pa.Array:
    """ISO-8859-1 text without the blanks at its right."""
    return arrow_texts(words(rows, first, size), size)


def arrow_texts(texts: list[Words], size: int) -> pa.Array:
    """An Arrow string array of texts of `size` characters in ISO-8859-1, without the blanks at their right."""
    length = inked(texts, size)
    longest = int(length.max(initial=0))
    if not longest:
        return arrow_strings(length, b"")
    characters = side_by_side(texts)
    if length.min() == size:
        kept = np.ascontiguousarray(characters[:, :size]).reshape(-1)
    else:
        kept = characters.reshape(-1)[first_of(characters.shape[1])[length].reshape(-1)]
    return arrow_strings(*in_utf8(length, kept, wide(texts)))


@cache
def first_of(width: int) -> Flags:
    """In row n the first n of `width` columns are true."""
    return np.arange(width) < np.arange(width + 1)[:, None]


def in_utf8(length: Ints, characters: Rows, beyond: Ints | None) -> tuple[Ints, bytes | Rows]:
    """Sizes in UTF-8 bytes and the characters of texts in ISO-8859-1, of which `beyond` each are not ASCII."""
    if beyond is None:
        return length, characters
    return length + beyond, characters.tobytes().decode("latin-1").encode()


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
    """How a column is read, for a block of records, its first character (from 0) and its size, and written."""

    read: Callable[[Rows, int, int], Any]
    write: Callable[[Any], str]


TEXT: Final = Converter(read_text, latin1)
DATE: Final = Converter(read_days, write_day)
AMOUNT: Final = Converter(read_amounts, overpunch)
DECIMALS: Final = Converter(read_decimals, write_decimals)
