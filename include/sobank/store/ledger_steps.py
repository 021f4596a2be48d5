"""Steps of many batches in one transaction of the delivery ledger, each row guarded by its own fence (DESIGN §6).

All rows are locked first, in order of id, so that of two workers with the same batches neither waits for the other in
a circle. What a step may do is decided from the locked row; a step that may not drops out alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import FINAL_STATES, BatchState, Claim, Happening, NotClaimed, transition
from sobank.domain.ledger_step import Answer, Arrived, Claiming, Staged, Step
from sobank.errors import FenceLost
from sobank.store import audit
from sobank.store.ledger_read import not_found
from sobank.store.ledger_rows import EARLIER_OPEN, as_json
from sobank.store.ledger_statements import give_back, withdrawn
from sobank.store.schema import attempts, batches

Row = sa.Row[Any]
_MINE: Final = sa.and_(
    batches.c.id == sa.bindparam("of"), batches.c.fence == sa.bindparam("mine"), batches.c.state == BatchState.SENDING
)
_IDS: Final[sa.BindParameter[Any]] = sa.bindparam("ids", expanding=True)
#: What a step needs to know of its batch, and nothing as wide as a receipt.
_LOCKED: Final[sa.Select[Any]] = (
    sa.select(
        *(batches.c[name] for name in ("id", "destination", "cabinet_id", "state", "fence", "lease_until", "staging")),
        EARLIER_OPEN.label("blocked"),
    )
    .where(batches.c.id.in_(_IDS))
    .order_by(batches.c.id)
    .with_for_update()
)
_CLAIMED: Final = (
    sa.update(batches)
    .where(batches.c.id.in_(_IDS), batches.c.fence == sa.bindparam("was"), batches.c.state == sa.bindparam("found"))
    .values(state=BatchState.SENDING, fence=batches.c.fence + 1, lease_until=sa.bindparam("until"))
)
_EXPIRED: Final = (
    sa.update(attempts)
    .where(attempts.c.batch_id.in_(_IDS), attempts.c.ended_at.is_(None))
    .values(ended_at=sa.bindparam("now"), outcome="lease_expired")
)
_BEGUN: Final = sa.insert(attempts)
_STAGED: Final = sa.update(batches).where(_MINE).values(staging=sa.bindparam("name"), lease_until=sa.bindparam("until"))
_ARRIVED: Final = (
    sa.update(batches)
    .where(_MINE)
    .values(
        state=transition(BatchState.SENDING, Happening.ARRIVED, attempted=True), lease_until=None,
        receipt=sa.bindparam("evidence"),
    )
)  # fmt: skip
_ENDED: Final = (
    sa.update(attempts)
    .where(attempts.c.batch_id == sa.bindparam("of"), attempts.c.fence == sa.bindparam("mine"))
    .values(ended_at=sa.bindparam("now"), outcome=Happening.ARRIVED)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """Who asks, now, and for how long what is claimed or renewed is his."""

    worker: str
    now: datetime
    lease: timedelta

    @property
    def until(self) -> datetime:
        """When the lease is over."""
        return self.now + self.lease


def take(connection: sa.Connection, steps: Sequence[Step], asking: Asking) -> list[Answer]:
    """Take the steps, each of another batch; their answers in the same order. A lost fence is an answer, not raised."""
    rows = {row.id: row for row in connection.execute(_LOCKED, {"ids": [step.batch_id for step in steps]})}
    answers: dict[int, Answer] = {step.batch_id: _refused(step, rows.get(step.batch_id), asking.now) for step in steps}
    going = [step for step in steps if answers[step.batch_id] is None]
    answers |= _claim(connection, [rows[step.batch_id] for step in going if isinstance(step, Claiming)], asking)
    _keep_staged(connection, [step for step in going if isinstance(step, Staged)], asking)
    answers |= _keep_arrived(connection, [step for step in going if isinstance(step, Arrived)], asking)
    return [answers[step.batch_id] for step in steps]


def cancel(connection: sa.Connection, found: Sequence[tuple[Row, str]], *, worker: str, now: datetime) -> None:
    """Cancel locked batches that were never attempted, each for its reason; their statements are pending again (D7)."""
    events = []
    for row, reason in found:
        state = transition(BatchState(row.state), Happening.WITHDRAWN, attempted=False)
        connection.execute(
            sa.update(batches)
            .where(batches.c.id == row.id, batches.c.state == row.state, batches.c.fence == 0)
            .values(state=state, reason=reason)
        )
        give_back(connection, row.id)
        events.append(event(row, "batch.cancelled", before=row.state, after=state, reason=reason))
    audit.record_many(connection, events, at=now, actor=worker, role=None)


def event(row: Row, action: str, *, before: str, after: str | None, reason: str) -> dict[str, Any]:
    """An audit event of a batch; `row` has its id, destination and cabinet."""
    return {
        "action": action,
        "subject": f"batch:{row.id}",
        "before": {"state": before},
        "after": {"state": after, "destination": row.destination},
        "cabinet_id": row.cabinet_id,
        "reason": reason,
    }


def _refused(step: Step, row: Row | None, now: datetime) -> NotClaimed | Exception | None:
    if row is None:
        return not_found(step.batch_id)
    if isinstance(step, Claiming):
        return _not_claimed(row, now)
    return None if owned(row, step.fence) else fence_lost(step.batch_id)


def owned(row: Row, fence: int) -> bool:
    """Whether whoever has `fence` may still write."""
    return bool(row.fence == fence and row.state == BatchState.SENDING)


def fence_lost(batch_id: int) -> FenceLost:
    """What a worker is told whose batch was claimed by another one since."""
    return FenceLost(
        "another worker has claimed the batch since",
        subject=f"batch:{batch_id}",
        remedy="nothing to do: the other worker finishes it",
    )


def _not_claimed(row: Row, now: datetime) -> NotClaimed | None:
    state = BatchState(row.state)
    if state in FINAL_STATES:
        return NotClaimed.FINAL
    if transition(state, Happening.CLAIMED, attempted=row.fence > 0) is None:
        return NotClaimed.HELD
    if row.lease_until is not None and row.lease_until > now:
        return NotClaimed.BUSY
    return NotClaimed.BLOCKED if row.blocked else None


def _claim(connection: sa.Connection, rows: Sequence[Row], asking: Asking) -> dict[int, Answer]:
    """Before the first attempt of a batch mandates and associations are looked at again (D7)."""
    first = [row.id for row in rows if row.fence == 0]
    reasons = withdrawn(connection, first) if first else {}
    answers: dict[int, Answer] = dict.fromkeys(reasons, NotClaimed.CANCELLED)
    for (fence, state), alike in _alike(row for row in rows if row.id not in reasons):
        ids = [row.id for row in alike]
        _exactly(connection.execute(_CLAIMED, {"ids": ids, "was": fence, "found": state, "until": asking.until}), ids)
        _begin_attempts(connection, ids, fence + 1, asking)
        for row in alike:
            answers[row.id] = Claim(batch_id=row.id, fence=fence + 1, entered_as=BatchState(state), staging=row.staging)
    cancel(
        connection, [(row, reasons[row.id]) for row in rows if row.id in reasons], worker=asking.worker, now=asking.now
    )
    return answers


def _alike(rows: Iterable[Row]) -> Iterator[tuple[tuple[int, str], list[Row]]]:
    def standing(row: Row) -> tuple[int, str]:
        return row.fence, row.state

    for key, alike in groupby(sorted(rows, key=standing), key=standing):
        yield key, list(alike)


def _begin_attempts(connection: sa.Connection, ids: Sequence[int], fence: int, asking: Asking) -> None:
    if fence > 1:
        connection.execute(_EXPIRED, {"ids": ids, "now": asking.now})
    begun = {"fence": fence, "worker": asking.worker, "started_at": asking.now}
    connection.execute(_BEGUN, [{"batch_id": batch_id} | begun for batch_id in ids])


def _keep_staged(connection: sa.Connection, steps: Sequence[Staged], asking: Asking) -> None:
    if not steps:
        return
    rows = [_guard(step) | {"name": step.staging, "until": asking.until} for step in steps]
    _exactly(connection.execute(_STAGED, rows), [step.batch_id for step in steps])


def _keep_arrived(connection: sa.Connection, steps: Sequence[Arrived], asking: Asking) -> dict[int, Answer]:
    if not steps:
        return {}
    rows = [_guard(step) | {"evidence": as_json(step.receipt)} for step in steps]
    _exactly(connection.execute(_ARRIVED, rows), [step.batch_id for step in steps])
    connection.execute(_ENDED, [_guard(step) | {"now": asking.now} for step in steps])
    return dict.fromkeys((step.batch_id for step in steps), BatchState.DELIVERED)


def _guard(step: Staged | Arrived) -> dict[str, Any]:
    return {"of": step.batch_id, "mine": step.fence}


def _exactly(result: sa.CursorResult[Any], batch_ids: Sequence[int]) -> None:
    """The rows are locked, so no other number comes about; if it does, nothing of the set is committed."""
    if result.rowcount != len(batch_ids):
        raise fence_lost(batch_ids[0])
