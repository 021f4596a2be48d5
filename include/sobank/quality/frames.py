"""What is handed over to be judged, and the whole numbers that are derived from it (DESIGN §7).

Frames hold integers only: no IBAN, no label, no text can reach Great Expectations or its pages, by construction.
The derivations here are described, column by column, by `transformDescription` in the data contracts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sobank.errors import CheckBroken
from sobank.quality.masks import Column

Columns = dict[str, Column]


def _schema(**kinds: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in kinds.items()])


def _nullable(schema: pa.Schema, *names: str) -> pa.Schema:
    return pa.schema([field.with_nullable(field.name in names) for field in schema])


_I8, _I32, _I64 = pa.int8(), pa.int32(), pa.int64()

#: One row a statement, `statement_id` unique. Days: since 1970-01-01. Amounts: minor units.
STATEMENT_FRAME: Final = _nullable(
    _schema(
        statement_id=_I64, partition=_I32, business_day=_I32, due_day=_I32, opening_day=_I32, closing_day=_I32,
        opening=_I64, closing=_I64, credit=_I64, debit=_I64, decimals=_I8, n_entries=_I32, n_records=_I32,
        records_length=_I64, previous_closing=_I64, currency_length=_I32, account_length=_I32,
    ),
    "opening_day", "closing_day", "opening", "closing", "previous_closing",
)  # fmt: skip

#: One row an entry, of the statements in the statement frame and of no others; in any order.
ENTRY_FRAME: Final = _nullable(
    _schema(
        statement_id=_I64, seq=_I32, amount=_I64, booking_day=_I32, value_day=_I32, label_length=_I32,
        details_length=_I32,
    ),
    "value_day",
)  # fmt: skip

#: One row a file to be: (partition, business_day, due_day). `size` in bytes.
OUTGOING_FRAME: Final = _schema(
    partition=_I32, business_day=_I32, due_day=_I32, n_statements=_I32, n_entries=_I64, n_records=_I64, size=_I64,
    terminator_length=_I8, credit=_I64, debit=_I64, balance_change=_I64,
)  # fmt: skip

STATEMENTS: Final = "statements"
ENTRIES: Final = "entries"

#: The frame of each data contract, by the contract's name.
FRAMES: Final[dict[str, pa.Schema]] = {
    STATEMENTS: STATEMENT_FRAME,
    ENTRIES: ENTRY_FRAME,
    "outgoing_cfonb120": OUTGOING_FRAME,
    "global_file": OUTGOING_FRAME,
}


def narrow(frames: Mapping[str, pa.Table]) -> dict[str, Columns]:
    """The int64 columns that rules look at, given and derived, by frame name. Nulls become 0, and a rule counts them.

    `statements` and `entries` come together; columns beyond the frame's schema are left behind.

    Raises:
        CheckBroken: a frame is unknown or alone, a column is missing or not whole numbers, a null stands where none
            may, a statement is there twice, or an entry belongs to no statement of the frame.
    """
    if unknown := sorted(set(frames) - set(FRAMES)):
        raise _broken(f"no data contract for a frame of this name; known: {', '.join(FRAMES)}", ", ".join(unknown))
    if (STATEMENTS in frames) != (ENTRIES in frames):
        raise _broken("statements are judged together with their entries: give both frames", "statements, entries")
    tables = {name: _conform(table, FRAMES[name], name) for name, table in frames.items()}
    found = {name: _numbers(table) for name, table in tables.items()}
    for name, columns in found.items():
        if name not in (STATEMENTS, ENTRIES):
            columns.update(_derive_outgoing(columns))
    if STATEMENTS in tables:
        statements, entries = found[STATEMENTS], found[ENTRIES]
        known = {field.name: _known(tables[STATEMENTS][field.name]) for field in STATEMENT_FRAME if field.nullable}
        row = _statement_rows(statements["statement_id"], entries["statement_id"])
        statements.update(_derive_statements(statements, entries["amount"], row, known))
        entries.update(_derive_entries(entries, _known(tables[ENTRIES]["value_day"]), statements, row, known))
    return found


def _conform(table: pa.Table, schema: pa.Schema, name: str) -> pa.Table:
    if missing := [field.name for field in schema if field.name not in table.column_names]:
        raise _broken(f"column {', '.join(missing)} is missing", name)
    table = table.select(schema.names)
    for field in schema:
        column = table[field.name]
        if not pa.types.is_integer(column.type):
            raise _broken(f"column {field.name} is {column.type}: frames hold whole numbers only", name)
        if column.null_count and not field.nullable:
            raise _broken(f"column {field.name} holds {column.null_count} nulls and may hold none", name)
    return table


def _numbers(table: pa.Table) -> Columns:
    try:
        return {
            name: pc.fill_null(table[name], 0).cast(pa.int64()).to_numpy(zero_copy_only=False)
            for name in table.column_names
        }
    except pa.ArrowInvalid:
        raise _broken("a number does not fit in 64 bits", "frame") from None


def _known(column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.is_valid(column).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _statement_rows(statement_ids: Column, of_entries: Column) -> npt.NDArray[np.intp]:
    """For each entry the row of its statement."""
    order = np.argsort(statement_ids, kind="stable")
    ordered = statement_ids[order]
    if len(ordered) > 1 and (ordered[1:] == ordered[:-1]).any():
        raise _broken("a statement is there twice", STATEMENTS)
    if not len(of_entries):
        return np.zeros(0, dtype=np.intp)
    place = np.searchsorted(ordered, of_entries)
    if not len(ordered) or (ordered[np.minimum(place, len(ordered) - 1)] != of_entries).any():
        raise _broken("an entry belongs to no statement of the frame", ENTRIES)
    return order[place]


def _derive_statements(
    given: Columns, amounts: Column, row: npt.NDArray[np.intp], known: Mapping[str, npt.NDArray[np.bool_]]
) -> Columns:
    size = len(given["statement_id"])
    credit, debit = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    # ufunc.at adds int64 exactly; bincount with weights would go through floats.
    np.add.at(credit, row, np.maximum(amounts, 0))
    np.add.at(debit, row, np.minimum(amounts, 0))
    counted = np.bincount(row, minlength=size).astype(np.int64)
    balances, period = known["opening"] & known["closing"], known["opening_day"] & known["closing_day"]
    chained = known["opening"] & known["previous_closing"]
    return {
        "unreadable_parts": sum(
            ((~known[name]).astype(np.int64) for name in ("opening_day", "closing_day", "opening", "closing")),
            start=np.zeros(size, dtype=np.int64),
        ),
        "entries_counted": counted,
        "entries_credit": credit,
        "entries_debit": debit,
        "balance_difference": np.where(balances, given["opening"] + credit + debit - given["closing"], 0),
        "chain_difference": np.where(chained, given["opening"] - given["previous_closing"], 0),
        "period_days": np.where(period, given["closing_day"] - given["opening_day"], 0),
        "business_day_offset": np.where(known["closing_day"], given["business_day"] - given["closing_day"], 0),
        "records_length_expected": given["n_records"] * 120,
        "records_least": counted + 2,
    }


def _derive_entries(
    given: Columns,
    value_known: npt.NDArray[np.bool_],
    statements: Columns,
    row: npt.NDArray[np.intp],
    known: Mapping[str, npt.NDArray[np.bool_]],
) -> Columns:
    booked = given["booking_day"]
    outside = np.maximum(statements["opening_day"][row] - booked, booked - statements["closing_day"][row])
    period = (known["opening_day"] & known["closing_day"])[row]
    return {
        "seq_expected": _ranks(row, given["seq"]),
        "days_outside_period": np.where(period, np.maximum(outside, 0), 0),
        "value_days_away": np.where(value_known, np.abs(given["value_day"] - booked), 0),
    }


def _ranks(group: npt.NDArray[np.intp], seq: Column) -> Column:
    """Rank of each row, from 0, among those of its group in order of seq."""
    size = len(group)
    if not size:
        return np.zeros(0, dtype=np.int64)
    same = group[1:] == group[:-1]
    ordered = bool(((group[1:] > group[:-1]) | (same & (seq[1:] >= seq[:-1]))).all())
    order = np.arange(size) if ordered else np.lexsort((seq, group))
    starts = np.flatnonzero(np.r_[True, group[order][1:] != group[order][:-1]])
    ranks = np.empty(size, dtype=np.int64)
    ranks[order] = np.arange(size) - np.repeat(starts, np.diff(np.r_[starts, size]))
    return ranks


def _derive_outgoing(given: Columns) -> Columns:
    return {
        "size_expected": given["n_records"] * (120 + given["terminator_length"]),
        "records_least": 2 * given["n_statements"] + given["n_entries"],
        "sum_difference": given["credit"] + given["debit"] - given["balance_change"],
    }


def _broken(what: str, frame: str) -> CheckBroken:
    return CheckBroken(
        what, subject=f"frame {frame}", remedy="the extract and the data contracts disagree; nothing was judged"
    )
