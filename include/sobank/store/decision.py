"""Decide and seal in one transaction: where each statement goes, in which batch, or why it is set aside (D1, §6).

One decision at a time, anywhere: the transaction is exclusive. It reads the facts itself, so what an earlier task
extracted only says which statements have been validated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.domain.routing import Kind
from sobank.errors import DecisionConflict
from sobank.store import schema
from sobank.store.bulk import Bulk, arrow_type, bulk
from sobank.store.candidates import CANDIDATES, CANDIDATES_SQL, routed
from sobank.store.database import Database
from sobank.store.lots import Lot, starts_of, within

if TYPE_CHECKING:
    from sobank.services.decide import Envelope

#: Order inside a batch: by IBAN then date (O1); the content decides between equals, so that bytes never depend on when.
_ORDER = ("destination", "business_date", "due_date", "iban", "currency", "opening_date", "content_sha256")
_SEQ = pa.schema([("destination", pa.string()), ("business_date", pa.date32()), ("seq", pa.int32())])


class Decision:
    """An open decision; see `deciding`."""

    def __init__(self, rows: Bulk, day: date, now: datetime) -> None:
        self._rows = rows
        self._now = now
        self._routed = routed(rows.query(CANDIDATES_SQL, CANDIDATES, {"day": day}))
        self._sealed: list[pa.Table] = []
        self._batches: list[dict[str, Any]] = []
        self._day = day
        self.counts = {"decided": 0, "quarantined": 0, "batches": 0, "unvalidated": 0, "unsealed": 0}
        self.counts["waiting"] = int(np.sum(self._routed.kind == Kind.WAIT))

    def set_aside(self, failures: pa.Table) -> np.ndarray:
        """Quarantine what routing sets aside and what failed an `error` rule; return the mask of all these.

        Args:
            failures: `statement_id`, `rule` of the validation's errors; several rows a statement when it fails several.
        """
        candidates = self._routed.candidates
        ids = candidates["statement_id"]
        by_route = self._routed.kind == Kind.QUARANTINE
        found = pa.table(
            {
                "statement_id": ids.filter(pa.array(by_route)),
                "reason": pa.array(self._routed.reason[by_route], pa.string()),
            }
        )
        leaving = ids.filter(pa.array(self._routed.leaving))
        broken = self._unwaived(failures.filter(pc.is_in(failures["statement_id"], leaving)))
        found = pa.concat_tables([found, broken.cast(found.schema)]).combine_chunks()
        found = found.group_by(["statement_id", "reason"], use_threads=False).aggregate([])
        mask: np.ndarray = pc.is_in(ids, found["statement_id"].combine_chunks()).to_numpy()
        if found.num_rows:
            at = pa.repeat(pa.scalar(self._now, pa.timestamp("us", tz="UTC")), found.num_rows)
            keys = self._rows.new_ids(schema.quarantine, found.num_rows)
            self._rows.insert(schema.quarantine, found.append_column("id", keys).append_column("opened_at", at))
            self._settle(ids.filter(pa.array(mask)), "quarantined")
        self.counts["quarantined"] = int(mask.sum())
        return mask

    def lots(
        self,
        validated: pa.Array,
        aside: np.ndarray,
        envelopes: Mapping[str, Envelope],
        room: Callable[[int, object], int],
    ) -> Iterator[Lot]:
        """What leaves, cut into lots in the order in which they will be numbered.

        A statement that arrived after the extract is not among `validated`: it stays undecided until the next run.

        Args:
            envelopes: by partner code; what one file may hold. A single statement over that goes alone (A1).
            room: how many plain bytes fit into so many encrypted ones, by the connector's setting.
        """
        candidates = self._routed.candidates
        leaving = self._routed.leaving & ~aside
        seen = pc.is_in(candidates["statement_id"], validated).to_numpy()
        self.counts["unvalidated"] = int((leaving & ~seen).sum())
        rows = candidates.append_column("destination", self._routed.destination)
        rows = rows.append_column("kind", pa.array(self._routed.kind, pa.string()))
        rows = rows.filter(pa.array(leaving & seen))
        if not rows.num_rows:
            return
        rows = rows.sort_by([(name, "ascending") for name in _ORDER]).combine_chunks()
        records = self._records(rows["statement_id"])
        ends_at = np.concatenate([[0], np.cumsum(rows["n_records"].to_numpy().astype(np.int64))])
        last_seq, encrypted = self._last_seq(rows), self._encrypted()
        starts = starts_of(rows)
        for start, end in zip(starts, [*starts[1:], rows.num_rows], strict=True):
            first = rows.slice(start, 1).to_pylist()[0]
            to_partner = first["kind"] == Kind.PARTNER
            envelope = envelopes.get(first["partner"] or "")
            encryption = encrypted.get(first["connector_id"]) if to_partner else None
            if encryption is not None and envelope and envelope.max_bytes is not None:
                envelope = replace(envelope, max_bytes=room(envelope.max_bytes, encryption))
            for a, b in within(envelope, start, end, ends_at):
                part = records[ends_at[a] * 120 : ends_at[b] * 120]
                yield self._lot(rows.slice(a, b - a), part, last_seq, encryption)

    def leave(self, lot: Lot) -> None:
        """Leave a lot's statements undecided; all of one destination are left, so that no number is missing."""
        self.counts["unsealed"] += lot.n_statements

    def seal(self, lot: Lot, *, object_name: str, sha256: str, size: int, plain_sha256: str | None = None) -> None:
        """Enter the batch of a lot whose payload is in the spool under `sha256` (hex); the plain one beside it."""
        key = f"{lot.destination}|{lot.business_date}|{lot.seq}|{sha256}"
        first = lot.rows.slice(0, 1).to_pylist()[0]
        self._batches.append(
            {
                "destination": lot.destination,
                "kind": str(lot.kind),
                "cabinet_id": first["cabinet_id"],
                "connector_id": first["connector_id"] if lot.kind is Kind.PARTNER else None,
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
        self._sealed.append(lot.rows.select(["statement_id", "mandate_id", "association_id"]))

    def close(self) -> None:
        """Write batches and allocations.

        Raises:
            DecisionConflict: a statement was taken by something else meanwhile; the transaction is undone.
        """
        if not self._batches:
            return
        batches = pa.Table.from_pylist(self._batches, _BATCHES)
        keys = self._rows.new_ids(schema.batches, batches.num_rows)
        self._rows.insert(schema.batches, batches.append_column("id", keys))
        of_batch = np.repeat(keys.to_numpy(), [t.num_rows for t in self._sealed])
        allocations = pa.concat_tables(self._sealed).combine_chunks()
        at = pa.repeat(pa.scalar(self._now, pa.timestamp("us", tz="UTC")), allocations.num_rows)
        allocations = allocations.append_column("batch_id", pa.array(of_batch)).append_column("decided_at", at)
        self._rows.insert(schema.allocations, allocations)
        self._settle(allocations["statement_id"], "decided")
        self.counts |= {"decided": allocations.num_rows, "batches": batches.num_rows}

    def _unwaived(self, failures: pa.Table) -> pa.Table:
        """Failures as `statement_id`, `reason`, less those that a named person has released before."""
        kinds = pa.schema([("statement_id", pa.int64()), ("reason", pa.string())])
        found = failures.rename_columns(kinds.names).cast(kinds)
        if not found.num_rows:
            return found
        self._rows.temporary("failures", found)
        return self._rows.query(
            "SELECT f.statement_id, f.reason FROM failures f WHERE NOT EXISTS (SELECT 1 FROM quarantine q"
            " WHERE q.statement_id = f.statement_id AND q.reason = f.reason AND q.resolution = 'released')",
            kinds,
        )

    def _settle(self, ids: pa.ChunkedArray, status: str) -> None:
        self._rows.temporary("settled", pa.table({"id": ids}))
        self._rows.execute(
            f"UPDATE statements SET status = '{status}' FROM settled"
            " WHERE statements.id = settled.id AND statements.status = 'pending'"
        )
        done = self._rows.query(
            f"SELECT count(*) FROM settled JOIN statements s ON s.id = settled.id AND s.status = '{status}'",
            pa.schema([("n", pa.int64())]),
        )["n"][0].as_py()
        if done != len(ids):
            raise DecisionConflict(
                f"{len(ids) - done} statements changed while they were being decided",
                subject=f"run of {self._day}",
                remedy="nothing was written; run it again",
            )

    def _records(self, ids: pa.ChunkedArray) -> memoryview:
        """Canonical records of statements, in the order of `ids`, in one buffer."""
        self._rows.temporary("leaving", pa.table({"id": ids}))
        found = self._rows.query(
            "SELECT s.id, s.records FROM leaving JOIN statements s ON s.id = leaving.id",
            pa.schema([("id", pa.int64()), ("records", pa.large_binary())]),
        )
        place = pc.index_in(ids, found["id"].combine_chunks())
        taken = found["records"].combine_chunks().take(place.combine_chunks())
        return memoryview(taken.buffers()[2])[: pc.sum(pc.binary_length(taken)).as_py()]

    def _encrypted(self) -> dict[int, object]:
        """What connectors say of encryption, by id; those that say nothing, or null, are left out."""
        found = self._rows.query(
            "SELECT k.id, CAST(k.settings AS text) FROM connectors k WHERE k.deleted_at IS NULL",
            pa.schema([("id", pa.int64()), ("settings", pa.string())]),
        )
        wanted = {row["id"]: (json.loads(row["settings"]) or {}).get("encryption") for row in found.to_pylist()}
        return {connector: encryption for connector, encryption in wanted.items() if encryption is not None}

    def _last_seq(self, rows: pa.Table) -> dict[tuple[str, date], int]:
        """Number of the newest batch of each destination and business date; cancelled ones are not used again."""
        days = pa.table({"business_date": pc.unique(rows["business_date"])})
        self._rows.temporary("days", days)
        found = self._rows.query(
            "SELECT b.destination, b.business_date, max(b.seq) FROM batches b"
            " JOIN days ON days.business_date = b.business_date GROUP BY b.destination, b.business_date",
            _SEQ,
        )
        return {(row["destination"], row["business_date"]): row["seq"] for row in found.to_pylist()}

    def _lot(
        self, rows: pa.Table, records: memoryview, last_seq: dict[tuple[str, date], int], encryption: object
    ) -> Lot:
        first = rows.slice(0, 1).to_pylist()[0]
        place = (first["destination"], first["business_date"])
        last_seq[place] = seq = last_seq.get(place, 0) + 1
        sums = {name: pc.sum(rows[name]).as_py() for name in ("n_entries", "n_records", "credit", "debit")}
        return Lot(
            destination=first["destination"],
            kind=Kind(first["kind"]),
            cabinet=first["cabinet"],
            connector=first["connector"] or "",
            partner=first["partner"] or "",
            business_date=first["business_date"],
            seq=seq,
            n_statements=rows.num_rows,
            first_date=pc.min(rows["opening_date"]).as_py() or first["business_date"],
            records=records,
            rows=rows,
            encryption=encryption,
            **sums,
        )


@contextmanager
def deciding(database: Database, *, day: date, now: datetime) -> Iterator[Decision]:
    """Open the one decision that may be under way; commit it whole when the block ends, or nothing of it."""
    with bulk(database, exclusive="decide") as rows:
        decision = Decision(rows, day, now)
        yield decision
        decision.close()


_SEALED = (
    "destination kind cabinet_id connector_id business_date seq state object_name idempotency_key payload_sha256"
    " payload_size plain_sha256 n_statements n_entries n_records credit debit first_date last_date run_day sealed_at"
)
_BATCHES = pa.schema([(name, arrow_type(schema.batches.c[name])) for name in _SEALED.split()])
