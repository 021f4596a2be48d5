"""The database side of a reconcile: what it knows of batches, and how it takes up what its trace tells (ADR 0022)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import BatchState, Happening, transition
from sobank.domain.routing import Reason
from sobank.domain.trace import Departure, End, Fate, Known, SealedBatch
from sobank.errors import LedgerError
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.ledger_statements import give_back, set_aside
from sobank.store.ledger_steps import event
from sobank.store.ledger_trace import as_row, under_way
from sobank.store.reconciling_statements import (
    Allocated,
    allocate,
    allocated_elsewhere,
    contradict,
    found_by_content,
    rivals,
)
from sobank.store.registry import in_parts
from sobank.store.schema import attempts, batches, cabinets, connectors, lineage

_OUTCOME: Final = "reconciled"
_MESSAGE: Final = "taken up from the trace after a restore"
_SUPERSEDED: Final = "its statements left in another batch, as the trace tells"
_MENDED: Final = "nothing was changed; restore another backup, or ask who knows this ledger"


class Reconciling:
    """What a database can be told of what left after its backup."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, keys: Sequence[str]) -> dict[str, Known]:
        """What the database knows of batches, by idempotency key."""
        c = batches.c
        query = sa.select(c.idempotency_key, c.id, c.state, c.fence, c.staging)
        with self._database.read() as connection:
            return {
                row.idempotency_key: Known(id=row.id, state=BatchState(row.state), fence=row.fence, staging=row.staging)
                for part in in_parts(keys)
                for row in connection.execute(query.where(c.idempotency_key.in_(part)))
            }

    def under_way(self, keys: Sequence[str]) -> dict[str, Departure]:
        """What it knows of batches that are not final, by idempotency key, as their departures would tell of them."""
        with self._database.read() as connection:
            return under_way(connection, keys)

    def unknown(self, sealed: Iterable[SealedBatch]) -> list[str]:
        """Destinations that the registry does not have, once each."""
        wanted = list(sealed)
        with self._database.read() as connection:
            there = _places(connection, wanted)
        return sorted({batch.destination for batch in wanted if batch.destination not in there})

    @contextmanager
    def change(self, *, actor: str, role: str, reason: str, now: datetime) -> Iterator[ReconcilingChange]:
        """One transaction, exclusive with decisions: all of it is committed when the block ends, or nothing."""
        with self._database.exclusive("decide") as connection:
            yield ReconcilingChange(connection, actor=actor, role=role, reason=reason, now=now)


class ReconcilingChange:
    """An open reconcile."""

    def __init__(self, connection: sa.Connection, *, actor: str, role: str, reason: str, now: datetime) -> None:
        self._connection, self._actor, self._role, self._reason, self._now = connection, actor, role, reason, now
        self._events: list[dict[str, Any]] = []

    def take_up(self, fate: Fate, known: Known | None, contents: Sequence[bytes]) -> None:
        """Bring one batch to what the trace tells of it.

        The fence goes above every one that was ever given: who holds an older one writes nothing any more.

        Args:
            contents: SHA-256 of each of its statements; needed where the database does not have it.
        Raises:
            LedgerError: what the trace tells cannot be. RegistryError: the account of a statement is not there.
        """
        batch_id = known.id if known else self._enter(fate.departure.batch, contents)
        fence = max(fate.fence, known.fence if known else 0) + 1
        ending = fate.ending
        values: dict[str, Any] = {
            "state": fate.state,
            "fence": fence,
            "lease_until": None,
            "staging": None if ending and ending.end is End.UNSENT else fate.departure.staging,
            "receipt": dict(ending.receipt) if ending and ending.receipt else None,
            "reason": ending.reason if ending and ending.end is End.REJECTED else None,
        }
        self._connection.execute(sa.update(batches).where(batches.c.id == batch_id).values(**values))
        self._attempt(batch_id, fence)
        if ending and ending.end is End.REJECTED:
            reason = Reason.BATCH_REJECTED if ending.by_person else Reason.REJECTED_BY_PARTNER
            set_aside(self._connection, batch_id, reason, now=self._now)

    def begin(self, number: int, *, files: int, batches: int) -> None:
        """Begin the lineage of that number: from now on the database is level again."""
        before = self._connection.execute(sa.select(lineage.c.number)).scalar_one()
        self._connection.execute(sa.update(lineage).values(number=number))
        self._events.append(
            {
                "action": "ledger.reconciled", "subject": f"lineage:{number}", "before": {"lineage": before},
                "after": {"lineage": number, "files": files, "batches": batches}, "cabinet_id": None,
                "reason": self._reason,
            }
        )  # fmt: skip
        audit.record_many(self._connection, self._events, at=self._now, actor=self._actor, role=self._role)

    def _enter(self, batch: SealedBatch, contents: Sequence[bytes]) -> int:
        """Enter a batch that the database does not have, with its statements; its id."""
        if len(contents) != batch.n_statements:
            raise LedgerError(
                f"its payload holds {len(contents)} statements, the trace tells of {batch.n_statements}",
                subject=f"{batch.destination} {batch.object_name}", remedy=_MENDED,
            )  # fmt: skip
        statements = found_by_content(self._connection, batch, contents)
        if others := allocated_elsewhere(self._connection, statements):
            for other in others:
                self._give_up(other, batch)
            # Those of an attempted one are in quarantine now, and must come out of it again.
            statements = found_by_content(self._connection, batch, contents)
        self._set_rivals_aside(statements, batch)
        self._free_place(batch)
        place = _places(self._connection, [batch])[batch.destination]
        row = as_row(batch) | place | {"state": BatchState.SEALED, "fence": 0}
        entered = sa.insert(batches).values(**row).returning(batches.c.id)
        batch_id = int(self._connection.execute(entered).scalar_one())
        allocate(
            self._connection,
            Allocated(batch_id=batch_id, connector_id=place["connector_id"], at=batch.sealed_at),
            statements, actor=self._actor, reason=self._reason, now=self._now,
        )  # fmt: skip
        return batch_id

    def _set_rivals_aside(self, found: Sequence[sa.Row[Any]], batch: SealedBatch) -> None:
        """Quarantine what contradicts statements that left: since the backup a person had decided for these (S10)."""
        others = rivals(self._connection, found)
        for other in allocated_elsewhere(self._connection, others):
            if other.fence > 0:
                raise LedgerError(
                    "one of its statements contradicts another that may have left before the backup",
                    subject=f"{batch.destination} {batch.object_name}, {other.destination}", remedy=_MENDED,
                )  # fmt: skip
            self._give_up(other, batch)
        contradict(self._connection, others, now=self._now)

    def _give_up(self, row: sa.Row[Any], batch: SealedBatch) -> None:
        """End a batch of which a statement left in a later one: then it had ended before."""
        state = BatchState(row.state)
        if state is BatchState.DELIVERED:
            raise LedgerError(
                "a statement of it is in another batch that was delivered",
                subject=f"{batch.destination} {batch.object_name}", remedy=_MENDED,
            )  # fmt: skip
        if row.fence == 0:
            after = transition(state, Happening.WITHDRAWN, attempted=False)
            give_back(self._connection, row.id)
        else:
            after = BatchState.REJECTED
            self._expire(row.id)
            set_aside(self._connection, row.id, Reason.BATCH_REJECTED, now=self._now)
        ended = {"state": after, "reason": _SUPERSEDED, "lease_until": None}
        self._connection.execute(sa.update(batches).where(batches.c.id == row.id).values(**ended))
        self._events.append(event(row, f"batch.{after}", before=state, after=after, reason=_SUPERSEDED))

    def _free_place(self, batch: SealedBatch) -> None:
        """Remove what was sealed anew under the same number, from the same backup, and never attempted."""
        c = batches.c
        row = self._connection.execute(
            sa.select(batches).where(
                c.destination == batch.destination, c.business_date == batch.business_date, c.seq == batch.seq
            )
        ).one_or_none()
        if row is None:
            return
        if row.fence > 0:
            raise LedgerError(
                "another batch has its number, and was attempted",
                subject=f"{batch.destination} {batch.object_name}", remedy=_MENDED,
            )  # fmt: skip
        give_back(self._connection, row.id)
        self._connection.execute(sa.delete(batches).where(c.id == row.id))
        self._events.append(event(row, "batch.cancelled", before=row.state, after=None, reason=_SUPERSEDED))

    def _attempt(self, batch_id: int, fence: int) -> None:
        self._expire(batch_id)
        row = {"batch_id": batch_id, "fence": fence, "worker": self._actor, "outcome": _OUTCOME, "message": _MESSAGE}
        self._connection.execute(sa.insert(attempts).values(**row, started_at=self._now, ended_at=self._now))

    def _expire(self, batch_id: int) -> None:
        open_ = sa.and_(attempts.c.batch_id == batch_id, attempts.c.ended_at.is_(None))
        self._connection.execute(sa.update(attempts).where(open_).values(ended_at=self._now, outcome="lease_expired"))


def _places(connection: sa.Connection, sealed: Iterable[SealedBatch]) -> dict[str, dict[str, int | None]]:
    """Ids of cabinet and connector by destination. Of connectors of one name the one that is still there is meant."""
    wanted = {batch.destination: (batch.cabinet, batch.connector) for batch in sealed}
    codes = sorted({cabinet for cabinet, _ in wanted.values()})
    cabinet_ids: dict[str, int] = {}
    connector_ids: dict[tuple[str, str | None], int] = {}
    query = (
        sa.select(cabinets.c.code, cabinets.c.id, connectors.c.id.label("connector_id"), connectors.c.name)
        .select_from(cabinets.outerjoin(connectors, connectors.c.cabinet_id == cabinets.c.id))
        .order_by(connectors.c.deleted_at.is_(None), connectors.c.id)
    )
    for part in in_parts(codes):
        for row in connection.execute(query.where(cabinets.c.code.in_(part))):
            cabinet_ids[row.code] = row.id
            connector_ids[row.code, row.name] = row.connector_id
    return {
        destination: {
            "cabinet_id": cabinet_ids[cabinet],
            "connector_id": None if connector is None else connector_ids[cabinet, connector],
        }
        for destination, (cabinet, connector) in wanted.items()
        if cabinet in cabinet_ids and (connector is None or (cabinet, connector) in connector_ids)
    }
