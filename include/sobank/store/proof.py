"""What the ledger, the statements and the entries say of one business day, for the proof (D10). Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.proof import QuarantineProof, Received
from sobank.store.candidates import CANDIDATES, CANDIDATES_SQL, routed
from sobank.store.database import Database, found_by_key
from sobank.store.exact_sum import exact_sum
from sobank.store.ledger_rows import OPEN
from sobank.store.schema import allocations, batches, entries, quarantine, statements
from sobank.store.standing import is_decided

_DECIDED = pa.schema([("content_sha256", pa.binary())])
_DECIDED_SQL = """
    SELECT s.content_sha256 FROM statements s LEFT JOIN undecided u ON u.statement_id = s.id
     WHERE s.business_date = :day AND s.status = 'accepted' AND u.statement_id IS NULL
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class DayRows:
    """Figures of a day's statements: of all of them, and of those that have been decided."""

    all: Received
    decided: Received


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchFacts:
    """A batch as the proof looks at it. `allocated` counts its allocations; receipts are read back evidence.

    `plain_sha256`: of the file before it was encrypted, None where it left in clear.
    """

    id: int
    destination: str
    kind: str
    business_date: date
    seq: int
    state: str
    payload_sha256: str
    payload_size: int
    plain_sha256: str | None
    n_statements: int
    n_entries: int
    credit: int
    debit: int
    allocated: int
    receipt_sha256: str | None
    receipt_size: int | None
    receipt_name: str
    object_name: str


class ProofRows:
    """Questions that the proof asks of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def received(self, day: date) -> DayRows:
        """Count statements of the day and sum their entry rows: not the sums noted at ingest, the rows themselves."""
        amount, decided = entries.c.amount, is_decided()
        of_day = statements.c.business_date == day
        counted = sa.select(decided, sa.func.count()).where(of_day).group_by(decided)
        summed = (
            sa.select(
                decided,
                sa.func.count(),
                exact_sum(sa.case((amount > 0, amount), else_=0)),
                exact_sum(sa.case((amount < 0, amount), else_=0)),
            )
            .select_from(entries.join(statements, statements.c.id == entries.c.statement_id))
            .where(of_day)
            .group_by(decided)
        )
        with self._database.read() as connection:
            number = {bool(key): n for key, n in connection.execute(counted)}
            sums = {bool(key): tuple(of_key) for key, *of_key in connection.execute(summed)}
        yes, no = sums.get(True, (0, 0, 0)), sums.get(False, (0, 0, 0))
        return DayRows(
            all=Received(
                statements=sum(number.values()), entries=yes[0] + no[0], credit=yes[1] + no[1], debit=yes[2] + no[2]
            ),
            decided=Received(statements=number.get(True, 0), entries=yes[0], credit=yes[1], debit=yes[2]),
        )

    def batches(self, day: date) -> list[BatchFacts]:
        """The day's batches that were not cancelled or rejected, in order of destination and number."""
        of_batch = sa.select(sa.func.count()).where(allocations.c.batch_id == batches.c.id)
        query = (
            sa.select(batches, of_batch.scalar_subquery().label("allocated"))
            .where(
                batches.c.business_date == day,
                batches.c.state.not_in([BatchState.CANCELLED, BatchState.REJECTED]),
            )
            .order_by(batches.c.destination, batches.c.seq)
        )
        with self._database.read() as connection:
            return [_facts(row) for row in connection.execute(query).mappings()]

    def compare(self, day: date, sealed: Sequence[Sequence[bytes]]) -> tuple[int, int]:
        """Hold the statements found in sealed bytes (their SHA-256s) against those decided for the day.

        Returns:
            How many are in no sealed bytes, and how many times too often statements are in them.
        """
        decided = self._database.arrow(_DECIDED_SQL, _DECIDED, {"day": day}).read_all()["content_sha256"]
        found = pa.chunked_array([pa.array(part, pa.binary()) for part in sealed], pa.binary())
        missing = len(decided) - pc.sum(pc.is_in(decided, found.combine_chunks())).as_py() if len(decided) else 0
        foreign = found.filter(pc.invert(pc.is_in(found, decided.combine_chunks())))
        return missing, len(found) - len(found.unique()) + len(foreign.unique())

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
        of_day = found.candidates["business_date"].to_numpy() == np.datetime64(day)
        waiting = int((of_day & (found.kind == "wait")).sum())
        return waiting, int(of_day.sum()) - waiting

    def open_days(self, up_to: date) -> list[date]:
        """Business dates up to a day that have an undecided statement of an approved mandate, or a batch under way."""
        found = routed(self._database.arrow(CANDIDATES_SQL, CANDIDATES, {"day": up_to}).read_all())
        pending = found.candidates["business_date"].filter(pa.array(found.kind != "wait"))
        return sorted({*self.days_under_way(up_to), *pending.unique().to_pylist()})

    def days_under_way(self, up_to: date) -> list[date]:
        """Business dates up to a day that have a batch which is not final."""
        # Days are compared and told apart here: by their index SQLite would read all that was ever delivered.
        with self._database.read() as connection:
            found_by_key(connection)
            days = set(connection.scalars(sa.select(batches.c.business_date).where(OPEN)))
        return sorted(day for day in days if day <= up_to)

    def days_sealed_by_runs_of(self, day: date) -> list[date]:
        """Business dates of all batches that a run of this day has sealed, whatever has become of them."""
        sealed = sa.select(batches.c.business_date).where(batches.c.run_day == day).distinct()
        with self._database.read() as connection:
            return sorted(connection.scalars(sealed))


def _facts(row: sa.RowMapping) -> BatchFacts:
    receipt = row["receipt"] or {}
    return BatchFacts(
        id=row["id"],
        destination=row["destination"],
        kind=row["kind"],
        business_date=row["business_date"],
        seq=row["seq"],
        state=row["state"],
        payload_sha256=row["payload_sha256"].hex(),
        payload_size=row["payload_size"],
        plain_sha256=row["plain_sha256"].hex() if row["plain_sha256"] else None,
        n_statements=row["n_statements"],
        n_entries=row["n_entries"],
        credit=row["credit"],
        debit=row["debit"],
        allocated=row["allocated"],
        receipt_sha256=receipt.get("sha256"),
        receipt_size=receipt.get("size"),
        receipt_name=str(receipt.get("remote_name", "")),
        object_name=row["object_name"],
    )
