"""Steps of a push, counted: each SQL statement, commit, payload opened and exchange with the partner; one breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import sqlalchemy as sa

from sobank.store.database import Database
from sobank.store.objects import ObjectStore


class Killed(BaseException):
    """The worker is dead: nothing catches this, so nothing is cleaned up or recorded after it."""


class Steps:
    """Counts steps; does `happens` at step number `fail_at`, or at the first step of that name.

    Each operation is two steps: before it, and after it is done. What `happens` returns is raised, unless it is None.
    Only names of which `where` is true are counted.
    """

    def __init__(
        self,
        fail_at: int | str,
        happens: Callable[[], BaseException | None],
        *,
        where: Callable[[str], bool] = bool,
    ) -> None:
        self.count, self.fired, self.at = 0, False, ""
        self._fail_at, self._happens, self._where = fail_at, happens, where

    def step(self, name: str) -> None:
        """Pass one step, or break."""
        if not self._where(name):
            return
        self.count += 1
        if not self.fired and self._fail_at in {self.count, name}:
            self.fired, self.at = True, name
            if (error := self._happens()) is not None:
                raise error

    def around(self, name: str, operation: Callable[[], Any]) -> Any:
        """An operation with a step before it and one after."""
        self.step(f"before {name}")
        result = operation()
        self.step(f"after {name}")
        return result


def outside_transactions(name: str) -> bool:
    """Whether a step is not inside a transaction: there the database lets nobody pass until it ends."""
    return name not in {"sql", "before commit"}


#: Waits for its turn; asks nobody anything.
_NO_EXCHANGE = "slot"


class Stepped:
    """A remote of which each exchange is two steps."""

    def __init__(self, inner: Any, steps: Steps) -> None:
        self._inner, self._steps = inner, steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name.startswith("_") or name == _NO_EXCHANGE or not callable(found):
            return found
        return lambda *arguments, **named: self._steps.around(name, lambda: found(*arguments, **named))


class SteppedDisk(Stepped):
    """The disk of the folder sink: when a write breaks in its middle, half of the bytes are written."""

    def write(self, descriptor: int, piece: bytes) -> None:
        """Two halves with a step between."""
        self._steps.step("before write")
        self._inner.write(descriptor, piece[: len(piece) // 2])
        self._steps.step("middle of write")
        self._inner.write(descriptor, piece[len(piece) // 2 :])
        self._steps.step("after write")


class SteppedSpool(ObjectStore):
    """Opening a payload is two steps."""

    def __init__(self, url: str, steps: Steps) -> None:
        super().__init__(url)
        self._steps = steps

    def open(self, sha256: str) -> BinaryIO:
        return self._steps.around("open payload", lambda: super(SteppedSpool, self).open(sha256))


@contextmanager
def stepped_database(database: Database, steps: Steps) -> Iterator[None]:
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
