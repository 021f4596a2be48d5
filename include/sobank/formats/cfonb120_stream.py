"""Cutting characters that no terminator cuts: at 120, resynchronised on record headers where records drift (S2).

Every decision looks at most `LOOKAHEAD` characters ahead, so that it is the same however the file is read.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from sobank.formats.cfonb120_layout import WIDTH
from sobank.formats.cfonb120_words import Ints, Rows

#: What a piece turned out to be; the first two are refused, the last two are warnings of their statement.
DRIFTED, TOO_LONG, WAS_UTF8, WAS_SHORT = 1, 2, 4, 8
REFUSED: Final = DRIFTED | TOO_LONG

HEADER: Final = 32
#: A header nearer than this to the one before it is text, not the next record.
_NEAREST: Final = 40
LOOKAHEAD: Final = WIDTH + HEADER

_DIGIT, _LETTER, _BLANK = 1, 2, 4
_CLASS: Final = np.zeros(256, np.uint8)
_CLASS[list(b"0123456789")] = _DIGIT
_CLASS[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = _LETTER
_CLASS[0x20] = _BLANK
_IS_CODE: Final = np.zeros(256, bool)
_IS_CODE[list(b"13457")] = True
_NON_ALNUM: Final = np.array([not chr(c).isalnum() or c >= 0x80 for c in range(256)])
_PADDING: Final = b" \0\x1a"


class Pieces(NamedTuple):
    """Where records begin, how long they are, and what they are (marks above); `consumed` characters are done with."""

    start: Ints
    length: Ints
    mark: npt.NDArray[np.uint8]
    consumed: int


def header_positions(text: Rows) -> Ints:
    """Where a record header stands: a code, bank, branch and account alphanumeric, a currency, a number of decimals."""
    size = len(text) - HEADER + 1
    if size <= 0:
        return np.empty(0, np.int64)
    at = np.flatnonzero((text[:size] == 0x30) & _IS_CODE[text[1 : size + 1]])
    for column in (2, 6, 11, 15, 21, 31):
        at = at[~_NON_ALNUM[text[at + column]]]
    currency = [_CLASS[text[at + column]] for column in (16, 17, 18)]
    at = at[(currency[0] == currency[1]) & (currency[1] == currency[2]) & ((currency[0] & (_LETTER | _BLANK)) != 0)]
    at = at[(_CLASS[text[at + 19]] & (_DIGIT | _BLANK)) != 0]
    for column in (3, 4, 5, 12, 13, 14, *range(22, 31)):
        at = at[~_NON_ALNUM[text[at + column]]]
    return np.asarray(at, np.int64)


def begins_like_a_record(text: bytes) -> bool:
    """Whether a record header stands at the start of `text`."""
    positions = header_positions(np.frombuffer(text[:HEADER], np.uint8))
    return len(positions) > 0


def holds_records(text: bytes) -> bool:
    """Whether two records of one account follow one another somewhere in `text`, whatever stands before them."""
    if len(text) <= WIDTH:
        return False
    heads = header_positions(np.frombuffer(text, np.uint8)).tolist()
    accounts = [text[head + 21 : head + 32] for head in heads]
    return any(one == other for one, other in pairwise(accounts))


def cut(text: Rows, *, ended: bool) -> Pieces:
    """Cut characters without terminators into records.

    At a header: the record ends at an earlier header of the same account (it was short), else after 120 characters
    if a header stands there, else at an earlier header of any account, else after 120. Elsewhere: what stands before
    the next header is refused, in pieces of at most 120.

    Args:
        text: the characters. ended: whether the line ends with them; else the last `LOOKAHEAD` may be left over.
    """
    heads = header_positions(text)
    breaks = np.flatnonzero(np.diff(heads) != WIDTH)
    limit = len(text) if ended else len(text) - LOOKAHEAD
    shares: list[Pieces] = []
    at = 0
    while at < limit:
        first = int(np.searchsorted(heads, at))
        if first == len(heads) or heads[first] != at:
            stop = int(heads[first]) if first < len(heads) else len(text)
            start = np.arange(at, min(stop, limit), WIDTH, dtype=np.int64)
            share = _pieces(start, np.minimum(stop - start, WIDTH), DRIFTED)
        else:
            # Headers that follow one another at 120 are taken together.
            nth = int(np.searchsorted(breaks, first))
            last = int(breaks[nth]) if nth < len(breaks) else len(heads) - 1
            start = heads[first : min(last, int(np.searchsorted(heads, limit)))]
            share = _pieces(start, np.full(len(start), WIDTH, np.int64), 0)
            if not len(start):
                length, mark = _irregular(text, heads, at)
                share = _pieces(np.array([at], np.int64), np.array([length], np.int64), mark)
        shares.append(share)
        at = share.consumed
    return end_to_end(shares, at)


def _pieces(start: Ints, length: Ints, mark: int) -> Pieces:
    """Pieces of one kind."""
    after = int(start[-1] + length[-1]) if len(start) else 0
    return Pieces(start, length, np.full(len(start), mark, np.uint8), after)


def end_to_end(shares: list[Pieces], consumed: int) -> Pieces:
    """Pieces one after the other."""
    shares = shares or [_pieces(np.empty(0, np.int64), np.empty(0, np.int64), 0)]
    return Pieces(
        np.concatenate([share.start for share in shares]),
        np.concatenate([share.length for share in shares]),
        np.concatenate([share.mark for share in shares]),
        consumed,
    )


def _irregular(text: Rows, heads: Ints, at: int) -> tuple[int, int]:
    """Length and mark of the record at `at`, whose next header is not simply 120 characters further."""
    low, high = np.searchsorted(heads, [at + _NEAREST, at + WIDTH])
    inner = heads[low:high]
    for head in inner.tolist():
        if np.array_equal(text[head + 21 : head + 32], text[at + 21 : at + 32]):
            return head - at, WAS_SHORT
    rest = len(text) - at
    if rest <= WIDTH:
        return rest, 0
    if len(inner) and not (high < len(heads) and heads[high] == at + WIDTH):
        return int(inner[0]) - at, WAS_SHORT
    return WIDTH, 0


def transcoded(line: bytes) -> bytes | None:
    """A line of UTF-8 as a record in ISO-8859-1, or None where it is not that."""
    try:
        record = line.decode("utf-8").encode("latin-1").rstrip(_PADDING)
    except UnicodeError:
        return None
    return record.ljust(WIDTH) if len(record) <= WIDTH and not line.isascii() else None
