"""Extract the statements of approved mandates and their entries, and cut them into partitions (DESIGN §1, §7).

What is written for validation is narrow and numeric: days as days since 1970-01-01, texts as their lengths. No IBAN and
no label leaves the database here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.domain.routing import Kind
from sobank.domain.shards import WHOLE_DAY, Shard
from sobank.store.bulk import reading
from sobank.store.candidates import CANDIDATES, CANDIDATES_FROM, CANDIDATES_SQL, routed
from sobank.store.database import Database, Parameters
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
#: What validation and partition need of the facts; names and numbers of accounts stay in the database.
_KEPT = ("statement_id", "business_date", "due_date", "opening_date", "n_entries", "n_records", "credit", "debit")

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
      FROM extracted x JOIN entries e ON e.statement_id = x.id
"""
_VOLUMES: Final = pa.schema([("cabinet_id", pa.int32()), ("n", pa.int64())])
_VOLUMES_SQL = """
    SELECT u.cabinet_id, count(*)
      FROM undecided u
      JOIN statements s ON s.id = u.statement_id
      JOIN mandates m ON m.account_id = s.account_id AND m.current AND m.step = 'approved'
     WHERE s.business_date <= :day AND u.cabinet_id IS NOT NULL
     GROUP BY u.cabinet_id ORDER BY u.cabinet_id
"""
# Of a shard: its statements, and the rivals for its own accounts only; those of all accounts would be sought each time.
_OF_SHARD: Final = " AND u.cabinet_id BETWEEN :first AND :last"
_RIVALS: Final = "WHERE o.closed_at IS NULL AND oc.closed_at IS NULL"
_RIVALS_OF_SHARD: Final = " AND o.bban IN (SELECT w.bban FROM accounts w WHERE w.cabinet_id BETWEEN :first AND :last)"
_SHARDS: Final = pa.schema([("number", pa.int32()), ("of", pa.int32()), ("first", pa.int32()), ("last", pa.int32())])
_LOT = ["partition", "destination", "kind", "partner", "business_day", "due_day"]
_SUMMED = ["n_entries", "n_records", "credit", "debit", "balance_change"]


def to_leave_by_cabinet(database: Database, day: date) -> list[tuple[int, int]]:
    """Id of every cabinet, in order, and how many undecided statements of approved mandates it has up to `day`."""
    found = database.arrow(_VOLUMES_SQL, _VOLUMES, {"day": day}).read_all()
    return list(zip(found["cabinet_id"].to_pylist(), found["n"].to_pylist(), strict=True))


def write_shards(files: RunFiles, shards: Sequence[Shard]) -> None:
    """Write into the run's own folder in which shards it was cut."""
    rows = pa.Table.from_pylist([asdict(shard) for shard in shards], _SHARDS)
    files.write("shards", rows.to_batches(), _SHARDS)


def read_shards(files: RunFiles) -> list[Shard]:
    """The shards in which a run was cut last."""
    return [Shard(**row) for row in files.read("shards").to_pylist()]


def extract(database: Database, files: RunFiles, shard: Shard = WHOLE_DAY) -> dict[str, int]:
    """Write `extracted.arrow` (one row a statement) and `entries.arrow` (one row an entry); return the counts.

    Statements that wait for their mandate, or that routing sets aside, are not extracted: the decision counts them.
    """
    kept: list[pa.Array] = []
    with reading(database) as rows:
        found = rows.stream(*_facts_of(files.day, shard))
        n_statements = files.write("extracted", _statements_of(found, kept), _narrow(_EXTRACT.empty_table()).schema)
        # By the statements themselves: what arrived since waits for the next run. In order, neighbours lie on one page.
        rows.temporary("extracted", pa.table({"id": np.sort(pa.chunked_array(kept, pa.int64()).to_numpy())}))
        n_entries = files.write("entries", _entries_of(rows.stream(_ENTRIES_SQL, _ENTRIES_READ)), _ENTRIES)
    return {"statements": n_statements, "entries": n_entries}


def partition(files: RunFiles, line_ends: Mapping[str, int]) -> dict[str, int]:
    """Cut the extract: `partitioned.arrow` (sorted, with `partition`) and `lots.arrow`, one row a file to be.

    A lot is one destination, business date and due date: what validation judges as a whole, and what the decision,
    with the facts in force then, is expected to seal.

    Args:
        line_ends: length of the record terminator by partner code, and of the global file under "".
    Returns:
        How many destinations and lots.
    """
    table = files.read("extracted").sort_by(
        [(name, "ascending") for name in ("destination", "business_day", "due_day", "statement_id")]
    )
    encoded = table["destination"].combine_chunks().dictionary_encode()
    table = table.append_column("partition", encoded.indices.cast(pa.int32()))
    table = table.append_column("balance_change", pc.subtract(table["closing"], table["opening"]))
    files.write("partitioned", table.to_batches(), table.schema)
    lots = _lots(table, line_ends)
    files.write("lots", lots.to_batches(), lots.schema)
    return {"partitions": len(encoded.dictionary), "lots": lots.num_rows}


def frames(*shards: RunFiles) -> dict[str, pa.Table]:
    """What a run, or a shard of it, hands over to be judged, by the name of its data contract.

    That is statements, entries, files to be. Of several shards, partitions are numbered on from one to the next.
    """
    numbered: dict[str, list[pa.Table]] = {"partitioned": [], "lots": []}
    first = 0
    for files in shards:
        for name, tables in numbered.items():
            table = files.read(name)
            number = pc.add(table["partition"], pa.scalar(first, pa.int32()))
            tables.append(table.set_column(table.column_names.index("partition"), "partition", number))
        first += len(pc.unique(table["partition"]))
    lots = pa.concat_tables(numbered["lots"])
    is_global = pc.equal(lots["kind"], Kind.GLOBAL_FILE.value)
    return {
        "statements": pa.concat_tables(numbered["partitioned"]),
        "entries": pa.concat_tables([files.read("entries") for files in shards]),
        "outgoing_cfonb120": lots.filter(pc.invert(is_global)),
        "global_file": lots.filter(is_global),
    }


def _facts_of(day: date, shard: Shard) -> tuple[str, pa.Schema, Parameters]:
    if shard.of == 1:
        return _EXTRACT_SQL, _EXTRACT, {"day": day}
    sql = _EXTRACT_SQL.replace(_RIVALS, _RIVALS + _RIVALS_OF_SHARD) + _OF_SHARD
    return sql, _EXTRACT, {"day": day, "first": shard.first, "last": shard.last}


def _lots(table: pa.Table, line_ends: Mapping[str, int]) -> pa.Table:
    partner = pc.if_else(pc.equal(table["kind"], Kind.GLOBAL_FILE.value), "", table["partner"])
    table = table.set_column(table.column_names.index("partner"), "partner", partner)
    summed = table.group_by(_LOT, use_threads=False).aggregate(
        [("statement_id", "count"), *((name, "sum") for name in _SUMMED)]
    )
    summed = summed.select([*_LOT, "statement_id_count", *(f"{name}_sum" for name in _SUMMED)])
    summed = summed.rename_columns([*_LOT, "n_statements", *_SUMMED])
    # Of a partner that left the catalogue nothing is sealed; what its files would be is judged as any other.
    ends = pa.array([line_ends.get(code, line_ends[""]) for code in summed["partner"].to_pylist()], pa.int8())
    size = pc.multiply(summed["n_records"], pc.add(ends.cast(pa.int64()), 120))
    return (
        summed.append_column("terminator_length", ends)
        .append_column("size", size)
        .set_column(summed.column_names.index("n_statements"), "n_statements", summed["n_statements"].cast(pa.int32()))
    )


def _days_as_numbers(table: pa.Table) -> pa.Table:
    for name in table.column_names:
        if name.endswith("_date"):
            number = table[name].cast(pa.int32())
            table = table.set_column(table.column_names.index(name), name.replace("_date", "_day"), number)
    return table


def _statements_of(tables: Iterable[pa.Table], kept: list[pa.Array]) -> Iterator[pa.RecordBatch]:
    """Those that leave, chunk by chunk; their ids are added to `kept`."""
    for found in tables:
        table = _narrow(found)
        kept.extend(table["statement_id"].chunks)
        yield from table.to_batches()


def _narrow(rows: pa.Table) -> pa.Table:
    """Of the rows that have a destination, what validation and partition need."""
    found = routed(rows)
    table = found.candidates.select([*_KEPT, *_EXTRA.names, "partner"])
    table = table.append_column("destination", found.destination.cast(pa.string()))
    table = table.append_column("kind", pa.array(found.kind, pa.string()))
    return _days_as_numbers(table.filter(pa.array(found.leaving)))


def _entries_of(tables: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    for table in tables:
        yield from table.cast(_ENTRIES).to_batches()
