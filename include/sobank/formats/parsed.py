"""What every format's reader yields: statements, entries and refusals as Arrow tables, with every record counted (S1).

A `Parsed` is one bounded chunk of a file; a file is a sequence of them. Columns, not objects: no Python loop over rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import pyarrow as pa

from sobank.domain.statement import Counts as Counts

#: One row a statement. `position` is 0-based in the file. Amounts: minor units. Codes: space-separated.
#: `bban` and `iban` are null where bank, branch or account are not digits and capital letters.
#: `records` holds the canonical records, 120 bytes each, no terminator (S14).
#: `duplicate_of`: position of the first statement of this file with the same canonical records (S10).
STATEMENTS = pa.schema(
    [
        pa.field("position", pa.int32(), nullable=False),
        pa.field("bank", pa.string(), nullable=False),
        pa.field("branch", pa.string(), nullable=False),
        pa.field("account", pa.string(), nullable=False),
        pa.field("bban", pa.string()),
        pa.field("iban", pa.string()),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("decimals", pa.int8(), nullable=False),
        pa.field("opening_date", pa.date32()),
        pa.field("closing_date", pa.date32()),
        pa.field("opening", pa.int64()),
        pa.field("closing", pa.int64()),
        pa.field("n_entries", pa.int32(), nullable=False),
        pa.field("credit", pa.int64(), nullable=False),
        pa.field("debit", pa.int64(), nullable=False),
        pa.field("balanced", pa.bool_(), nullable=False),
        pa.field("first_record", pa.int64(), nullable=False),
        pa.field("n_records", pa.int32(), nullable=False),
        pa.field("records", pa.large_binary(), nullable=False),
        pa.field("content_sha256", pa.binary(32), nullable=False),
        pa.field("identity", pa.binary(32), nullable=False),
        pa.field("duplicate_of", pa.int32()),
        pa.field("warnings", pa.string(), nullable=False),
        pa.field("errors", pa.string(), nullable=False),
    ]
)

#: One row a readable entry. `details`: one line a complement, 3 characters of qualifier then its text, as they came.
ENTRIES = pa.schema(
    [
        pa.field("position", pa.int32(), nullable=False),
        pa.field("seq", pa.int32(), nullable=False),
        pa.field("amount", pa.int64(), nullable=False),
        pa.field("booking_date", pa.date32(), nullable=False),
        pa.field("value_date", pa.date32()),
        pa.field("label", pa.string(), nullable=False),
        pa.field("interbank_code", pa.string(), nullable=False),
        pa.field("bank_code", pa.string(), nullable=False),
        pa.field("reject_code", pa.string(), nullable=False),
        pa.field("entry_number", pa.string(), nullable=False),
        pa.field("exempt", pa.string(), nullable=False),
        pa.field("unavailable", pa.string(), nullable=False),
        pa.field("reference", pa.string(), nullable=False),
        pa.field("details", pa.string(), nullable=False),
    ]
)

#: One row a refused record: 1-based number of the record, byte offset in the file, and why.
REFUSALS = pa.schema(
    [
        pa.field("record", pa.int64(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Parsed:
    """One chunk of a file: whole statements with their entries, the records refused, and the count of all."""

    statements: pa.Table
    entries: pa.Table
    refusals: pa.Table
    counts: Counts


class Format(Protocol):
    """A way of writing statements down. `claims` looks at the first bytes only; `read` is total on what it claims."""

    @property
    def name(self) -> str:
        """The name that messages, tables and the command line use."""
        ...

    def claims(self, head: bytes) -> bool:
        """Whether the first 4096 bytes look like this format."""
        ...

    def read(self, stream: BinaryIO, *, chunk_bytes: int) -> Iterator[Parsed]:
        """Yield the file chunk by chunk, in order, memory bounded by a small multiple of `chunk_bytes`.

        Raises:
            InputRefused: the whole file is unsafe (DOCTYPE, bounds); nothing of it may be stored then.
        """
        ...
