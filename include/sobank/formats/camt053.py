"""CAMT.053 (ISO 20022, versions 001.02, 04, 06 and 08), plain or zipped, read into the same columns as CFONB 120.

Each statement is rendered to its canonical CFONB records, once, here; the records are then read by the CFONB reader, so
that one columnar path gives identities, duplicates and rows (S10, S14). A *record* of a CAMT.053 file (S1) is therefore
a rendered CFONB record, or one `Stmt` or `Ntry` that could not be taken; both are numbered in one sequence.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.errors import UnsafeInput
from sobank.formats.camt053_codes import WARNINGS
from sobank.formats.camt053_statement import Assembly
from sobank.formats.camt053_values import Untaken
from sobank.formats.camt053_xml import NAMESPACE, Bounds, NotCamt053, events
from sobank.formats.camt053_zip import SIGNATURE, looks_like_camt, members
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_write import write
from sobank.formats.parsed import ENTRIES, REFUSALS, STATEMENTS, Counts, Parsed

_PIECE: Final = 1 << 16
_RECORD: Final = 120
_BEFORE_XML: Final = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"


class Camt053:
    """Reader of CAMT.053; implements `sobank.formats.parsed.Format`."""

    name = "camt053"

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()

    def claims(self, head: bytes) -> bool:
        """Whether the first 4096 bytes name a CAMT.053 namespace, plain or as the first member of a zip."""
        head = head[:4096]
        if head.startswith(SIGNATURE):
            return looks_like_camt(head)
        return head.lstrip(_BEFORE_XML).startswith(b"<") and NAMESPACE.encode() in head.replace(b"\0", b"")

    def read(self, stream: BinaryIO, *, chunk_bytes: int) -> Iterator[Parsed]:
        """Yield the file chunk by chunk; memory is bounded by `chunk_bytes` and the largest statement's records.

        Offsets of refusals count from the beginning of the XML document, which in a zip is the member.

        Raises:
            UnsafeInput: DOCTYPE, entity, encrypted or nested zip, or a bound of `Bounds` is passed.
            InputRefused: not well-formed, not CAMT.053, or a damaged zip; nothing of the file may be stored then.
        """
        source = _Source(stream, self._bounds)
        for parsed in Cfonb120().read(io.BufferedReader(source, max(chunk_bytes, 1)), chunk_bytes=chunk_bytes):
            yield source.amended(parsed)
        if source.refusals:
            nothing = Parsed(
                statements=STATEMENTS.empty_table(),
                entries=ENTRIES.empty_table(),
                refusals=REFUSALS.empty_table(),
                counts=Counts(),
            )
            yield source.amended(nothing)


class _Source(io.RawIOBase):
    """The CFONB file that a CAMT.053 amounts to, as a stream; keeps beside it what a CFONB reader cannot know."""

    def __init__(self, stream: BinaryIO, bounds: Bounds) -> None:
        self.refusals: list[dict[str, Any]] = []
        self._stream, self._bounds = stream, bounds
        self._records = self._refused = self._position = 0
        self._steps: list[tuple[int, int]] = [(0, 0)]  # from this position on, so many records were refused before
        self._marks: dict[int, tuple[set[str], set[str]]] = {}  # position → warnings, errors to add
        self._blocks = self._rendered()
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left and (block := next(self._blocks, None)) is not None:
            self._left = memoryview(block)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def amended(self, parsed: Parsed) -> Parsed:
        """`parsed` with the refusals met so far, records numbered over both, and the marks of its statements."""
        refusals, self.refusals = self.refusals, []
        added = Counts(total=len(refusals), refused=len(refusals))
        return Parsed(
            statements=self._marked(self._shifted(parsed.statements)),
            entries=parsed.entries,
            refusals=pa.concat_tables([parsed.refusals, pa.Table.from_pylist(refusals, schema=REFUSALS)]),
            counts=parsed.counts + added,
        )

    def _shifted(self, statements: pa.Table) -> pa.Table:
        if self._refused == 0 or statements.num_rows == 0:
            return statements
        starts, shifts = (np.array(column, dtype=np.int64) for column in zip(*self._steps, strict=True))
        positions = statements.column("position").to_numpy()
        shift = pa.array(shifts[np.searchsorted(starts, positions, side="right") - 1])
        return _with(statements, "first_record", pc.add(statements.column("first_record"), shift))

    def _marked(self, statements: pa.Table) -> pa.Table:
        if not self._marks or statements.num_rows == 0:
            return statements
        positions = statements.column("position").to_pylist()
        rows = {row: self._marks.pop(position) for row, position in enumerate(positions) if position in self._marks}
        for side, name in enumerate(("warnings", "errors")):
            words = statements.column(name).to_pylist()
            for row, marks in rows.items():
                words[row] = " ".join(dict.fromkeys([*words[row].split(), *sorted(marks[side])]))
            statements = _with(statements, name, pa.chunked_array([pa.array(words, pa.string())]))
        return statements

    def _rendered(self) -> Iterator[bytes]:
        for subject, document in _documents(self._stream, self._bounds):
            if document is None:
                self._refuse("not_camt053", 0)
                continue
            try:
                yield from self._statements(document, subject)
            except NotCamt053:
                if not subject:
                    raise
                self._refuse("not_camt053", 0)

    def _statements(self, document: Iterable[bytes], subject: str) -> Iterator[bytes]:
        assembly: Assembly | None = None
        seen = False
        for event in events(document, self._bounds, subject=subject):
            if event.kind == "opened":
                assembly, seen = Assembly(event.offset, self._bounds.records), True
            elif event.node and assembly:
                assembly.add(event.node, event.offset)
            elif assembly:
                yield self._finished(assembly)
                assembly = None
        if not seen:
            self._refuse("no_statement", 0)

    def _finished(self, assembly: Assembly) -> bytes:
        try:
            records = assembly.records()
        except Untaken as refusal:
            self._refuse(refusal.reason, assembly.offset)
            return b""
        if self._steps[-1][1] != self._refused:
            self._steps.append((self._position, self._refused))
        for entry in assembly.refused:
            self._refuse(entry.reason, entry.offset, after=entry.after)
            warnings, errors = self._marks.setdefault(self._position, (set(), set()))
            (warnings if entry.reason in WARNINGS else errors).add(entry.reason)
        self._records += len(records) // _RECORD
        self._position += 1
        return write(records, b"\n")

    def _refuse(self, reason: str, offset: int, *, after: int = 0) -> None:
        self._refused += 1
        if self._refused > self._bounds.refusals:
            raise UnsafeInput(
                f"more than {self._bounds.refusals} statements and entries cannot be taken",
                remedy="nothing of the file was kept; ask the bank what it sent",
            )
        self.refusals.append({"record": self._records + after + self._refused, "offset": offset, "reason": reason})


def _with(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), STATEMENTS.field(name), column)


def _documents(stream: BinaryIO, bounds: Bounds) -> Iterator[tuple[str, Iterable[bytes] | None]]:
    """The XML documents of a file: itself, or the members of a zip; a stream that cannot seek is spooled for that."""
    head = stream.read(len(SIGNATURE))
    if head != SIGNATURE:
        yield "", chain([head], iter(lambda: stream.read(_PIECE), b""))
    elif stream.seekable():
        yield from members(stream, bounds)
    else:
        with tempfile.SpooledTemporaryFile(max_size=8 << 20) as spool:
            spool.write(head)
            while piece := stream.read(_PIECE):
                if spool.tell() > bounds.total:
                    raise UnsafeInput(f"more than {bounds.total} bytes", remedy="ask the bank for smaller files")
                spool.write(piece)
            yield from members(spool, bounds)  # type: ignore[arg-type]  # a SpooledTemporaryFile is a BinaryIO in all but name
