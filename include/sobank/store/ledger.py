"""The delivery ledger: who may send which batch now, and what became of it (DESIGN §6, D5–D7).

Every method is one transaction, committed when it returns. Writes of a worker carry its fence; when they touch no row,
somebody else has claimed the batch since and `FenceLost` is raised: stop at once, touch nothing more.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from sobank.domain.delivery import FINAL_STATES, BatchState, Claim, Happening, NotClaimed, transition
from sobank.domain.routing import Reason
from sobank.domain.sink import Receipt
from sobank.errors import FenceLost, ForbiddenTransition, LedgerError
from sobank.store import audit
from sobank.store.ledger_read import LedgerReader, not_found
from sobank.store.ledger_rows import (
    as_json,
    earlier_open,
)  # fmt: skip
from sobank.store.ledger_statements import give_back, set_aside, withdrawn
from sobank.store.schema import attempts, batches


class Ledger(LedgerReader):
    """Batches and attempts in our database."""

    def claim(self, batch_id: int, *, worker: str, now: datetime, lease: timedelta) -> Claim | NotClaimed:
        """Take the batch for `lease`, before a byte leaves; or say why not.

        Refused: final or held; in the hands of a worker whose lease runs; an earlier batch of the destination is not
        final (D5). Before the first attempt mandates and associations are looked at again, and where one was withdrawn
        the batch is cancelled and its statements are pending again (D7).

        Raises:
            NotFound: there is no batch of that id.
        """
        with self._database.write() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id).with_for_update()).one_or_none()
            if row is None:
                raise not_found(batch_id)
            if refusal := _refusal(connection, row, now):
                return refusal
            if row.fence == 0 and (reason := withdrawn(connection, batch_id)):
                _cancel(connection, row, reason, worker=worker, now=now)
                return NotClaimed.CANCELLED
            return self._take(connection, row, worker=worker, now=now, lease=lease)

    def cancel_withdrawn(self, *, until: date, worker: str, now: datetime) -> int:
        """Cancel every batch that was never attempted and may no longer leave; return how many (D7).

        A run does this first, so that its own decision takes their statements anew.
        """
        unattempted = sa.select(batches.c.id).where(
            batches.c.state == BatchState.SEALED, batches.c.fence == 0, batches.c.business_date <= until
        )
        with self._database.read() as connection:
            found = connection.execute(unattempted).scalars().all()
        return sum(self._cancel_if_withdrawn(batch_id, worker=worker, now=now) for batch_id in found)

    def _cancel_if_withdrawn(self, batch_id: int, *, worker: str, now: datetime) -> bool:
        with self._database.write() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id).with_for_update()).one()
            reason = withdrawn(connection, batch_id) if row.state == BatchState.SEALED and row.fence == 0 else None
            if reason:
                _cancel(connection, row, reason, worker=worker, now=now)
            return reason is not None

    def mark_staged(self, batch_id: int, fence: int, staging: str, *, now: datetime, lease: timedelta) -> None:
        """Record that `staging` holds the whole payload and is the one name that may be published; renew the lease.

        Raises:
            FenceLost: somebody else owns the batch.
        """
        self._guarded(batch_id, fence, staging=staging, lease_until=now + lease)

    def renew(self, batch_id: int, fence: int, *, now: datetime, lease: timedelta) -> None:
        """Make sure that the batch is still ours, and for another `lease`.

        Raises:
            FenceLost: somebody else owns the batch.
        """
        self._guarded(batch_id, fence, lease_until=now + lease)

    def record(
        self,
        batch_id: int,
        fence: int,
        happening: Happening,
        *,
        now: datetime,
        receipt: Receipt | None = None,
        message: str | None = None,
        forget_staging: bool = False,
    ) -> BatchState:
        """Record how the attempt ended; the new state. A refused batch's statements go to quarantine.

        Args:
            receipt: evidence, needed for `ARRIVED` only. message: for support; no label, no full IBAN (O3).
            forget_staging: what this attempt recorded as staged was proved not received and lies nowhere.
        Raises:
            FenceLost: somebody else owns the batch. ForbiddenTransition: no attempt ends that way.
        """
        state = transition(BatchState.SENDING, happening, attempted=True)
        if state is None or (state is BatchState.DELIVERED) != (receipt is not None):
            raise ForbiddenTransition(f"an attempt cannot end as {happening}", subject=f"batch:{batch_id}")
        values: dict[str, Any] = {"state": state, "lease_until": None}
        if receipt is not None:
            values["receipt"] = as_json(receipt)
        if forget_staging:
            values["staging"] = None
        if state in {BatchState.HELD, BatchState.REJECTED}:
            values["reason"] = message
        with self._database.write() as connection:
            self._update(connection, batch_id, fence, values)
            connection.execute(
                sa.update(attempts)
                .where(attempts.c.batch_id == batch_id, attempts.c.fence == fence)
                .values(ended_at=now, outcome=happening, message=message)
            )
            if state is BatchState.REJECTED:
                set_aside(connection, batch_id, Reason.REJECTED_BY_PARTNER, now=now)
        return state

    def release(
        self, batch_id: int, *, actor: str, role: str | None, reason: str, now: datetime, forget_staging: bool = False
    ) -> None:
        """A person lets a held batch try again; what was staged stays the only thing that may be published.

        Args:
            forget_staging: nothing is staged at the partner's, and the person says that nothing arrived.
        Raises:
            ForbiddenTransition: the batch is not held. LedgerError: no actor or no reason given.
        """
        self._by_person(
            batch_id, Happening.RELEASED_BY_PERSON, actor=actor, role=role, reason=reason, now=now,
            also={"staging": None} if forget_staging else {},
        )  # fmt: skip

    def reject(self, batch_id: int, *, actor: str, role: str | None, reason: str, now: datetime) -> None:
        """A person gives a held batch up; its statements go to quarantine (`batch_rejected`).

        Raises:
            ForbiddenTransition: the batch is not held. LedgerError: no actor or no reason given.
        """
        self._by_person(
            batch_id, Happening.REJECTED_BY_PERSON, actor=actor, role=role, reason=reason, now=now, also={}
        )  # fmt: skip

    def confirm(self, batch_id: int, *, actor: str, role: str | None, reason: str, now: datetime) -> None:
        """A person has seen that the partner has exactly this held batch; the receipt says so, and by whom.

        Raises:
            ForbiddenTransition: the batch is not held. LedgerError: no actor or no reason given. NotFound: no batch.
        """
        outgoing = self.batch(batch_id).outgoing
        receipt = Receipt(
            remote_name=outgoing.object_name, sha256=outgoing.sha256, size=outgoing.size, at=now,
            answer=f"confirmed by {actor}: {reason}",
        )  # fmt: skip
        self._by_person(
            batch_id, Happening.CONFIRMED_BY_PERSON, actor=actor, role=role, reason=reason, now=now,
            also={"receipt": as_json(receipt)},
        )  # fmt: skip

    def note_retry(self, batch_id: int, *, actor: str, role: str | None, reason: str, now: datetime) -> None:
        """Keep in the audit trail that a person asks for a try now; the state is the same after.

        Raises:
            NotFound: no such batch. ForbiddenTransition: it is final or held. LedgerError: no actor or no reason.
        """
        _require_person(batch_id, actor, reason)
        with self._database.write() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id).with_for_update()).one_or_none()
            if row is None:
                raise not_found(batch_id)
            if transition(BatchState(row.state), Happening.CLAIMED, attempted=row.fence > 0) is None:
                raise ForbiddenTransition(
                    f"the batch is {row.state}", subject=f"batch:{batch_id}",
                    remedy="release, confirm or reject what is held; what is final stays as it is",
                )  # fmt: skip
            _event(
                connection, batch_id, row, "batch.retry",
                before=row.state, after=row.state, actor=actor, role=role, reason=reason, now=now,
            )  # fmt: skip

    def _take(
        self, connection: sa.Connection, row: sa.Row[Any], *, worker: str, now: datetime, lease: timedelta
    ) -> Claim | NotClaimed:
        fence = row.fence + 1
        taken = connection.execute(
            sa.update(batches)
            .where(batches.c.id == row.id, batches.c.fence == row.fence, batches.c.state == row.state)
            .values(state=BatchState.SENDING, fence=fence, lease_until=now + lease)
        )
        if taken.rowcount != 1:
            return NotClaimed.BUSY
        connection.execute(
            sa.update(attempts)
            .where(attempts.c.batch_id == row.id, attempts.c.ended_at.is_(None))
            .values(ended_at=now, outcome="lease_expired")
        )
        connection.execute(sa.insert(attempts).values(batch_id=row.id, fence=fence, worker=worker, started_at=now))
        return Claim(batch_id=row.id, fence=fence, entered_as=BatchState(row.state), staging=row.staging)

    def _guarded(self, batch_id: int, fence: int, **values: Any) -> None:
        with self._database.write() as connection:
            self._update(connection, batch_id, fence, values)

    def _update(self, connection: sa.Connection, batch_id: int, fence: int, values: dict[str, Any]) -> None:
        owned = sa.and_(batches.c.id == batch_id, batches.c.fence == fence, batches.c.state == BatchState.SENDING)
        if connection.execute(sa.update(batches).where(owned).values(**values)).rowcount != 1:
            raise FenceLost(
                "another worker has claimed the batch since",
                subject=f"batch:{batch_id}",
                remedy="nothing to do: the other worker finishes it",
            )

    def _by_person(
        self, batch_id: int, happening: Happening, *, actor: str, role: str | None, reason: str, now: datetime,
        also: dict[str, Any],
    ) -> None:  # fmt: skip
        _require_person(batch_id, actor, reason)
        state = transition(BatchState.HELD, happening, attempted=True)
        with self._database.write() as connection:
            changed = connection.execute(
                sa.update(batches)
                .where(batches.c.id == batch_id, batches.c.state == BatchState.HELD)
                .values(state=state, reason=reason, **also)
                .returning(batches.c.destination, batches.c.cabinet_id)
            ).one_or_none()
            if changed is None:
                raise ForbiddenTransition(
                    "the batch is not held", subject=f"batch:{batch_id}", remedy="look at its state first"
                )
            if state is BatchState.REJECTED:
                set_aside(connection, batch_id, Reason.BATCH_REJECTED, now=now)
            _event(
                connection, batch_id, changed, f"batch.{happening.value}",
                before=BatchState.HELD, after=state, actor=actor, role=role, reason=reason, now=now,
            )  # fmt: skip


def _require_person(batch_id: int, actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise LedgerError("a person and a reason are needed", subject=f"batch:{batch_id}", remedy="give both")


def _refusal(connection: sa.Connection, row: sa.Row[Any], now: datetime) -> NotClaimed | None:
    state = BatchState(row.state)
    if state in FINAL_STATES:
        return NotClaimed.FINAL
    if transition(state, Happening.CLAIMED, attempted=row.fence > 0) is None:
        return NotClaimed.HELD
    if row.lease_until is not None and row.lease_until > now:
        return NotClaimed.BUSY
    return NotClaimed.BLOCKED if connection.scalar(earlier_open(row)) else None


def _cancel(connection: sa.Connection, row: sa.Row[Any], reason: str, *, worker: str, now: datetime) -> None:
    state = transition(BatchState(row.state), Happening.WITHDRAWN, attempted=False)
    connection.execute(
        sa.update(batches)
        .where(batches.c.id == row.id, batches.c.state == row.state, batches.c.fence == 0)
        .values(state=state, reason=reason)
    )
    give_back(connection, row.id)
    _event(
        connection, row.id, row, "batch.cancelled",
        before=row.state, after=state, actor=worker, role=None, reason=reason, now=now,
    )  # fmt: skip


def _event(
    connection: sa.Connection, batch_id: int, row: Any, action: str, *,
    before: str, after: str | None, actor: str, role: str | None, reason: str, now: datetime,
) -> None:  # fmt: skip
    audit.record(
        connection,
        at=now,
        actor=actor,
        role=role,
        action=action,
        subject=f"batch:{batch_id}",
        before={"state": before},
        after={"state": after, "destination": row.destination},
        cabinet_id=row.cabinet_id,
        reason=reason,
    )
