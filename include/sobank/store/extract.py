"""Extract the statements of approved mandates and their entries, and cut them into partitions (DESIGN §1, §7).

What is written for validation is narrow and numeric: days as days since 1970-01-01, texts as their lengths. No IBAN and
no label leaves the database here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.store.candidates import CANDIDATES, CANDIDATES_FROM, CANDIDATES_SQL, routed
from sobank.store.database import Database
from sobank.store.runfiles import RunFiles

_EXTRA = pa.schema(
    [
        ("closing_date", pa.date32()),
        ("opening", pa.int64()),
        ("closing", pa.int64()),
        ("decimals", pa.int8()),
        ("records_length", pa.int64()),
        ("account_length", pa.int32()),
        ("currency_length", pa.int32()),
        ("previous_closing", pa.int64()),
    ]
)
# Of two statements that close on the same day, the one stored last is the later: S9 is a warning, not a decision.
_EXTRA_SQL = """
           s.closing_date, s.opening, s.closing, s.decimals, length(s.records), length(s.account), length(s.currency),
           (SELECT p.closing FROM statements p
             WHERE p.bban = s.bban AND p.currency = s.currency AND p.closing_date <= s.opening_date AND p.id <> s.id
               AND p.status <> 'rejected'
             ORDER BY p.closing_date DESC, p.id DESC LIMIT 1)
"""
_EXTRACT = pa.schema([*CANDIDATES, *_EXTRA])
_EXTRACT_SQL = CANDIDATES_SQL.replace(CANDIDATES_FROM, f", {_EXTRA_SQL} {CANDIDATES_FROM}")

_ENTRIES = pa.schema(
    [
        ("statement_id", pa.int64()),
        ("seq", pa.int32()),
        ("amount", pa.int64()),
        ("booking_day", pa.int32()),
        ("value_day", pa.int32()),
        ("label_length", pa.int32()),
        ("details_length", pa.int32()),
    ]
)
_ENTRIES_READ = pa.schema([pa.field(f.name, pa.date32() if f.name.endswith("_day") else f.type) for f in _ENTRIES])
_ENTRIES_SQL = """
    SELECT e.statement_id, e.seq, e.amount, e.booking_date, e.value_date, length(e.label), length(e.details)
      FROM statements s
      JOIN mandates m ON m.account_id = s.account_id AND m.current AND m.step = 'approved'
      JOIN entries e ON e.statement_id = s.id
     WHERE s.status = 'pending' AND s.business_date <= :day
"""
#: What validation and partition need of the facts; names and numbers of accounts stay in the database.
_KEPT = ("statement_id", "business_date", "due_date", "opening_date", "n_entries", "n_records", "credit", "debit")
_SUMS = ("statement_id", "entries_counted", "entries_credit", "entries_debit")


def extract(database: Database, files: RunFiles) -> dict[str, int]:
    """Write `extracted.arrow` (one row a statement) and `entries.arrow` (one row an entry); return the counts.

    Statements that wait for their mandate, or that routing sets aside, are not extracted: the decision counts them.
    """
    found = routed(database.arrow(_EXTRACT_SQL, _EXTRACT, {"day": files.day}).read_all())
    table = found.candidates.select([*_KEPT, *_EXTRA.names]).append_column("destination", found.destination)
    table = table.filter(pa.array(found.leaving))
    ids = np.sort(table["statement_id"].to_numpy())
    sums: list[pa.Table] = []
    n_entries = files.write("entries", _entries(database, files.day, ids, sums), _ENTRIES)
    table = _with_sums(table, sums)
    files.write("extracted", table.to_batches(), table.schema)
    return {"statements": table.num_rows, "entries": n_entries}


def _entries(database: Database, day: date, ids: np.ndarray, sums: list[pa.Table]) -> Iterator[pa.RecordBatch]:
    """Entries of the extracted statements, chunk by chunk; the sums of each chunk are left in `sums`."""
    for batch in database.arrow(_ENTRIES_SQL, _ENTRIES_READ, {"day": day}):
        rows = pa.Table.from_batches([batch]).cast(_ENTRIES)
        if len(ids):
            owner = rows["statement_id"].to_numpy()
            place = np.minimum(np.searchsorted(ids, owner), len(ids) - 1)
            rows = rows.filter(pa.array(ids[place] == owner))
        else:
            rows = rows.slice(0, 0)
        sums.append(_summed(rows))
        yield from rows.to_batches()


def _summed(rows: pa.Table) -> pa.Table:
    amount = rows["amount"]
    parts = pa.table(
        {
            "statement_id": rows["statement_id"],
            "one": pa.repeat(pa.scalar(1, pa.int64()), rows.num_rows),
            "credit": pc.max_element_wise(amount, 0),
            "debit": pc.min_element_wise(amount, 0),
        }
    )
    totals = parts.group_by("statement_id").aggregate([("one", "sum"), ("credit", "sum"), ("debit", "sum")])
    return totals.select(["statement_id", "one_sum", "credit_sum", "debit_sum"])


def _with_sums(table: pa.Table, sums: list[pa.Table]) -> pa.Table:
    """Add count and sums of the entry rows to each statement; a statement without movements has zeros (S12)."""
    names = ["statement_id", "one_sum", "credit_sum", "debit_sum"]
    kinds = pa.schema([(name, pa.int64()) for name in names])
    merged = pa.concat_tables([part.cast(kinds) for part in sums]) if sums else kinds.empty_table()
    merged = merged.group_by("statement_id").aggregate([(name, "sum") for name in names[1:]])
    merged = merged.select(["statement_id", *(f"{name}_sum" for name in names[1:])]).rename_columns(list(_SUMS))
    ids = merged["statement_id"].to_numpy()
    order = np.argsort(ids, kind="stable")
    place = np.searchsorted(ids[order], table["statement_id"].to_numpy())
    found = np.zeros(table.num_rows, bool)
    if len(ids):
        place = np.minimum(place, len(ids) - 1)
        found = ids[order][place] == table["statement_id"].to_numpy()
    for name in _SUMS[1:]:
        values = np.zeros(table.num_rows, np.int64)
        if len(ids):
            values[found] = merged[name].to_numpy()[order][place[found]]
        table = table.append_column(name, pa.array(values))
    return table


def partition(files: RunFiles) -> dict[str, int]:
    """Number the destinations and write `partitioned.arrow` (the extract, sorted, with `partition`) and the cut.

    `partitions.arrow` has one row a destination and business date: what validation judges as a whole and what the
    decision, with the facts in force then, is expected to seal. Returns the counts.
    """
    table = files.read("extracted")
    table = table.sort_by(
        [(name, "ascending") for name in ("destination", "business_date", "due_date", "statement_id")]
    )
    encoded = table["destination"].combine_chunks().dictionary_encode()
    table = table.append_column("partition", encoded.indices.cast(pa.int32()))
    cut = (
        table.append_column("net", pc.subtract(table["closing"], table["opening"]))
        .group_by(["partition", "destination", "business_date", "due_date"], use_threads=False)
        .aggregate(
            [
                ("statement_id", "count"),
                *((name, "sum") for name in ("n_records", "n_entries", "records_length", "credit", "debit", "net")),
            ]
        )
    )
    cut = cut.rename_columns(
        [name.removesuffix("_sum").replace("statement_id_count", "n_statements") for name in cut.column_names]
    )
    files.write("partitioned", table.to_batches(), table.schema)
    files.write("partitions", cut.to_batches(), cut.schema)
    return {"partitions": len(encoded.dictionary), "files": cut.num_rows}
