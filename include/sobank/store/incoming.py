"""Keep a bank file: its statements and entries once, what repeats counted, what cannot go on set aside (S7–S15).

Everything of one file is one transaction; chunks go in as Arrow tables. Ingests exclude one another, so that two files
that bring the same statement at the same moment are told apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sobank.domain.day import BANK_ZONE
from sobank.domain.routing import Reason
from sobank.domain.statement import Counts, reached_by
from sobank.store import schema
from sobank.store.ahead import ahead
from sobank.store.bulk import Bulk, bulk
from sobank.store.database import Database

if TYPE_CHECKING:
    from sobank.formats.parsed import Parsed


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A received file: `sha256` hex, `received_on` the Paris day in its own name, if it has one (D2)."""

    sha256: str
    name: str
    format: str
    size: int
    received_on: date | None


@dataclass(kw_only=True, slots=True)
class Kept:
    """What became of a file. `already`: these bytes were ingested before, under whatever name (S15). `number`: higher
    of a file that was kept later.

    `set_aside` counts statements; `quarantined` counts them by reason, and one may have several.
    """

    number: int
    already: bool = False
    records: Counts = field(default_factory=Counts)
    statements: int = 0
    entries: int = 0
    duplicates: int = 0
    set_aside: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)


_FACTS = pa.schema(
    [
        ("known_id", pa.int64()),
        ("account_id", pa.int32()),
        ("cabinet_id", pa.int32()),
        ("rival", pa.binary()),
    ]
)
#: Of the accounts with a number, the open one of an open cabinet that came first. A window, not a sub-select whose
#: answer is joined again: for that one PostgreSQL read all accounts, once a chunk. Equals are told apart by their order
#: within one file alone: what another file brought for the same days and balances is a conflict, in any order (S10).
_FACTS_SQL = """
    SELECT (SELECT s.id FROM statements s WHERE s.content_sha256 = f.content_sha256) AS known_id,
           f.account_id, f.cabinet_id,
           CASE WHEN f.opening_date IS NULL OR f.closing_date IS NULL OR f.opening IS NULL OR f.closing IS NULL
                THEN (SELECT o.identity FROM statements o
                       WHERE o.identity = f.identity AND o.status <> 'rejected' LIMIT 1)
                ELSE (SELECT o.identity FROM statements o
                       WHERE o.bban = f.bban AND o.currency = f.currency AND o.closing_date = f.closing_date
                         AND o.opening_date = f.opening_date AND o.opening = f.opening AND o.closing = f.closing
                         AND o.bank_file_id <> :file AND o.status <> 'rejected' ORDER BY o.id LIMIT 1)
                END AS rival
      FROM (SELECT i.position, i.content_sha256, i.identity, i.bban, i.currency, i.opening_date, i.closing_date,
                   i.opening, i.closing, a.id AS account_id, a.cabinet_id,
                   row_number() OVER (PARTITION BY i.position
                                      ORDER BY a.closed_at IS NOT NULL OR c.closed_at IS NOT NULL, a.id) AS nth
              FROM incoming i LEFT JOIN accounts a ON a.bban = i.bban AND a.currency = i.currency
                              LEFT JOIN cabinets c ON c.id = a.cabinet_id) f
     WHERE f.nth = 1
     ORDER BY f.position
"""
#: A year that the bank has mistyped: no run would take the statement before its day, and no proof would miss it.
_FARTHEST_AHEAD = timedelta(days=180)
_COPIED = (
    "position", "bank", "branch", "account", "currency", "decimals", "opening_date", "opening", "closing_date",
    "closing", "n_entries", "credit", "debit", "n_records", "records", "content_sha256",
    "warnings", "errors",
)  # fmt: skip


def keep(database: Database, received: Received, chunks: Iterable[Parsed], *, now: datetime) -> Kept:
    """Store a file whole, in one transaction.

    The same bytes again change nothing but the list of names they came under. A statement already known is a
    duplicate, counted and not stored twice; one with a known identity and other content is quarantined as a conflict
    (S10); unknown accounts (S13) and statements with errors (S7, S8) are quarantined, the rest goes on.
    """
    with ThreadPoolExecutor(1) as thread:
        return _keep(database, received, ahead(chunks, thread.submit), now)


def _keep(database: Database, received: Received, chunks: Iterator[Parsed], now: datetime) -> Kept:
    with bulk(database, exclusive="ingest") as rows:
        file_id, already = _file_row(rows, received, now)
        kept = Kept(number=file_id, already=already)
        if already:
            return kept
        for chunk in chunks:
            _keep_chunk(rows, file_id, received, chunk, kept, now)
        rows.execute(
            f"UPDATE bank_files SET records_total = {kept.records.total}, records_parsed = {kept.records.parsed},"
            f" records_blank = {kept.records.blank}, records_refused = {kept.records.refused},"
            f" statements = {kept.statements}, duplicates = {kept.duplicates} WHERE id = {file_id}"
        )
    return kept


def _file_row(rows: Bulk, received: Received, now: datetime) -> tuple[int, bool]:
    """Id of the file's row, and whether it was there before; the name is noted either way."""
    rows.temporary("incoming_file", pa.table({"sha256": [bytes.fromhex(received.sha256)], "name": [received.name]}))
    found = rows.query(
        "SELECT f.id, n.name FROM incoming_file i JOIN bank_files f ON f.sha256 = i.sha256"
        " LEFT JOIN bank_file_names n ON n.bank_file_id = f.id AND n.name = i.name",
        pa.schema([("id", pa.int32()), ("name", pa.string())]),
    ).to_pylist()
    if found:
        file_id, named = found[0]["id"], found[0]["name"] is not None
    else:
        file_id, named = rows.new_ids(schema.bank_files, 1)[0].as_py(), False
        counters = ("records_total", "records_parsed", "records_blank", "records_refused", "statements", "duplicates")
        zeros: dict[str, object] = {name: [0] for name in counters}
        row = {
            "id": [file_id],
            "sha256": [bytes.fromhex(received.sha256)],
            "name": [received.name],
            "format": [received.format],
            "size": [received.size],
            "received_on": pa.array([received.received_on], pa.date32()),
            "ingested_at": [now],
        }
        rows.insert(schema.bank_files, pa.table(row | zeros))
    if not named:
        names = {"bank_file_id": [file_id], "name": [received.name], "seen_at": [now]}
        rows.insert(schema.bank_file_names, pa.table(names))
    return file_id, bool(found)


def _keep_chunk(rows: Bulk, file_id: int, received: Received, chunk: Parsed, kept: Kept, now: datetime) -> None:
    kept.records += chunk.counts
    if chunk.refusals.num_rows:
        rows.insert(schema.refusals, _with(chunk.refusals, bank_file_id=pa.scalar(file_id, pa.int32())))
    statements = chunk.statements
    if not statements.num_rows:
        return
    number = pc.coalesce(
        statements["bban"],
        pc.binary_join_element_wise(statements["bank"], statements["branch"], statements["account"], ""),
    )
    facts = _facts(rows, file_id, statements, number)
    positions = statements["position"].to_numpy()
    known = facts["known_id"].combine_chunks()
    repeated = pc.or_(pc.is_valid(known), pc.is_valid(statements["duplicate_of"])).to_numpy(zero_copy_only=False)
    fresh = _by_cabinet(facts["cabinet_id"], np.flatnonzero(~repeated))
    ids = rows.new_ids(schema.statements, len(fresh))
    stored = _statement_rows(statements, number, facts, received, now).take(pa.array(fresh))
    stored = _with(stored, id=ids, bank_file_id=pa.scalar(file_id, pa.int32()))
    rows.insert(schema.statements, stored.drop_columns(["reasons"]))
    listed = pa.table({"statement_id": ids, "cabinet_id": facts["cabinet_id"].take(pa.array(fresh))})
    rows.insert(schema.undecided, listed.filter(pc.equal(stored["status"], "accepted")))
    _keep_reasons(rows, ids, stored["reasons"], kept, now)
    _keep_entries(rows, chunk.entries, positions[fresh], ids, kept)
    _keep_duplicates(rows, file_id, statements, known, np.flatnonzero(repeated), positions[fresh], ids)
    kept.statements += len(fresh)
    kept.duplicates += int(repeated.sum())
    for codes in statements["warnings"].take(pa.array(fresh)).value_counts().to_pylist():
        kept.warnings.update(dict.fromkeys(codes["values"].split(), codes["counts"]))


def _facts(rows: Bulk, file_id: int, statements: pa.Table, number: pa.ChunkedArray) -> pa.Table:
    """What the database knows of each statement of the chunk, in the order of the chunk."""
    keys = pa.table(
        {
            "position": statements["position"],
            "content_sha256": statements["content_sha256"].cast(pa.binary()),
            "identity": statements["identity"].cast(pa.binary()),
            "bban": number,
            "currency": statements["currency"],
            "opening_date": statements["opening_date"],
            "closing_date": statements["closing_date"],
            "opening": statements["opening"],
            "closing": statements["closing"],
        }
    )
    rows.temporary("incoming", keys)
    return rows.query(_FACTS_SQL, _FACTS, {"file": file_id})


def _reasons(statements: pa.Table, facts: pa.Table, business: pa.ChunkedArray, nearest: date) -> pa.ChunkedArray:
    """Space-separated reasons to set a statement aside; empty where there is none. `nearest`: the day it came on."""
    unknown = pc.if_else(pc.is_null(facts["account_id"]), Reason.UNKNOWN_ACCOUNT.value, "")
    conflict = pc.if_else(pc.is_valid(facts["rival"]), Reason.CONFLICT.value, "")
    to_come = pc.greater(business, pa.scalar(nearest + _FARTHEST_AHEAD, pa.date32()))
    dated = pc.if_else(to_come, Reason.DATE_TO_COME.value, "")
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(statements["errors"], unknown, conflict, dated, " "))


def _statement_rows(
    statements: pa.Table, number: pa.ChunkedArray, facts: pa.Table, received: Received, now: datetime
) -> pa.Table:
    nearest = received.received_on or now.astimezone(BANK_ZONE).date()
    business = pc.coalesce(statements["closing_date"], statements["opening_date"], pa.scalar(nearest, pa.date32()))
    reached = reached_by(received.received_on) if received.received_on else None
    due = business if reached is None else pc.max_element_wise(business, pa.scalar(reached, pa.date32()))
    reasons = _reasons(statements, facts, business, nearest)
    return _with(
        statements.select(list(_COPIED)),
        # Of what it contradicts, wherever it stands in its file: a person lets one of the two go, never both.
        identity=pc.coalesce(facts["rival"], statements["identity"].cast(pa.binary())),
        status=pc.if_else(pc.equal(reasons, ""), "accepted", "quarantined"),
        account_id=facts["account_id"],
        bban=number,
        business_date=business,
        due_date=due,
        reasons=reasons,
    )


def _keep_reasons(rows: Bulk, ids: pa.Array, reasons: pa.ChunkedArray, kept: Kept, now: datetime) -> None:
    listed = pc.split_pattern_regex(reasons.combine_chunks(), " +")
    found = pa.table({"statement_id": ids.take(pc.list_parent_indices(listed)), "reason": pc.list_flatten(listed)})
    found = found.filter(pc.not_equal(found["reason"], ""))
    if found.num_rows:
        keys = rows.new_ids(schema.quarantine, found.num_rows)
        rows.insert(schema.quarantine, _with(found, id=keys, opened_at=pa.scalar(now, pa.timestamp("us", tz="UTC"))))
        kept.set_aside += pc.count_distinct(found["statement_id"]).as_py()
        kept.quarantined.update({c["values"]: c["counts"] for c in found["reason"].value_counts().to_pylist()})


def _keep_entries(rows: Bulk, entries: pa.Table, positions: np.ndarray, ids: pa.Array, kept: Kept) -> None:
    if not (entries.num_rows and len(positions)):
        return
    place = pc.index_in(entries["position"], value_set=pa.array(positions))
    # In the order of their statements, as those are stored; those of others, which have no place, are behind them.
    order = pc.sort_indices(place)[: len(place) - place.null_count]
    found = entries.drop_columns(["position"]).take(order)
    found = _with(found, statement_id=ids.take(place.take(order)))
    if found.num_rows:
        rows.insert(schema.entries, found)
        kept.entries += found.num_rows


def _keep_duplicates(
    rows: Bulk,
    file_id: int,
    statements: pa.Table,
    known: pa.Array,
    repeated: np.ndarray,
    positions: np.ndarray,
    ids: pa.Array,
) -> None:
    """Note where a known statement came again. One repeated within the chunk points at the row just stored."""
    if not len(repeated):
        return
    chosen = pa.array(repeated)
    first = statements["duplicate_of"].take(chosen)
    here = ids.take(pc.index_in(first, value_set=pa.array(positions)))
    found = pa.table(
        {
            "position": statements["position"].take(chosen),
            "statement_id": pc.coalesce(known.take(chosen), here),
        }
    )
    rows.insert(schema.duplicates, _with(found, bank_file_id=pa.scalar(file_id, pa.int32())))


def _by_cabinet(cabinet_ids: pa.ChunkedArray, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Some rows of a chunk, cabinet by cabinet, each in the order of the file; those without one last.

    A shard and a file read what belongs to few cabinets: stored so, neighbours lie on one page.
    """
    of = cabinet_ids.fill_null(np.iinfo(np.int32).max).to_numpy()[chosen]
    return chosen[np.argsort(of, kind="stable")]


def _with(table: pa.Table, **columns: pa.Array | pa.ChunkedArray | pa.Scalar) -> pa.Table:
    """`table` with columns added; a scalar fills its column."""
    for name, values in columns.items():
        filled = pa.repeat(values, table.num_rows) if isinstance(values, pa.Scalar) else values
        table = table.append_column(name, filled)
    return table
