"""Bytes → records of 120 characters, in whatever shape the file came (S2), each numbered and counted (S1).

LF, CRLF and CR end a line. A line is a record: padded right when short, cut when only blanks follow the 120th
character. Other long lines are UTF-8, or records without terminators (`cfonb120_stream`), or refused. A line of blanks,
NUL or 0x1A is blank; what stands after the last terminator is a line only if something is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from sobank.formats.cfonb120_columns import IS_SIGN, SPACE
from sobank.formats.cfonb120_layout import WIDTH
from sobank.formats.cfonb120_stream import (
    REFUSED,
    TOO_LONG,
    WAS_UTF8,
    Pieces,
    cut,
    end_to_end,
    transcoded,
)
from sobank.formats.cfonb120_words import Ints, Rows, word

#: A line longer than this is never held whole: it is cut as it comes.
LONGEST_LINE: Final = 4096
_BOM: Final = b"\xef\xbb\xbf"
_LF, _CR = 10, 13
_IS_PADDING: Final = np.isin(np.arange(256), list(b" \0\x1a"))
#: By the first two characters, the first one the lower byte.
_HAS_AMOUNT: Final = np.zeros(1 << 16, bool)
_HAS_AMOUNT[[int.from_bytes(code, "little") for code in (b"01", b"03", b"04", b"07")]] = True
_FEWEST_LINES: Final = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Frames:
    """Records in order: n × 120 characters, 1-based number, byte offset in the file, marks; `blank` were left out."""

    rows: Rows
    number: Ints
    offset: Ints
    mark: npt.NDArray[np.uint8]
    blank: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> Frames:
        """Records `start` to `stop`, as views, without the count of blank ones."""
        some = slice(start, stop)
        return Frames(rows=self.rows[some], number=self.number[some], offset=self.offset[some], mark=self.mark[some])


def joined(parts: list[Frames]) -> Frames:
    """Frames end to end, without the count of blank ones."""
    if len(parts) == 1:
        return parts[0].part(0, len(parts[0]))
    return Frames(
        rows=np.concatenate([p.rows for p in parts]),
        number=np.concatenate([p.number for p in parts]),
        offset=np.concatenate([p.offset for p in parts]),
        mark=np.concatenate([p.mark for p in parts]),
    )


@dataclass(slots=True)
class _Reading:
    """Where the reader stands in the file: `held` bytes begin at `base`, `count` records were numbered.

    stride: length of every line of the last block with its terminator, 0 where they differed.
    """

    chunk_bytes: int
    held: bytes = b""
    base: int = 0
    count: int = 0
    mid_line: bool = False
    stride: int = 0

    @property
    def wanted(self) -> int:
        """How much to read: of regular lines a whole number, so that nothing held is copied before the next block."""
        if not 0 < 2 * self.stride < self.chunk_bytes:
            return self.chunk_bytes
        return self.chunk_bytes - (self.chunk_bytes + len(self.held)) % self.stride


def frames(stream: BinaryIO, chunk_bytes: int) -> Iterator[Frames]:
    """Yield the records of a stream, block by block; memory is a small multiple of `chunk_bytes`."""
    reading = _Reading(chunk_bytes=max(1, chunk_bytes))
    started = False
    while True:
        before = len(reading.held)
        # No other name for the block: it is let go before the next one is read, which takes its place in memory.
        reading.held += stream.read(reading.wanted)
        ended = len(reading.held) == before
        if not started:
            if len(reading.held) < len(_BOM) and not ended:
                continue
            started = True
            if reading.held.startswith(_BOM):
                reading.held, reading.base = reading.held[len(_BOM) :], len(_BOM)
        yield from _consume(reading, ended=ended)
        if ended:
            return


def _consume(reading: _Reading, *, ended: bool) -> Iterator[Frames]:
    """Yield what the held bytes settle and keep the rest."""
    text = np.frombuffer(reading.held, np.uint8)
    done = 0
    regular = None if reading.mid_line else _regular(text)
    reading.stride = 0
    if regular is not None:
        rows, stride = regular
        reading.stride = stride
        yield _framed(reading, rows, np.arange(len(rows), dtype=np.int64) * stride, np.zeros(len(rows), np.uint8))
        done = len(rows) * stride
    for pieces in _pieces(reading, text[done:], ended=ended):
        moved = pieces._replace(start=pieces.start + done)
        size = max(_FEWEST_LINES, reading.chunk_bytes // 64)
        for first in range(0, len(moved.start), size):
            some = slice(first, first + size)
            yield _gathered(reading, text, moved.start[some], moved.length[some], moved.mark[some])
        done += pieces.consumed
    reading.held, reading.base = reading.held[done:], reading.base + done


def _regular(text: Rows) -> tuple[Rows, int] | None:
    """The records as one matrix, where every line of the block has exactly 120 characters and one same terminator."""
    if len(text) <= WIDTH + 1 or text[WIDTH] not in (_LF, _CR):
        return None
    ending = [_CR, _LF] if text[WIDTH] == _CR and text[WIDTH + 1] == _LF else [int(text[WIDTH])]
    stride = WIDTH + len(ending)
    # A CR at the very end may be half of a CRLF: its line waits.
    count = (len(text) - (1 if ending == [_CR] else 0)) // stride
    matrix = text[: count * stride].reshape(count, stride)
    if not (matrix[:, WIDTH:] == ending).all():
        return None
    if ending == [_CR] and text[count * stride] == _LF:
        return None
    rows = matrix[:, :WIDTH].copy()
    if rows.min() > _CR:
        return rows, stride
    return None if ((rows == _LF) | (rows == _CR)).any() else (rows, stride)


def _pieces(reading: _Reading, text: Rows, *, ended: bool) -> Iterator[Pieces]:
    """Yield the lines of `text`, with what each consumed; the last line waits for its end unless it is too long."""
    done = 0
    if reading.mid_line:
        stop = _first_end(text, ended=ended)
        if stop is None:
            yield _open_stream(reading, text)
            return
        pieces = cut(text[:stop], ended=True)
        done = _after(text, stop)
        reading.mid_line = False
        if stop == len(text):
            pieces = _without_end_mark(text, pieces)
        yield pieces._replace(consumed=done)
    start, length, after = _lines(text[done:], ended=ended)
    if len(start):
        yield _shaped(text[done:], start, length)._replace(consumed=after)
    rest = text[done + after :]
    if not ended:
        if len(rest) > LONGEST_LINE and not ((rest == _CR) | (rest == _LF)).any():
            yield _open_stream(reading, rest)
    elif len(rest) > LONGEST_LINE:
        yield _without_end_mark(rest, cut(rest, ended=True))
    else:
        kept = len(rest.tobytes().rstrip(b"\0\x1a"))
        if kept:
            pieces = _shaped(rest, np.zeros(1, np.int64), np.array([kept], np.int64))
            yield pieces._replace(consumed=len(rest))


def _open_stream(reading: _Reading, text: Rows) -> Pieces:
    """What is settled of a long line whose end is not yet known."""
    reading.mid_line = True
    # A CR that may be half of a CRLF is not text.
    size = len(text) - 1 if len(text) and text[-1] == _CR else len(text)
    return cut(text[:size], ended=False)


def _without_end_mark(text: Rows, pieces: Pieces) -> Pieces:
    """The pieces of a file's last line without the NUL and 0x1A that end it."""
    if not len(pieces.start):
        return pieces
    begin, size = int(pieces.start[-1]), int(pieces.length[-1])
    kept = len(text[begin : begin + size].tobytes().rstrip(b"\0\x1a"))
    if kept:
        pieces.length[-1] = kept
        return pieces
    return Pieces(pieces.start[:-1], pieces.length[:-1], pieces.mark[:-1], pieces.consumed)


def _first_end(text: Rows, *, ended: bool) -> int | None:
    """Where the line in progress ends, or None while that is not known."""
    ends = np.flatnonzero((text == _LF) | (text == _CR))
    if not len(ends):
        return len(text) if ended else None
    stop = int(ends[0])
    return None if text[stop] == _CR and stop == len(text) - 1 and not ended else stop


def _after(text: Rows, stop: int) -> int:
    """The position after the terminator at `stop`."""
    return min(len(text), stop + (2 if text[stop : stop + 2].tobytes() == b"\r\n" else 1))


def _lines(text: Rows, *, ended: bool) -> tuple[Ints, Ints, int]:
    """Start and length of each terminated line, and the position after the last of them."""
    is_cr = text == _CR
    is_end = (text == _LF) | is_cr
    is_end[1:] &= ~((text[1:] == _LF) & is_cr[:-1])
    ends = np.flatnonzero(is_end)
    if len(ends) and not ended and ends[-1] == len(text) - 1 and is_cr[-1]:
        ends = ends[:-1]
    if not len(ends):
        return ends, ends, 0
    nexts = ends + 1
    nexts += is_cr[ends] & (text[np.minimum(nexts, len(text) - 1)] == _LF) & (nexts < len(text))
    start = np.concatenate([np.zeros(1, np.int64), nexts[:-1]])
    return start, ends - start, int(nexts[-1])


def _shaped(text: Rows, start: Ints, length: Ints) -> Pieces:
    """Lines as records: lines over 120 characters are cut, transcoded, taken as many records, or refused."""
    mark = np.zeros(len(start), np.uint8)
    long = np.flatnonzero(length > WIDTH)
    if len(long):
        inked = np.append(~_IS_PADDING[text], False)
        bounds = np.stack([start[long] + WIDTH, start[long] + length[long]], axis=1).reshape(-1)
        excess = np.logical_or.reduceat(inked, bounds)[::2]
        length[long[~excess]] = WIDTH
        long = long[excess]
    if not len(long):
        return Pieces(start, length, mark, 0)
    shares: list[Pieces] = []
    before = 0
    for line in long.tolist():
        shares.append(Pieces(start[before:line], length[before:line], mark[before:line], 0))
        shares.append(_long_line(text, int(start[line]), int(length[line])))
        before = line + 1
    shares.append(Pieces(start[before:], length[before:], mark[before:], 0))
    return end_to_end(shares, 0)


def _long_line(text: Rows, start: int, length: int) -> Pieces:
    """One line over 120 characters, with something in the excess."""
    line = text[start : start + length]
    whole = np.array([start], np.int64), np.array([length], np.int64)
    if length <= LONGEST_LINE and transcoded(line.tobytes()) is not None:
        return Pieces(*whole, np.array([WAS_UTF8], np.uint8), 0)
    pieces = cut(line, ended=True)
    if length <= LONGEST_LINE and np.count_nonzero((pieces.mark & REFUSED) == 0) < 2:
        return Pieces(*whole, np.array([TOO_LONG], np.uint8), 0)
    return pieces._replace(start=pieces.start + start)


def _gathered(reading: _Reading, text: Rows, start: Ints, length: Ints, mark: npt.NDArray[np.uint8]) -> Frames:
    """Copy the pieces of `text` into a matrix, padded right."""
    padded = np.append(text, np.full(WIDTH, SPACE, np.uint8)) if len(start) else text
    windows = np.lib.stride_tricks.sliding_window_view(padded, WIDTH)
    rows = windows[start]
    rows[np.arange(WIDTH) >= length[:, None]] = SPACE
    for row in np.flatnonzero(mark & WAS_UTF8).tolist():
        line = text[start[row] : start[row] + length[row]].tobytes()
        rows[row] = np.frombuffer(transcoded(line) or line[:WIDTH], np.uint8)
    return _framed(reading, rows, start, mark)


def _framed(reading: _Reading, rows: Rows, start: Ints, mark: npt.NDArray[np.uint8]) -> Frames:
    """Number the records, leave the blank ones out, and take trimmed UTF-8 lines for what they are."""
    number = np.arange(reading.count + 1, reading.count + 1 + len(rows), dtype=np.int64)
    reading.count += len(rows)
    offset = reading.base + start
    heads = word(rows, 0, 2).view(np.int64)
    suspect = np.flatnonzero(((heads & 0xFF) != 0x30) & ((mark & TOO_LONG) == 0))
    blank = suspect[_IS_PADDING[rows[suspect]].all(axis=1)]
    if len(blank):
        keep = np.ones(len(rows), bool)
        keep[blank] = False
        rows, number, offset, mark, heads = rows[keep], number[keep], offset[keep], mark[keep], heads[keep]
    # A UTF-8 line of at most 120 bytes: its accents push the amount to the right, off its sign character.
    shifted = np.flatnonzero(_HAS_AMOUNT[heads] & (mark == 0))
    for row in shifted[~IS_SIGN[rows[shifted, 103]]].tolist():
        record = transcoded(rows[row].tobytes().rstrip(b" "))
        if record is not None and IS_SIGN[record[103]]:
            rows[row] = np.frombuffer(record, np.uint8)
            mark[row] |= WAS_UTF8
    return Frames(rows=rows, number=number, offset=offset, mark=mark, blank=len(blank))
