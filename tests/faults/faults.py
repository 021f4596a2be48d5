"""A step counter around every I/O and database step of a push, which breaks at step k; and senders that are wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from sobank.domain.delivery import BatchState, Claim, Happening, NotClaimed
from sobank.domain.sink import Outgoing, Presence, Receipt, Sink
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from sobank.store.schema import batches
from tests.faults.worlds import PartnerFolder, WatchedDisk


class Killed(BaseException):
    """The worker is dead: nothing catches this, so nothing is cleaned up or recorded after it."""


class Steps:
    """Counts steps; raises `error` at step number `fail_at`, or at the first step of that name.

    Each operation is two steps: before it, and after it is done.
    """

    def __init__(self, fail_at: int | str, error: Callable[[], BaseException]) -> None:
        self.count, self.fired, self.at = 0, False, ""
        self._fail_at, self._error = fail_at, error

    def step(self, name: str) -> None:
        """Pass one step, or break."""
        self.count += 1
        if not self.fired and self._fail_at in {self.count, name}:
            self.fired, self.at = True, name
            raise self._error()

    def around(self, name: str, operation: Callable[[], Any]) -> Any:
        """An operation with a step before it and one after."""
        self.step(f"before {name}")
        result = operation()
        self.step(f"after {name}")
        return result


class BreakingDisk(WatchedDisk):
    """Each system call is two steps."""

    def __init__(self, partner: PartnerFolder, steps: Steps) -> None:
        super().__init__(partner)
        self._steps = steps

    def open_folder(self, folder: Path) -> int:
        return self._steps.around("open folder", lambda: super(BreakingDisk, self).open_folder(folder))

    def create(self, root: int, name: str) -> int:
        return self._steps.around("create", lambda: super(BreakingDisk, self).create(root, name))

    def write(self, descriptor: int, piece: bytes) -> None:
        """Half of the bytes are written when it breaks in between."""
        self._steps.step("before write")
        os.write(descriptor, piece[: len(piece) // 2])
        self._steps.step("middle of write")
        super().write(descriptor, piece[len(piece) // 2 :])
        self._steps.step("after write")

    def sync(self, descriptor: int) -> None:
        self._steps.around("sync", lambda: super(BreakingDisk, self).sync(descriptor))

    def digest(self, root: int, name: str) -> tuple[str, int] | None:
        return self._steps.around("read", lambda: super(BreakingDisk, self).digest(root, name))

    def move(self, root: int, old: str, new: str) -> None:
        self._steps.around("move", lambda: super(BreakingDisk, self).move(root, old, new))

    def remove(self, root: int, name: str) -> None:
        self._steps.around("remove", lambda: super(BreakingDisk, self).remove(root, name))


class BreakingSpool(ObjectStore):
    """Opening a payload is two steps."""

    def __init__(self, url: str, steps: Steps) -> None:
        super().__init__(url)
        self._steps = steps

    def open(self, sha256: str) -> BinaryIO:
        return self._steps.around("open payload", lambda: super(BreakingSpool, self).open(sha256))


@contextmanager
def broken_database(database: Database, steps: Steps) -> Iterator[None]:
    """Each SQL statement is a step before it; each commit one before it, and one after it has become true."""

    def execute(*_arguments: object) -> None:
        steps.step("sql")

    def commit(_connection: sa.Connection) -> None:
        steps.step("before commit")

    @contextmanager
    def write() -> Iterator[sa.Connection]:
        with real() as connection:
            yield connection
        steps.step("after commit")

    real = database.write
    sa.event.listen(database.engine, "before_cursor_execute", execute)
    sa.event.listen(database.engine, "commit", commit)
    database.write = write  # type: ignore[method-assign]
    try:
        yield
    finally:
        database.write = real  # type: ignore[method-assign]
        sa.event.remove(database.engine, "before_cursor_execute", execute)
        sa.event.remove(database.engine, "commit", commit)


# --- senders that are wrong -------------------------------------------------------------------------------------------


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

    def mark_staged(self, batch_id: int, fence: int, staging: str, *, now: datetime, lease: timedelta) -> None:  # noqa: ARG002
        self._late[batch_id] = staging

    def record(self, batch_id: int, fence: int, happening: Happening, **rest: Any) -> BatchState:
        if batch_id in self._late:
            self._guarded(batch_id, fence, staging=self._late.pop(batch_id))
        return super().record(batch_id, fence, happening, **rest)


class HasNoFence(Ledger):
    """Writes whoever owns the batch now."""

    def _update(self, connection: sa.Connection, batch_id: int, fence: int, values: dict[str, Any]) -> None:  # noqa: ARG002
        connection.execute(sa.update(batches).where(batches.c.id == batch_id).values(**values))


class NewNameEachAttempt:
    """A sink that adds the number of the attempt to the final name, and so finds nothing when it looks."""

    kind = "folder"
    holds_staged = True

    def __init__(self, inner: Sink) -> None:
        self._inner, self._attempt = inner, 0

    def _renamed(self, outgoing: Outgoing) -> Outgoing:
        return replace(outgoing, object_name=outgoing.object_name.replace(".", f"-{self._attempt}.", 1))

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:  # noqa: ARG002
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


class LinksThenUnlinks(BreakingDisk):
    """Publishes by link and unlink: two system calls where one is needed."""

    def move(self, root: int, old: str, new: str) -> None:
        self._steps.step("before link")
        os.link(old, new, src_dir_fd=root, dst_dir_fd=root)
        self._partner.look()
        self._steps.step("between link and unlink")
        os.unlink(old, dir_fd=root)
        self._steps.step("after unlink")
