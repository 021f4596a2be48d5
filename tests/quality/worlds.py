"""Frames of a sound world, made from a seed, and ways of breaking one row of it."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.quality.contract import Contract, load_all
from sobank.quality.frames import ENTRY_FRAME, OUTGOING_FRAME, STATEMENT_FRAME

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data_contracts"
Frames = dict[str, pa.Table]


@functools.cache
def contracts() -> dict[str, Contract]:
    """The contracts of the repository."""
    return load_all(FOLDER)


def sound(n_statements: int, per_statement: int = 3, *, seed: int = 1, partitions: int = 3) -> Frames:
    """Frames in which no rule fails. Statement ids are 1000, 1007, 1014…; every third statement has no entry,
    every fifth no known statement before it, and each third entry no value day.
    """
    rng = np.random.default_rng(seed)
    ids = 1000 + 7 * np.arange(n_statements, dtype=np.int64)
    count = np.where(np.arange(n_statements) % 3 == 2, 0, per_statement)
    row = np.repeat(np.arange(n_statements), count)
    starts = np.cumsum(count) - count
    amounts = rng.integers(-5_000_00, 5_000_00, len(row))
    amounts[starts[count > 0]] = np.abs(amounts[starts[count > 0]])  # the first entry of a statement is a credit
    credit, debit = np.zeros(n_statements, np.int64), np.zeros(n_statements, np.int64)
    np.add.at(credit, row, np.maximum(amounts, 0))
    np.add.at(debit, row, np.minimum(amounts, 0))
    opening = rng.integers(-10_000_00, 10_000_00, n_statements)
    days = 20_000 + rng.integers(0, 2, n_statements)
    statements = {
        "statement_id": ids, "partition": np.arange(n_statements) % partitions, "business_day": days, "due_day": days,
        "opening_day": days - 1, "closing_day": days, "opening": opening, "closing": opening + credit + debit,
        "credit": credit, "debit": debit, "decimals": np.full(n_statements, 2), "n_entries": count,
        "n_records": 2 + count, "records_length": (2 + count) * 120, "previous_closing": opening,
        "currency_length": np.full(n_statements, 3), "account_length": np.full(n_statements, 11),
    }  # fmt: skip
    entries = {
        "statement_id": ids[row], "seq": np.arange(len(row)) - starts[row], "amount": amounts,
        "booking_day": days[row], "value_day": days[row] - 2, "label_length": np.full(len(row), 31),
        "details_length": np.zeros(len(row)),
    }  # fmt: skip
    first_known = {"previous_closing": np.arange(n_statements) % 5 == 4}
    no_value_day = {"value_day": entries["seq"] == 2}
    frames = {
        "statements": table(STATEMENT_FRAME, statements, first_known),
        "entries": table(ENTRY_FRAME, entries, no_value_day),
    }
    outgoing = files(frames["statements"])
    frames["outgoing_cfonb120"] = outgoing.filter(pc.field("partition") > 0)
    frames["global_file"] = outgoing.filter(pc.field("partition") == 0)
    return frames


def files(statements: pa.Table) -> pa.Table:
    """The outgoing frame of a statement frame: one row a partition, business day and due day; CRLF."""
    change = pc.subtract(statements["closing"], statements["opening"])
    grouped = (
        statements.append_column("balance_change", change)
        .group_by(["partition", "business_day", "due_day"])
        .aggregate(
            [(name, "sum") for name in ("n_entries", "n_records", "credit", "debit", "balance_change")]
            + [("statement_id", "count")]
        )
    )
    columns = {name.removesuffix("_sum"): grouped[name] for name in grouped.column_names}
    columns["n_statements"] = grouped["statement_id_count"]
    columns["size"] = pc.multiply(grouped["n_records_sum"], 122)
    columns["terminator_length"] = pa.chunked_array([pa.repeat(2, grouped.num_rows)])
    arrays = [columns[name] for name in OUTGOING_FRAME.names]
    return pa.Table.from_arrays(arrays, names=OUTGOING_FRAME.names).cast(OUTGOING_FRAME)


def table(schema: pa.Schema, columns: dict[str, np.ndarray], nulls: dict[str, np.ndarray]) -> pa.Table:
    """A table of a schema from columns of whole numbers, null where `nulls` has True."""
    return pa.table([pa.array(columns[f.name], mask=nulls.get(f.name)).cast(f.type) for f in schema], schema=schema)


def with_value(frames: Frames, frame: str, column: str, row: int, value: int | None) -> Frames:
    """The same frames with one cell changed."""
    before = frames[frame]
    values = before[column].to_pylist()
    values[row] = value
    place = before.schema.get_field_index(column)
    after = before.set_column(place, before.schema.field(column), pa.array(values, before.schema.field(column).type))
    return {**frames, frame: after}
