"""CFONB 120, relevé de compte (S1–S14): the reader.

    bytes ─ framing, stream ─→ records of 120 ─ records ─→ kinds, dates, amounts ─ statements ─→ Arrow tables

`cfonb120_layout` is the standard as tables; `cfonb120_codes` says what every warning, error and refusal means;
`cfonb120_words` looks at eight characters of every record at once.
A year below 70 is of this century. A statement without 07 ends where the next 01 begins. Memory: a small multiple of
the chunk, the statement in progress, and some 0.5 kB a statement read, to know a repeated one (S10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from sobank.formats.cfonb120_framing import Frames, frames, joined
from sobank.formats.cfonb120_identity import Seen
from sobank.formats.cfonb120_records import CLOSING, OPENING, kinds, read_records
from sobank.formats.cfonb120_statements import parsed
from sobank.formats.cfonb120_stream import begins_like_a_record, holds_records
from sobank.formats.parsed import Parsed

#: A statement of more records than this is cut there (`too_large`): memory has a bound. 63 MB of records.
MAX_RECORDS: Final = 1 << 19
_LINE: Final = re.compile(rb"[^\r\n]+")


@dataclass(frozen=True, slots=True)
class Cfonb120:
    """The format, as `formats.parsed.Format` wants it. `max_records`: bound of one statement."""

    max_records: int = MAX_RECORDS
    name: str = "cfonb120"

    def claims(self, head: bytes) -> bool:
        """Whether a line of the first bytes begins with the header of a record, or holds two of one account."""
        lines = [line.group() for line in _LINE.finditer(head.removeprefix(b"\xef\xbb\xbf"))]
        return any(begins_like_a_record(line[:32]) for line in lines) or any(map(holds_records, lines))

    def read(self, stream: BinaryIO, *, chunk_bytes: int) -> Iterator[Parsed]:
        """Yield the file chunk by chunk; any bytes give statements and refusals, nothing is raised (S1, S7)."""
        seen = Seen()
        waiting: list[Frames] = []
        blank = 0
        for block in frames(stream, chunk_bytes):
            blank += block.blank
            if not len(block):
                continue
            waiting.append(block)
            if not self._settles(waiting):
                continue
            ready, rest = self._split(joined(waiting))
            waiting = [rest] if len(rest) else []
            if len(ready):
                yield parsed(read_records(ready, self.max_records), seen, self.max_records, blank)
                blank = 0
        if waiting or blank:
            last = joined(waiting) if waiting else _NOTHING
            yield parsed(read_records(last, self.max_records), seen, self.max_records, blank)

    def _settles(self, waiting: list[Frames]) -> bool:
        """Whether the newest block can end a statement: while none does, nothing is joined again and again."""
        if len(waiting) == 1 or sum(len(w) for w in waiting) >= self.max_records:
            return True
        newest = kinds(waiting[-1])
        return bool(((newest == OPENING) | (newest == CLOSING)).any())

    def _split(self, block: Frames) -> tuple[Frames, Frames]:
        """What is settled, and the statement that is still open."""
        kind = kinds(block)
        opened, closed = (max(np.flatnonzero(kind == code)[-1:].tolist(), default=-1) for code in (OPENING, CLOSING))
        is_open = opened > closed and len(block) - opened < self.max_records
        at = opened if is_open else len(block)
        return block.part(0, at), block.part(at, len(block))


_NOTHING: Final = Frames(
    rows=np.empty((0, 120), np.uint8),
    number=np.empty(0, np.int64),
    offset=np.empty(0, np.int64),
    mark=np.empty(0, np.uint8),
)
