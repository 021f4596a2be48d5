"""What the ledger, the statements and the entries say of one business day, for the proof (D10). Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.proof import QuarantineProof, Received
from sobank.store.candidates import CANDIDATES, CANDIDATES_SQL, routed
from sobank.store.database import Database
from sobank.store.schema import batches, entries, quarantine, statements

_CONTENT = pa.schema([("batch_id", pa.int64()), ("content_sha256", pa.binary())])
_CONTENT_SQL = """
    SELECT al.batch_id, s.content_sha256 FROM batches b
      JOIN allocations al ON al.batch_id = b.id JOIN statements s ON s.id = al.statement_id
     WHERE b.business_date = :day
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFacts:
    """A batch as the proof looks at it. `terminator` is told by the destination; receipts are read back evidence."""

    id: int
    destination: str
    kind: str
    partner: str | None
    business_date: date
    seq: int
    state: str
    payload_sha256: str
    payload_size: int
    n_statements: int
    n_entries: int
    credit: int
    debit: int
    receipt_sha256: str | None
    receipt_size: int | None


class ProofRows:
    """Questions that the proof asks of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def received(self, day: date) -> Received:
        """Count statements of the day and sum their entry rows: not the sums noted at ingest, the rows themselves."""
        amount = entries.c.amount
        of_day = sa.select(
            sa.func.count(),
            sa.func.coalesce(sa.func.sum(sa.case((amount > 0, amount), else_=0)), 0),
            sa.func.coalesce(sa.func.sum(sa.case((amount < 0, amount), else_=0)), 0),
        ).select_from(entries.join(statements, statements.c.id == entries.c.statement_id))
        with self._database.read() as connection:
            count = sa.select(sa.func.count()).where(statements.c.business_date == day)
            n_statements = connection.execute(count).scalar_one()
            n_entries, credit, debit = connection.execute(of_day.where(statements.c.business_date == day)).one()
        return Received(statements=n_statements, entries=n_entries, credit=int(credit), debit=int(debit))

    def batches(self, day: date) -> list[BatchFacts]:
        """The day's batches that were not cancelled or rejected, in order of destination and number."""
        connectors = sa.table("connectors", sa.column("id"), sa.column("partner"))
        query = (
            sa.select(batches, connectors.c.partner)
            .select_from(batches.outerjoin(connectors, connectors.c.id == batches.c.connector_id))
            .where(
                batches.c.business_date == day,
                batches.c.state.not_in([BatchState.CANCELLED, BatchState.REJECTED]),
            )
            .order_by(batches.c.destination, batches.c.seq)
        )
        with self._database.read() as connection:
            return [_facts(row) for row in connection.execute(query).mappings()]

    def content(self, day: date) -> pa.Table:
        """`batch_id`, `content_sha256` of every statement allocated to a batch of the day."""
        return self._database.arrow(_CONTENT_SQL, _CONTENT, {"day": day}).read_all()

    def quarantine(self, day: date) -> list[QuarantineProof]:
        """Statements of the day that are set aside, each once, under its first open reason; rejected ones as such."""
        first = (
            sa.select(quarantine.c.reason)
            .where(quarantine.c.statement_id == statements.c.id, quarantine.c.closed_at.is_(None))
            .order_by(quarantine.c.id)
            .limit(1)
            .scalar_subquery()
        )
        reason = sa.case((statements.c.status == "rejected", "rejected_by_person"), else_=first).label("reason")
        of_day = sa.select(reason).where(
            statements.c.business_date == day, statements.c.status.in_(["quarantined", "rejected"])
        )
        reasons = of_day.subquery()
        query = sa.select(reasons.c.reason, sa.func.count()).group_by(reasons.c.reason).order_by(reasons.c.reason)
        with self._database.read() as connection:
            return [QuarantineProof(reason=r or "without_reason", statements=n) for r, n in connection.execute(query)]

    def undecided(self, day: date) -> tuple[int, int]:
        """Of the day's pending statements: how many wait for their mandate, how many a run should have taken."""
        found = routed(self._database.arrow(CANDIDATES_SQL, CANDIDATES, {"day": day}).read_all())
        of_day = found.candidates["business_date"].to_numpy() == day_number(day)
        waiting = int((of_day & (found.kind == "wait")).sum())
        return waiting, int(of_day.sum()) - waiting

    def open_days(self, up_to: date) -> list[date]:
        """Business dates up to a day that have an undecided statement of an approved mandate, or a batch under way."""
        open_batches = sa.select(batches.c.business_date).where(
            batches.c.state.in_([BatchState.SEALED, BatchState.SENDING, BatchState.UNCERTAIN, BatchState.HELD]),
            batches.c.business_date <= up_to,
        )
        with self._database.read() as connection:
            days: set[date] = set(connection.execute(open_batches.distinct()).scalars())
        found = routed(self._database.arrow(CANDIDATES_SQL, CANDIDATES, {"day": up_to}).read_all())
        pending = found.candidates["business_date"].filter(pa.array(found.kind != "wait"))
        return sorted(days | set(pending.unique().to_pylist()))


def day_number(day: date) -> object:
    """A day as numpy compares it."""
    import numpy as np

    return np.datetime64(day)


def _facts(row: sa.RowMapping) -> BatchFacts:
    receipt = row["receipt"] or {}
    return BatchFacts(
        id=row["id"],
        destination=row["destination"],
        kind=row["kind"],
        partner=row["partner"],
        business_date=row["business_date"],
        seq=row["seq"],
        state=row["state"],
        payload_sha256=row["payload_sha256"].hex(),
        payload_size=row["payload_size"],
        n_statements=row["n_statements"],
        n_entries=row["n_entries"],
        credit=row["credit"],
        debit=row["debit"],
        receipt_sha256=receipt.get("sha256"),
        receipt_size=receipt.get("size"),
    )
