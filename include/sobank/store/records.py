"""Canonical records of statements that leave: those of a chunk at once, those of a larger lot as they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sobank.errors import DecisionConflict
from sobank.store.ahead import ahead
from sobank.store.bulk import Beside, Bulk

Ints = npt.NDArray[np.int64]
#: Records of some statements, 120 bytes each, and the places of those that are meant, in order.
Piece = tuple[memoryview, Ints]
#: The records of a lot in order; the same each time they are iterated.
Records = Iterable[Piece]
#: What orders the statements of a lot, and what is added up.
KEYS = pa.schema(
    [
        ("statement_id", pa.int64()),
        ("iban", pa.string()),
        ("currency", pa.string()),
        ("opening_date", pa.date32()),
        ("content_sha256", pa.binary()),
        ("n_entries", pa.int32()),
        ("credit", pa.int64()),
        ("debit", pa.int64()),
    ]
)
_RECORDS = pa.schema([("statement_id", pa.int64()), ("records", pa.large_binary())])
#: Keys and records together.
WIDE = pa.schema([*KEYS, _RECORDS.field("records")])
_KEYS_SQL = "s.id, a.iban, s.currency, s.opening_date, s.content_sha256, s.n_entries, s.credit, s.debit"
_CHOSEN = "leaving JOIN statements s ON s.id = leaving.id"
_WIDTH = 120


def keys_of(rows: Bulk, ids: Ints) -> pa.Table:
    """`KEYS` of these statements, in any order. Raises DecisionConflict: one of them is gone, whoever took it away."""
    return _found(rows, ids, f"{_KEYS_SQL} FROM {_CHOSEN} JOIN accounts a ON a.id = s.account_id", KEYS)


def wide_of(rows: Bulk, ids: Ints) -> pa.Table:
    """`WIDE` of these statements, in any order. Raises DecisionConflict: one of them is gone, whoever took it away."""
    return _found(rows, ids, f"{_KEYS_SQL}, s.records FROM {_CHOSEN} JOIN accounts a ON a.id = s.account_id", WIDE)


def records_of(rows: Bulk, ids: Ints) -> pa.Table:
    """The records of these statements, in any order. Raises DecisionConflict: one of them is gone, as above."""
    return _found(rows, ids, f"s.id, s.records FROM {_CHOSEN}", _RECORDS)


def placed(read: pa.ChunkedArray, order: Ints, counts: Ints) -> Piece:
    """All records as they were read, and of each record in the order in which it leaves, which of them it is.

    Args:
        order: of each statement in that order, its place in what was read. counts: how many records it has.
    """
    whole = read.combine_chunks()
    begins = np.frombuffer(whole.buffers()[1], np.int64)[whole.offset :][: len(whole)] // _WIDTH
    ends_at = np.cumsum(counts, dtype=np.int64)
    places = np.repeat(begins[order] - (ends_at - counts), counts) + np.arange(ends_at[-1])
    return memoryview(whole.buffers()[2]), places


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """Records that were too many to be read with their lot: where to read them, and how many at once."""

    rows: Bulk
    beside: Beside
    most: int

    def piece(self, ids: Ints, counts: Ints) -> Piece:
        """The records of these statements in order, `counts` of each, read now."""
        return in_order(self.beside(records_of, self.rows, ids).result(), ids, counts)

    def each(self, parts: Iterable[Ints]) -> Iterator[pa.Table]:
        """The records of these statements, part by part, as `records_of` finds them; the next are read meanwhile."""
        return ahead((records_of(self.rows, ids) for ids in parts), self.beside)


class InParts:
    """The records of a file that is too large to be held: read as they are iterated, the next ones meanwhile.

    That is possible only while the decision that cut its lot has not gone on to the next. `ids`, `counts`: its
    statements in order, with their records.
    """

    def __init__(self, later: Later, ids: Ints, counts: Ints) -> None:
        self._later, self._ids, self._counts = later, ids, counts
        self._parts = [slice(*part) for part in within(before(counts), 0, len(ids), records=later.most)]

    def __iter__(self) -> Iterator[Piece]:
        of_each = self._later.each([self._ids[part] for part in self._parts])
        for part, found in zip(self._parts, of_each, strict=True):
            yield in_order(found, self._ids[part], self._counts[part])


def in_order(found: pa.Table, ids: Ints, counts: Ints) -> Piece:
    """Of what was read by `records_of`, the records of these statements in order, `counts` of each."""
    order = pc.index_in(pa.array(ids), value_set=found["statement_id"])
    return placed(found["records"], order.to_numpy(), counts)


def before(counts: Ints) -> Ints:
    """How many records there are before each statement, and in all."""
    ends: Ints = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return ends


def within(
    ends_at: Ints, start: int, end: int, *, records: int | None = None, statements: int | None = None
) -> Iterator[tuple[int, int]]:
    """Cut rows `start`…`end` into parts of so many records and so many statements at most, at least one row each.

    Args:
        ends_at: how many records there are before each row, and in all. None where there is no limit.
    """
    while start < end:
        stop = end if statements is None else min(end, start + statements)
        if records is not None:
            stop = min(stop, int(np.searchsorted(ends_at, ends_at[start] + records, side="right")) - 1)
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


def _found(rows: Bulk, ids: Ints, selected: str, schema: pa.Schema) -> pa.Table:
    # Found in the order in which they were stored, neighbours lie on one page.
    rows.temporary("leaving", pa.table({"id": np.sort(ids)}))
    found = rows.query(f"SELECT {selected}", schema)
    if found.num_rows != len(ids):
        raise DecisionConflict(
            f"{len(ids) - found.num_rows} statements went away while they were being decided",
            subject=f"{len(ids)} statements read together",
            remedy="nothing was written; run it again",
        )
    return found
