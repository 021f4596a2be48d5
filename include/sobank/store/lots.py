"""How statements in order are cut into lots, each of which becomes one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sobank.store.leaving import Destination, Leaving
from sobank.store.records import InParts, Ints, Later, Piece, Records, before, placed, within

if TYPE_CHECKING:
    from sobank.services.decide import Envelope

#: Order inside a lot: by IBAN then date (O1); the content decides between equals, so that bytes never depend on when.
_ORDER = ("lot", "iban", "currency", "opening_date", "content_sha256")
_NO_DAY = np.iinfo(np.int32).max


@dataclass(frozen=True, kw_only=True, slots=True)
class Lot:
    """Statements that will leave together: one destination, one business date, one due date (D2).

    `records`: its canonical records, in order. `in_memory`: they are there; otherwise they are read as they are
    iterated, which is possible only until the next lot is asked for. Amounts in minor units; `debit` negative.
    `allocated`: one row a statement, `statement_id, mandate_id, association_id`. `first_date`: the earliest opening.
    `encryption`: that setting of the connector, None where the file leaves in clear.
    """

    to: Destination
    business_date: date
    seq: int
    n_statements: int
    n_entries: int
    n_records: int
    credit: int
    debit: int
    first_date: date
    records: Records
    in_memory: bool
    allocated: pa.Table
    encryption: object


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What one file of a destination may hold. `encrypted`: settings of connectors by id; `room`: see Encryption."""

    envelopes: Mapping[str, Envelope]
    encrypted: Mapping[int, object]
    room: Callable[[int, object], int]

    def of(self, to: Destination) -> tuple[Envelope | None, object]:
        """The envelope, None for a global file or an unknown partner, and how its files are encrypted."""
        envelope = self.envelopes.get(to.partner)
        encryption = None if to.connector_id is None else self.encrypted.get(to.connector_id)
        if encryption is not None and envelope and envelope.max_bytes is not None:
            envelope = replace(envelope, max_bytes=self.room(envelope.max_bytes, encryption))
        return envelope, encryption


def cut(
    leaving: Leaving,
    read: pa.Table,
    limits: Limits,
    last_seq: dict[tuple[str, date], int],
    later: Later,
) -> Iterator[Lot]:
    """The lots of a chunk, numbered on from `last_seq`, which is carried on.

    Args:
        leaving: the rows of the chunk, whole lots. read: what was read of them, in any order: `WIDE`, or `KEYS` where
            their records are too many to be held; then these are read `later`.
    """
    starts = leaving.starts()
    order, place = _order(leaving, read, starts)
    rows = {name: column[place] for name, column in leaving.rows.items()}
    ends_at = before(rows["n_records"])
    piece = placed(read["records"], order, np.diff(ends_at)) if "records" in read.column_names else None
    keys = read.select(["opening_date", "n_entries", "credit", "debit"]).take(pa.array(order))
    parts, of_parts = [], []
    for start, end in zip(starts, [*starts[1:], len(leaving)], strict=True):
        to = leaving.destinations[rows["destination"][start]]
        envelope, encryption = limits.of(to)
        of_file = (envelope.max_records, envelope.max_statements) if envelope else (None, None)
        for part in within(ends_at, int(start), int(end), records=of_file[0], statements=of_file[1]):
            parts.append(part)
            of_parts.append((to, encryption))
    begins = [a for a, _ in parts]
    days = rows["business_date"][begins].astype("datetime64[D]").tolist()
    sums, first_dates = _sums(keys, rows, begins), _first_dates(keys, begins)
    allocated = _allocated(rows)
    records_of_each = _from(piece, parts, ends_at) if piece else _read_later(later, rows, parts, ends_at)
    of_each = zip(days, parts, of_parts, records_of_each, strict=True)
    for number, (day, (a, b), (to, encryption), records) in enumerate(of_each):
        last_seq[to.name, day] = seq = last_seq.get((to.name, day), 0) + 1
        yield Lot(
            to=to,
            business_date=day,
            seq=seq,
            n_statements=b - a,
            records=records,
            in_memory=not isinstance(records, InParts),
            allocated=allocated.slice(a, b - a),
            encryption=encryption,
            first_date=first_dates[number] or day,
            **{name: column[number] for name, column in sums.items()},
        )


def _from(piece: Piece, parts: Sequence[tuple[int, int]], ends_at: Ints) -> Iterator[Records]:
    """The records of each file out of those of all, which begin where the first file does."""
    all_records, places = piece
    first = ends_at[parts[0][0]]
    for a, b in parts:
        yield [(all_records, places[ends_at[a] - first : ends_at[b] - first])]


def _read_later(
    later: Later, rows: Mapping[str, npt.NDArray[Any]], parts: Sequence[tuple[int, int]], ends_at: Ints
) -> Iterator[Records]:
    """The records of each file of a large lot: of many small ones read together, of a large one as it is written."""
    sizes = np.array([ends_at[b] - ends_at[a] for a, b in parts])
    for first, last in within(before(sizes), 0, len(parts), records=later.most):
        chosen = slice(parts[first][0], parts[last - 1][1])
        of_these = rows["statement_id"][chosen], rows["n_records"][chosen]
        if sizes[first:last].sum() > later.most:
            yield InParts(later, *of_these)
        else:
            yield from _from(later.piece(*of_these), parts[first:last], ends_at)


def _order(leaving: Leaving, read: pa.Table, starts: Ints) -> tuple[Ints, Ints]:
    """Of each statement in the order in which it leaves, its place in what was read, and in `leaving`."""
    ids = leaving.rows["statement_id"]
    place = pc.index_in(read["statement_id"], value_set=pa.array(ids)).to_numpy()
    lot = pa.array(np.searchsorted(starts, place, side="right"))
    keys = read.select([name for name in _ORDER if name != "lot"]).append_column("lot", lot)
    order = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in _ORDER]).to_numpy().astype(np.int64)
    return order, place[order]


def _sums(keys: pa.Table, rows: Mapping[str, npt.NDArray[Any]], begins: list[int]) -> dict[str, list[int]]:
    """Of each part, which lie one behind the other."""
    counts = {name: keys[name].to_numpy().astype(np.int64) for name in ("n_entries", "credit", "debit")}
    counts["n_records"] = rows["n_records"].astype(np.int64)
    return {name: np.add.reduceat(of, begins).tolist() for name, of in counts.items()}


def _first_dates(keys: pa.Table, begins: list[int]) -> list[date | None]:
    opening = pc.fill_null(keys["opening_date"].cast(pa.int32()), _NO_DAY).to_numpy()
    days = np.minimum.reduceat(opening, begins)
    found = days.astype("datetime64[D]")
    found[days == _NO_DAY] = np.datetime64("NaT")
    return list(found.tolist())


def _allocated(rows: Mapping[str, npt.NDArray[Any]]) -> pa.Table:
    associations = rows["association_id"]
    return pa.table(
        {
            "statement_id": rows["statement_id"],
            "mandate_id": rows["mandate_id"],
            "association_id": pa.array(associations, mask=associations == 0),
        }
    )
