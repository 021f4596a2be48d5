"""Senders that are wrong, each in one way: the suite must catch every one of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, BinaryIO

import sqlalchemy as sa

from sobank.domain.delivery import BatchState, Claim, Happening, NotClaimed
from sobank.domain.ledger_step import Answer, Claiming, Step
from sobank.domain.sink import Outgoing, Presence, Receipt, Sink
from sobank.errors import ConfigFault, Rejected, Transient
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.schema import batches
from tests.faults.partners import Around, as_it_is
from tests.faults.steps import SteppedDisk


@dataclass(frozen=True, kw_only=True)
class Sender:
    """What is tried: the real thing, unless a part is replaced by a wrong one. `remote` replaces what is stepped."""

    ledger: Callable[[Database], Ledger] = Ledger
    sink: Callable[[Sink], Sink] = lambda sink: sink
    remote: Around = as_it_is


class SkipsTheProbe(Ledger):
    """Believes that nothing ever left before."""

    def claim(self, batch_id: int, *, worker: str, now: datetime, lease: timedelta) -> Claim | NotClaimed:
        claim = super().claim(batch_id, worker=worker, now=now, lease=lease)
        return replace(claim, entered_as=BatchState.SEALED, staging=None) if isinstance(claim, Claim) else claim


class CountsNoAnswerAsDelivered(Ledger):
    """Takes silence for consent."""

    def record(self, batch_id: int, fence: int, happening: Happening, **rest: Any) -> BatchState:
        if happening is Happening.NO_ANSWER:
            rest["receipt"] = Receipt(remote_name="?", sha256="", size=0, at=rest["now"])
            happening = Happening.ARRIVED
        return super().record(batch_id, fence, happening, **rest)


class CountsNoAnswerAsNotReceived(Ledger):
    """Takes silence for refusal, and forgets what it had staged."""

    def record(self, batch_id: int, fence: int, happening: Happening, **rest: Any) -> BatchState:
        if happening is Happening.NO_ANSWER:
            self._guarded(batch_id, fence, staging=None)
            happening = Happening.PROVED_NOT_RECEIVED
        return super().record(batch_id, fence, happening, **rest)


class PublishesBeforeRecordingStaged(Ledger):
    """Records what it staged only together with the end of the attempt."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._late: dict[int, str] = {}

    def mark_staged(self, batch_id: int, fence: int, staging: str, *, now: datetime, lease: timedelta) -> None:
        self._late[batch_id] = staging

    def record(self, batch_id: int, fence: int, happening: Happening, **rest: Any) -> BatchState:
        if batch_id in self._late:
            self._guarded(batch_id, fence, staging=self._late.pop(batch_id))
        return super().record(batch_id, fence, happening, **rest)


class HasNoFence(Ledger):
    """Writes whoever owns the batch now."""

    def take(self, steps: Sequence[Step], **asking: Any) -> list[Answer]:
        with self._database.read() as connection:
            newest = dict(connection.execute(sa.select(batches.c.id, batches.c.fence)).all())
        return super().take(
            [s if isinstance(s, Claiming) else replace(s, fence=newest[s.batch_id]) for s in steps], **asking
        )

    def _update(self, connection: sa.Connection, batch_id: int, fence: int, values: dict[str, Any]) -> None:
        connection.execute(sa.update(batches).where(batches.c.id == batch_id).values(**values))


class NewNameEachAttempt:
    """A sink that adds the number of the attempt to the final name, and so finds nothing when it looks."""

    kind = "folder"
    holds_staged = True

    def __init__(self, inner: Sink) -> None:
        self._inner, self._attempt = inner, 0

    def _renamed(self, outgoing: Outgoing) -> Outgoing:
        return replace(outgoing, object_name=outgoing.object_name.replace(".", f"-{self._attempt}.", 1))

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:
        return Presence.ABSENT

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:
        self._attempt = attempt
        return self._inner.stage(self._renamed(outgoing), payload, attempt=attempt, now=now)

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        return self._inner.publish(self._renamed(outgoing), staging=staging, again=again, now=now)

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        return self._inner.receipt(self._renamed(outgoing), staging=staging, now=now)

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        self._inner.discard(self._renamed(outgoing), staging=staging)

    def test(self) -> Any:
        return self._inner.test()


class CountsTheUnclassifiedAsSuccess:
    """A sink that takes an error which nobody has put into a class, and so is `Unknown` at best, for a success."""

    def __init__(self, inner: Sink) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:
        try:
            return self._inner.stage(outgoing, payload, attempt=attempt, now=now)
        except (Transient, Rejected, ConfigFault):
            raise
        except Exception:  # noqa: BLE001
            return "staged"

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        try:
            return self._inner.publish(outgoing, staging=staging, again=again, now=now)
        except (Transient, Rejected, ConfigFault):
            raise
        except Exception:  # noqa: BLE001
            return Receipt(remote_name="?", sha256=outgoing.sha256, size=outgoing.size, at=now)


class NewKeyEachAttempt(NewNameEachAttempt):
    """A sink that makes its idempotency key anew, and does not ask."""

    def _renamed(self, outgoing: Outgoing) -> Outgoing:
        return replace(outgoing, idempotency_key=f"{outgoing.idempotency_key}-{self._attempt}")


class LinksThenUnlinks(SteppedDisk):
    """Publishes by link and unlink: two system calls where one is needed."""

    def move(self, root: int, old: str, new: str) -> None:
        self._steps.step("before link")
        os.link(old, new, src_dir_fd=root, dst_dir_fd=root)
        self._inner.look()
        self._steps.step("between link and unlink")
        os.unlink(old, dir_fd=root)
        self._steps.step("after unlink")
