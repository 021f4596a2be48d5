"""What lies in a CFONB 120 file that we wrote: counted again, by other means than the reader's, for the proof (D10).

Nothing here comes from the reader but the positions of the standard: a fault of the reader must not hide itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sobank.formats.cfonb120_layout import BALANCE, MOVEMENT, WIDTH, column

_BLOCK = 1 << 16
_SIGNS = b"{ABCDEFGHI}JKLMNOPQR"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Totals of a file: credit and debit (negative) in minor units; sha256 of each statement's canonical records."""

    statements: int
    entries: int
    records: int
    credit: int
    debit: int
    content_sha256: tuple[bytes, ...]


def tally(payload: bytes | bytearray | memoryview, terminator: bytes) -> Tally:
    """Count a file of whole statements, each line 120 characters and `terminator`.

    A record that states no amount (a released statement may hold one) counts as a record, not as an entry.
    Raises:
        ValueError: a line is not exactly that, or the first one is not a 01.
    """
    lines = _lines(payload, terminator)
    code = lines[:, 0].astype(np.int64) * 256 + lines[:, 1]
    starts = np.flatnonzero(code == int.from_bytes(b"01"))
    if len(lines) and not (len(starts) and starts[0] == 0):
        raise ValueError("the file does not begin with a 01")
    bounds = [*starts.tolist(), len(lines)]
    digests = tuple(hashlib.sha256(lines[a:b].tobytes()).digest() for a, b in pairwise(bounds))
    amount, moves = _movements(lines, code, starts)
    magnitudes = amount[moves]
    return Tally(
        statements=len(starts),
        entries=int(moves.sum()),
        records=len(lines),
        credit=_exact_sum(magnitudes[magnitudes > 0]),
        debit=_exact_sum(magnitudes[magnitudes < 0]),
        content_sha256=digests,
    )


def _lines(payload: bytes | bytearray | memoryview, terminator: bytes) -> npt.NDArray[np.uint8]:
    characters = np.frombuffer(payload, np.uint8)
    stride = WIDTH + len(terminator)
    if len(characters) % stride:
        raise ValueError(f"{len(characters)} bytes are not lines of {WIDTH} and a terminator of {len(terminator)}")
    matrix = characters.reshape(-1, stride)
    wrong = (matrix[:, WIDTH:] != np.frombuffer(terminator, np.uint8)).any(axis=1) if terminator else np.zeros(0, bool)
    for first in range(0, len(matrix), _BLOCK):
        block = matrix[first : first + _BLOCK, :WIDTH]
        if ((block == 10) | (block == 13)).any():
            raise ValueError("a line ends before its 120th character")
    if wrong.any():
        raise ValueError(f"line {int(np.argmax(wrong)) + 1} is not {WIDTH} characters and the terminator")
    return matrix[:, :WIDTH]


def _movements(lines: npt.NDArray[np.uint8], code: Any, starts: Any) -> tuple[npt.NDArray[np.int64], Any]:
    """Amount of each record in the minor units of its statement, and where a movement is."""
    value, stated = _amounts(column(BALANCE, "amount").cells(lines))
    written = column(BALANCE, "decimals").cells(lines)[:, 0].astype(np.int64) - 48
    blank = written == ord(" ") - 48
    balance = (code == int.from_bytes(b"01")) | (code == int.from_bytes(b"07"))
    dated = _is_day(column(BALANCE, "date").cells(lines))
    value_date = column(MOVEMENT, "value_date").cells(lines)
    odd = (code == int.from_bytes(b"03")) & (_is_day(value_date) | _is_empty(value_date))
    moves = ((code == int.from_bytes(b"04")) | odd) & stated & dated & (((written >= 0) & (written <= 3)) | blank)
    if not len(starts):
        return value, moves
    counted = (moves | balance) & (written >= 0) & (written <= 3)
    owner = np.cumsum(code == int.from_bytes(b"01")) - 1
    # Every amount of a statement is in its largest number of decimals; a blank number is the first one written.
    largest, usual = np.full(len(starts), -1), np.full(len(starts), 2)
    np.maximum.at(largest, owner[counted], written[counted])
    usual[owner[counted][::-1]] = written[counted][::-1]
    largest = np.where(largest < 0, 2, largest)
    power = np.where(moves, largest[owner] - np.where(blank, usual[owner], written), 0)
    return value * 10**power, moves


def _amounts(cells: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Horner's rule over the fourteen characters; a leading blank is a zero."""
    value, begun = np.zeros(len(cells), np.int64), np.zeros(len(cells), bool)
    good = np.ones(len(cells), bool)
    for place in range(13):
        digit = cells[:, place].astype(np.int64) - 48
        is_digit = (digit >= 0) & (digit <= 9)
        good &= is_digit | ((cells[:, place] == ord(" ")) & ~begun)
        begun |= is_digit
        value = value * 10 + np.where(is_digit, digit, 0)
    sign = np.array([_SIGNS.find(c) for c in range(256)])[cells[:, 13]]
    good &= sign >= 0
    value = (value * 10 + sign % 10) * np.where(sign >= 10, -1, 1)
    return np.where(good, value, 0), good


def _is_day(cells: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Whether six characters are a day: each different one is asked of the calendar once."""
    written = np.ascontiguousarray(cells).view("S6").reshape(-1)
    distinct, which = np.unique(written, return_inverse=True)
    return np.array([_calendar_has(text) for text in distinct.tolist()], bool)[which.reshape(-1)]


def _calendar_has(text: bytes) -> bool:
    if len(text) != 6 or not text.isdigit():
        return False
    year = int(text[4:]) + (2000 if int(text[4:]) < 70 else 1900)
    try:
        datetime(year, int(text[2:4]), int(text[:2]))  # noqa: DTZ001  a day of the calendar has no zone
    except ValueError:
        return False
    return True


def _is_empty(cells: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    empty: npt.NDArray[np.bool_] = (cells == ord(" ")).all(axis=1) | (cells == ord("0")).all(axis=1)
    return empty


def _exact_sum(values: npt.NDArray[np.int64]) -> int:
    """Σ without the bound of 64 bits: high and low halves apart."""
    high, low = values >> 32, values & 0xFFFFFFFF
    return (int(high.sum()) << 32) + int(low.sum())
