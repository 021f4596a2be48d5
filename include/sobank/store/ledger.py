"""The delivery ledger: who may send which batch now, and what became of it (DESIGN §6, D5–D7).

Every method is one transaction, committed when it returns. Writes of a worker carry its fence; when they touch no row,
somebody else has claimed the batch since and `FenceLost` is raised: stop at once, touch nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa

from sobank.domain.delivery import BatchState, Claim, Happening, NotClaimed, transition
from sobank.domain.ledger_step import Answer, Arrived, Claiming, Staged, Step
from sobank.domain.routing import Reason
from sobank.domain.sink import Receipt
from sobank.domain.trace import End
from sobank.errors import ForbiddenTransition, LedgerError
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.ledger_read import LedgerReader, not_found
from sobank.store.ledger_rows import as_json
from sobank.store.ledger_statements import set_aside, withdrawn, withdrawn_before_any_attempt
from sobank.store.ledger_steps import Asking, cancel, event, fence_lost, take
from sobank.store.ledger_trace import LedgerTrace
from sobank.store.schema import attempts, batches

if TYPE_CHECKING:
    from sobank.store.trace import Trace

_ENDS = {BatchState.REJECTED: End.REJECTED, BatchState.DELIVERED: End.DELIVERED, BatchState.SEALED: End.UNSENT}


class Ledger(LedgerReader):
    """Batches and attempts in our database; what may leave, and how it ended, is in its trace too (ADR 0022)."""

    def __init__(self, database: Database, *, trace: Trace | None = None) -> None:
        super().__init__(database)
        self._trace = LedgerTrace(trace)

    def take(self, steps: Sequence[Step], *, worker: str, now: datetime, lease: timedelta) -> list[Answer]:
        """Take steps of different batches, in one transaction; the answers in the same order.

        Each is what `claim`, `mark_staged` or `record` would do alone and say, an exception where they would raise one:
        that step drops out, and the others are taken. When this raises, nothing of the set is.
        """
        with self._writing() as connection:
            answers = take(connection, steps, Asking(worker=worker, now=now, lease=lease))
            noted = self._trace.note(connection, steps, answers)
        kept = self._trace.keep(noted, steps, answers, now=now)
        for answer, told in zip(answers, kept, strict=True):
            if isinstance(answer, Claim) and isinstance(told, Exception):  # nobody was told of the claim: let it go
                self.record(answer.batch_id, answer.fence, Happening.NO_ANSWER, now=now, message=str(told))
        return kept

    def claim(self, batch_id: int, *, worker: str, now: datetime, lease: timedelta) -> Claim | NotClaimed:
        """Take the batch for `lease`, before a byte leaves; or say why not.

        Refused: final or held; in the hands of a worker whose lease runs; an earlier batch of the destination is not
        final (D5). Before the first attempt mandates and associations are looked at again, and where one was withdrawn
        the batch is cancelled and its statements are pending again (D7).

        Raises:
            NotFound: there is no batch of that id.
        """
        answer = self._alone(Claiming(batch_id=batch_id), worker=worker, now=now, lease=lease)
        return cast("Claim | NotClaimed", answer)

    def cancel_withdrawn(self, *, until: date, worker: str, now: datetime) -> int:
        """Cancel every batch that was never attempted and may no longer leave; return how many (D7).

        A run does this first, so that its own decision takes their statements anew.
        """
        with self._database.read() as connection:
            found = withdrawn_before_any_attempt(connection, until)
        return sum(self._cancel_if_withdrawn(batch_id, worker=worker, now=now) for batch_id in sorted(found))

    def _cancel_if_withdrawn(self, batch_id: int, *, worker: str, now: datetime) -> bool:
        with self._writing() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id).with_for_update()).one()
            reasons = withdrawn(connection, [batch_id]) if row.state == BatchState.SEALED and row.fence == 0 else {}
            cancel(connection, [(row, reason) for reason in reasons.values()], worker=worker, now=now)
            return bool(reasons)

    def mark_staged(self, batch_id: int, fence: int, staging: str, *, now: datetime, lease: timedelta) -> None:
        """Record that `staging` holds the whole payload and is the one name that may be published; renew the lease.

        Raises:
            FenceLost: somebody else owns the batch.
        """
        self._alone(Staged(batch_id=batch_id, fence=fence, staging=staging), now=now, lease=lease)

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
        if receipt is not None:
            self._alone(Arrived(batch_id=batch_id, fence=fence, receipt=receipt), now=now)
            return state
        values: dict[str, Any] = {"state": state, "lease_until": None}
        if forget_staging:
            values["staging"] = None
        if state in {BatchState.HELD, BatchState.REJECTED}:
            values["reason"] = message
        with self._writing() as connection:
            self._update(connection, batch_id, fence, values)
            connection.execute(
                sa.update(attempts)
                .where(attempts.c.batch_id == batch_id, attempts.c.fence == fence)
                .values(ended_at=now, outcome=happening, message=message)
            )
            if state is BatchState.REJECTED:
                set_aside(connection, batch_id, Reason.REJECTED_BY_PARTNER, now=now)
            if state is BatchState.REJECTED or forget_staging:
                self._trace.ended(connection, batch_id, _ENDS[state], now=now)
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
        with self._writing() as connection:
            row = connection.execute(sa.select(batches).where(batches.c.id == batch_id).with_for_update()).one_or_none()
            if row is None:
                raise not_found(batch_id)
            if transition(BatchState(row.state), Happening.CLAIMED, attempted=row.fence > 0) is None:
                raise ForbiddenTransition(
                    f"the batch is {row.state}", subject=f"batch:{batch_id}",
                    remedy="release, confirm or reject what is held; what is final stays as it is",
                )  # fmt: skip
            retry = event(row, "batch.retry", before=row.state, after=row.state, reason=reason)
            audit.record_many(connection, [retry], at=now, actor=actor, role=role)

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._database.write() as connection:
            self._trace.require_lineage(connection)
            yield connection

    def _alone(self, step: Step, *, now: datetime, worker: str = "", lease: timedelta = timedelta(0)) -> Answer:
        (answer,) = self.take([step], worker=worker, now=now, lease=lease)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _guarded(self, batch_id: int, fence: int, **values: Any) -> None:
        with self._writing() as connection:
            self._update(connection, batch_id, fence, values)

    def _update(self, connection: sa.Connection, batch_id: int, fence: int, values: dict[str, Any]) -> None:
        owned = sa.and_(batches.c.id == batch_id, batches.c.fence == fence, batches.c.state == BatchState.SENDING)
        if connection.execute(sa.update(batches).where(owned).values(**values)).rowcount != 1:
            raise fence_lost(batch_id)

    def _by_person(
        self, batch_id: int, happening: Happening, *, actor: str, role: str | None, reason: str, now: datetime,
        also: dict[str, Any],
    ) -> None:  # fmt: skip
        _require_person(batch_id, actor, reason)
        state = transition(BatchState.HELD, happening, attempted=True)
        with self._writing() as connection:
            changed = connection.execute(
                sa.update(batches)
                .where(batches.c.id == batch_id, batches.c.state == BatchState.HELD)
                .values(state=state, reason=reason, **also)
                .returning(batches.c.id, batches.c.destination, batches.c.cabinet_id)
            ).one_or_none()
            if changed is None:
                raise ForbiddenTransition(
                    "the batch is not held", subject=f"batch:{batch_id}", remedy="look at its state first"
                )
            if state is BatchState.REJECTED:
                set_aside(connection, batch_id, Reason.BATCH_REJECTED, now=now)
            decided = event(changed, f"batch.{happening.value}", before=BatchState.HELD, after=state, reason=reason)
            audit.record_many(connection, [decided], at=now, actor=actor, role=role)
            if state is not None and (state is not BatchState.SEALED or "staging" in also):
                self._trace.ended(connection, batch_id, _ENDS[state], now=now, by_person=True)


def _require_person(batch_id: int, actor: str, reason: str) -> None:
    if not actor.strip() or not reason.strip():
        raise LedgerError("a person and a reason are needed", subject=f"batch:{batch_id}", remedy="give both")
