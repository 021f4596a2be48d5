"""Decide and seal in one transaction: where each statement goes, in which batch, or why it is set aside (D1, §6).

One decision at a time, anywhere: the transaction is exclusive. It reads the facts itself, so what an earlier task
extracted only says which statements have been validated.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from sobank.errors import DecisionConflict
from sobank.store import schema
from sobank.store.ahead import ahead
from sobank.store.bulk import Bulk, arrow_type, bulk
from sobank.store.candidates import CANDIDATES, CANDIDATES_SQL
from sobank.store.database import Database
from sobank.store.leaving import ASIDE, Leaving, gather
from sobank.store.lots import Limits, Lot, cut
from sobank.store.records import Later, keys_of, wide_of

if TYPE_CHECKING:
    from sobank.services.decide import Envelope

#: Records read at once, 16 MiB of them, a few times which are held: what memory follows, whatever the day and its
#: largest file hold. Only a file that is encrypted is held whole.
CHUNK_RECORDS: Final = (16 << 20) // 120
_SEQ = pa.schema([("destination", pa.string()), ("business_date", pa.date32()), ("seq", pa.int32())])


class Decision:
    """An open decision; see `deciding`."""

    def __init__(self, rows: Bulk, day: date, now: datetime) -> None:
        self._rows = rows
        self._now = now
        self._day = day
        with rows.beside() as begin:
            found = gather(ahead(rows.stream(CANDIDATES_SQL, CANDIDATES, {"day": day}), begin))
        self._leaving, self._by_route = found.leaving, found.aside
        self._sealed: list[pa.Table] = []
        self._batches: list[dict[str, Any]] = []
        self.counts = {"decided": 0, "quarantined": 0, "batches": 0, "unvalidated": 0, "unsealed": 0}
        self.counts["waiting"] = found.waiting

    def set_aside(self, failures: pa.Table) -> None:
        """Quarantine what routing sets aside and what failed an `error` rule; none of these leaves.

        Args:
            failures: `statement_id`, `rule` of the validation's errors; several rows a statement when it fails several.
        """
        leaving = self._leaving.rows["statement_id"]
        broken = self._unwaived(failures.filter(pa.array(np.isin(failures["statement_id"].to_numpy(), leaving))))
        found = pa.concat_tables([self._by_route, broken]).combine_chunks()
        found = found.group_by(["statement_id", "reason"], use_threads=False).aggregate([])
        # Numbered alike however the database came to them.
        found = found.sort_by([("statement_id", "ascending"), ("reason", "ascending")])
        ids = found["statement_id"].unique()
        self._leaving = self._leaving.only(~np.isin(leaving, ids.to_numpy()))
        if found.num_rows:
            at = pa.repeat(pa.scalar(self._now, pa.timestamp("us", tz="UTC")), found.num_rows)
            keys = self._rows.new_ids(schema.quarantine, found.num_rows)
            self._rows.insert(schema.quarantine, found.append_column("id", keys).append_column("opened_at", at))
            self._rows.temporary("settled", pa.table({"id": ids}))
            self._settle("SELECT id FROM settled", len(ids))
            self._rows.update("UPDATE statements SET status = 'quarantined' WHERE id IN (SELECT id FROM settled)")
        self.counts["quarantined"] = len(ids)

    def lots(
        self, validated: pa.Array, envelopes: Mapping[str, Envelope], room: Callable[[int, object], int]
    ) -> Iterator[Lot]:
        """What leaves, cut into lots in the order in which they will be numbered; read chunk by chunk.

        A statement that arrived after the extract is not among `validated`: it stays undecided until the next run.

        Args:
            envelopes: by partner code; what one file may hold. A single statement over that goes alone (A1).
            room: how many plain bytes fit into so many encrypted ones, by the connector's setting.
        """
        seen = np.isin(self._leaving.rows["statement_id"], validated.to_numpy())
        self.counts["unvalidated"] = int((~seen).sum())
        self._leaving = leaving = self._leaving.only(seen)
        if not len(leaving):
            return
        limits = Limits(envelopes=envelopes, encrypted=self._encrypted(), room=room)
        last_seq = self._last_seq(leaving.days())
        chunks = [leaving.part(start, end) for start, end in leaving.chunks(CHUNK_RECORDS)]
        # The next chunk is read, and the batches of the last one are written, while this one is cut. A statement never
        # changes what is read of it here, so that need not be read by the transaction that writes.
        with self._rows.reader() as reader, reader.beside() as read, self._rows.beside() as write:

            def asked(chunk: Leaving) -> Future[pa.Table]:
                large = chunk.rows["n_records"].sum() > CHUNK_RECORDS
                return read(keys_of if large else wide_of, reader, chunk.rows["statement_id"])

            later = Later(rows=reader, beside=read, most=CHUNK_RECORDS)
            # Nothing but the cut holds what was read, or records would be held twice.
            coming, writing = deque([asked(chunks[0])]), deque[Future[None]]()
            for chunk, following in zip(chunks, [*chunks[1:], None], strict=True):
                # What failed first is told, not that the transaction is over since.
                while len(writing) > 1:
                    writing.popleft().result()
                if following is not None:
                    coming.append(asked(following))
                yield from cut(chunk, coming.popleft().result(), limits, last_seq, later)
                writing.append(write(self._write, self._batches, self._sealed))
                self._batches, self._sealed = [], []
            for written in writing:
                written.result()

    def leave(self, lot: Lot) -> None:
        """Leave a lot's statements undecided; all of one destination are left, so that no number is missing."""
        self.counts["unsealed"] += lot.n_statements

    def seal(self, lot: Lot, *, object_name: str, sha256: str, size: int, plain_sha256: str | None = None) -> None:
        """Enter the batch of a lot whose payload is in the spool under `sha256` (hex); the plain one beside it."""
        key = f"{lot.to.name}|{lot.business_date}|{lot.seq}|{sha256}"
        self._batches.append(
            {
                "destination": lot.to.name,
                "kind": str(lot.to.kind),
                "cabinet_id": lot.to.cabinet_id,
                "connector_id": lot.to.connector_id,
                "business_date": lot.business_date,
                "seq": lot.seq,
                "state": "sealed",
                "object_name": object_name,
                "idempotency_key": hashlib.sha256(key.encode()).hexdigest(),
                "payload_sha256": bytes.fromhex(sha256),
                "payload_size": size,
                "plain_sha256": bytes.fromhex(plain_sha256) if plain_sha256 else None,
                "n_statements": lot.n_statements,
                "n_entries": lot.n_entries,
                "n_records": lot.n_records,
                "credit": lot.credit,
                "debit": lot.debit,
                "first_date": lot.first_date,
                "last_date": lot.business_date,
                "run_day": self._day,
                "sealed_at": self._now,
            }
        )
        self._sealed.append(lot.allocated)

    def _write(self, sealed: list[dict[str, Any]], allocated: list[pa.Table]) -> None:
        """Write batches with their allocations, and take their statements off the list."""
        if not sealed:
            return
        batches = pa.Table.from_pylist(sealed, _BATCHES)
        keys = self._rows.new_ids(schema.batches, batches.num_rows)
        self._rows.insert(schema.batches, batches.append_column("id", keys))
        of_batch = np.repeat(keys.to_numpy(), [t.num_rows for t in allocated])
        allocations = pa.concat_tables(allocated).combine_chunks()
        at = pa.repeat(pa.scalar(self._now, pa.timestamp("us", tz="UTC")), allocations.num_rows)
        allocations = allocations.append_column("batch_id", pa.array(of_batch)).append_column("decided_at", at)
        self._rows.insert(schema.allocations, allocations)
        first, last = keys[0].as_py(), keys[-1].as_py()
        written = f"SELECT a.statement_id FROM allocations a WHERE a.batch_id BETWEEN {first} AND {last}"
        self._settle(written, allocations.num_rows)
        self.counts["decided"] += allocations.num_rows
        self.counts["batches"] += batches.num_rows

    def _unwaived(self, failures: pa.Table) -> pa.Table:
        """Failures as `statement_id`, `reason`, less those that a named person has released before."""
        found = failures.rename_columns(ASIDE.names).cast(ASIDE)
        if not found.num_rows:
            return found
        self._rows.temporary("failures", found)
        return self._rows.query(
            "SELECT f.statement_id, f.reason FROM failures f WHERE NOT EXISTS (SELECT 1 FROM quarantine q"
            " WHERE q.statement_id = f.statement_id AND q.reason = f.reason AND q.resolution = 'released')",
            ASIDE,
        )

    def _settle(self, chosen: str, count: int) -> None:
        """Take statements off the list of the undecided: `chosen` selects their ids, of which there are `count`.

        Raises:
            DecisionConflict: one was taken by something else meanwhile; the transaction is undone.
        """
        done = self._rows.update(f"DELETE FROM undecided WHERE statement_id IN ({chosen})")
        if done != count:
            raise DecisionConflict(
                f"{count - done} statements changed while they were being decided",
                subject=f"run of {self._day}",
                remedy="nothing was written; run it again",
            )

    def _encrypted(self) -> dict[int, object]:
        """What connectors say of encryption, by id; those that say nothing, or null, are left out."""
        found = self._rows.query(
            "SELECT k.id, CAST(k.settings AS text) FROM connectors k WHERE k.deleted_at IS NULL",
            pa.schema([("id", pa.int64()), ("settings", pa.string())]),
        )
        wanted = {row["id"]: (json.loads(row["settings"]) or {}).get("encryption") for row in found.to_pylist()}
        return {connector: encryption for connector, encryption in wanted.items() if encryption is not None}

    def _last_seq(self, days: list[date]) -> dict[tuple[str, date], int]:
        """Number of the newest batch of each destination and business date; cancelled ones are not used again."""
        self._rows.temporary("days", pa.table({"business_date": pa.array(days, pa.date32())}))
        found = self._rows.query(
            "SELECT b.destination, b.business_date, max(b.seq) FROM batches b"
            " JOIN days ON days.business_date = b.business_date GROUP BY b.destination, b.business_date",
            _SEQ,
        )
        return {(row["destination"], row["business_date"]): row["seq"] for row in found.to_pylist()}


@contextmanager
def deciding(database: Database, *, day: date, now: datetime) -> Iterator[Decision]:
    """Open the one decision that may be under way; commit it whole when the block ends, or nothing of it."""
    with bulk(database, exclusive="decide") as rows:
        decision = Decision(rows, day, now)
        yield decision


_SEALED = (
    "destination kind cabinet_id connector_id business_date seq state object_name idempotency_key payload_sha256"
    " payload_size plain_sha256 n_statements n_entries n_records credit debit first_date last_date run_day sealed_at"
)
_BATCHES = pa.schema([(name, arrow_type(schema.batches.c[name])) for name in _SEALED.split()])
