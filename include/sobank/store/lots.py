"""How candidates in order are cut into lots, each of which becomes one file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from sobank.domain.routing import Kind

if TYPE_CHECKING:
    from sobank.services.decide import Envelope

_LOT = ("destination", "business_date", "due_date")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lot:
    """Statements that will leave together: one destination, one business date, one due date (D2).

    `records`: their canonical records, 120 bytes each, one after another. Amounts in minor units; `debit` negative.
    `encryption`: that setting of the connector, None where the file leaves in clear.
    """

    destination: str
    kind: Kind
    cabinet: str
    connector: str
    partner: str
    business_date: date
    seq: int
    n_statements: int
    n_entries: int
    n_records: int
    credit: int
    debit: int
    first_date: date
    records: memoryview
    rows: pa.Table
    encryption: object


def starts_of(rows: pa.Table) -> list[int]:
    """Row numbers at which a new lot begins, in rows sorted by destination, business date and due date."""
    changes = np.zeros(rows.num_rows, bool)
    changes[0] = True
    for name in _LOT:
        codes = rows[name].combine_chunks().dictionary_encode().indices.to_numpy()
        changes[1:] |= codes[1:] != codes[:-1]
    return [int(row) for row in np.flatnonzero(changes)]


def within(envelope: Envelope | None, start: int, end: int, ends_at: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut rows `start`…`end` into parts that an envelope holds, at least one row each.

    Args:
        envelope: None for a global file, which has no limits. ends_at: how many records there are before each row.
    """
    while start < end:
        stop = end
        if envelope and envelope.max_statements is not None:
            stop = min(stop, start + envelope.max_statements)
        if envelope and envelope.max_records is not None:
            stop = min(stop, int(np.searchsorted(ends_at, ends_at[start] + envelope.max_records, side="right")) - 1)
        stop = max(stop, start + 1)
        yield start, stop
        start = stop
