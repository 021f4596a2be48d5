"""What of a day leaves, as numbers: the order of its lots is known before any record of a statement is read.

Some forty bytes a statement, so that a day of a million fits beside a chunk of records; what else a lot needs is read
for one chunk of lots at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sobank.domain.routing import Kind
from sobank.store.candidates import Routed, routed

Ints = npt.NDArray[np.int64]
#: Columns of `Leaving.rows`. Days are days since 1970-01-01; no association is 0; `destination` is a place in the list.
_COLUMNS = ("statement_id", "business_date", "due_date", "n_records", "mandate_id", "association_id", "destination")
_PLACE = ("destination", "business_date", "due_date")
ASIDE = pa.schema([("statement_id", pa.int64()), ("reason", pa.string())])


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where lots go, and what their batches say of it. Of a global file `connector` and `partner` are empty."""

    name: str
    kind: Kind
    cabinet_id: int
    cabinet: str
    connector_id: int | None
    connector: str
    partner: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """Statements that have a destination: one array a column, in the order of destination, business date, due date."""

    rows: dict[str, npt.NDArray[Any]]
    destinations: list[Destination]

    def __len__(self) -> int:
        return len(self.rows["statement_id"])

    def only(self, mask: npt.NDArray[np.bool_]) -> Leaving:
        """Those of which the mask is true; of a large day the same arrays, where that is all of them."""
        if mask.all():
            return self
        return replace(self, rows={name: column[mask] for name, column in self.rows.items()})

    def part(self, start: int, end: int) -> Leaving:
        """Rows from `start` up to `end`."""
        return replace(self, rows={name: column[start:end] for name, column in self.rows.items()})

    def days(self) -> list[date]:
        """Business dates that occur, in order."""
        return [day.astype("datetime64[D]").item() for day in np.unique(self.rows["business_date"])]

    def starts(self) -> Ints:
        """Row numbers at which a lot begins: another destination, business date or due date."""
        changes = np.zeros(len(self), bool)
        changes[:1] = True
        for name in _PLACE:
            column = self.rows[name]
            changes[1:] |= column[1:] != column[:-1]
        return np.flatnonzero(changes)

    def chunks(self, records: int) -> Iterator[tuple[int, int]]:
        """Rows from … to: whole lots of at most so many records together, or one lot that is larger alone."""
        starts = self.starts()
        before = np.concatenate([[0], np.cumsum(self.rows["n_records"], dtype=np.int64)])
        ends = np.append(starts[1:], len(self))
        begin = 0
        while begin < len(starts):
            fits = int(np.searchsorted(before[ends], before[starts[begin]] + records, side="right"))
            end = max(fits, begin + 1)
            yield int(starts[begin]), int(ends[end - 1])
            begin = end


@dataclass(frozen=True, kw_only=True, slots=True)
class Gathered:
    """The candidates of a day: what leaves, what routing sets aside (`ASIDE`), how many wait for their mandate."""

    leaving: Leaving
    aside: pa.Table
    waiting: int


def gather(candidates: Iterable[pa.Table]) -> Gathered:
    """Route candidates, some thousand at a time, and keep of them what decides their lots."""
    known: dict[str, int] = {}
    destinations: list[Destination] = []
    parts: list[dict[str, npt.NDArray[Any]]] = [
        _numbers(pa.table({name: pa.array([], pa.int64()) for name in _COLUMNS}))
    ]
    aside, waiting = [ASIDE.empty_table()], 0
    for table in candidates:
        found = routed(table)
        waiting += int(np.sum(found.kind == Kind.WAIT))
        aside.append(_set_aside(found))
        leaving = pa.array(found.leaving)
        names = found.destination.filter(leaving).combine_chunks().dictionary_encode()
        rows, kinds = found.candidates.filter(leaving), found.kind[found.leaving]
        met = [(name, place) for name, place in _first_of_each(names) if name not in known]
        firsts = rows.take(pa.array([place for _, place in met], pa.int64())).to_pylist()
        for (name, place), row in zip(met, firsts, strict=True):
            known[name] = len(destinations)
            destinations.append(_destination(name, kinds[place], row))
        codes = np.array([known[name] for name in names.dictionary.to_pylist()], np.int32)
        parts.append(_numbers(rows.append_column("destination", pa.array(codes[names.indices.to_numpy()]))))
    # Column by column, so that the day is held once.
    rows = {name: np.concatenate([part.pop(name) for part in parts]) for name in _COLUMNS}
    return Gathered(leaving=_in_order(rows, destinations), aside=pa.concat_tables(aside), waiting=waiting)


def _set_aside(found: Routed) -> pa.Table:
    by_route = found.kind == Kind.QUARANTINE
    ids = found.candidates["statement_id"].filter(pa.array(by_route))
    return pa.table([ids, pa.array(found.reason[by_route], pa.string())], schema=ASIDE)


def _first_of_each(names: pa.DictionaryArray) -> Iterator[tuple[str, int]]:
    _, first = np.unique(names.indices.to_numpy(), return_index=True)
    for place in first:
        yield names[int(place)].as_py(), int(place)


def _destination(name: str, kind: str, row: dict[str, Any]) -> Destination:
    to_partner = Kind(kind) is Kind.PARTNER
    return Destination(
        name=name,
        kind=Kind(kind),
        cabinet_id=row["cabinet_id"],
        cabinet=row["cabinet"],
        connector_id=row["connector_id"] if to_partner else None,
        connector=row["connector"] or "" if to_partner else "",
        partner=row["partner"] or "" if to_partner else "",
    )


def _numbers(table: pa.Table) -> dict[str, npt.NDArray[Any]]:
    return {
        name: pc.fill_null(_as_number(table[name]), 0).to_numpy().astype(_kind_of(name), copy=False)
        for name in _COLUMNS
    }


def _as_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int32()) if pa.types.is_date32(column.type) else column


def _kind_of(name: str) -> type[np.signedinteger[Any]]:
    return np.int64 if name == "statement_id" else np.int32


def _in_order(rows: dict[str, npt.NDArray[Any]], destinations: list[Destination]) -> Leaving:
    """By name of destination, then dates."""
    ordered = sorted(destinations, key=lambda destination: destination.name)
    place_of = {destination.name: place for place, destination in enumerate(ordered)}
    places = np.array([place_of[destination.name] for destination in destinations], np.int32)
    rows["destination"] = places[rows["destination"]] if len(places) else rows["destination"]
    order = np.lexsort([rows[name] for name in reversed(_PLACE)])
    for name in _COLUMNS:
        rows[name] = rows[name][order]
    return Leaving(rows=rows, destinations=ordered)
