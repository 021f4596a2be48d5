"""The folder sink, on a disk that breaks when told to."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sobank.domain.sink import Sink
from sobank.sinks.disk import Disk
from sobank.sinks.folder import FolderSink


@dataclass
class BreakingDisk(Disk):
    """Raises `error` in the operation `broken`; calls `watch` after each write and each move."""

    broken: str = ""
    error: BaseException = field(default_factory=lambda: OSError(errno.EIO, os.strerror(errno.EIO)))
    watch: Callable[[], object] = lambda: None
    written: int = 0

    def create(self, root: int, name: str) -> int:
        self._break("create")
        return super().create(root, name)

    def write(self, descriptor: int, piece: bytes) -> None:
        """One byte after another, so that whoever watches sees every moment."""
        for place in range(len(piece)):
            if place == len(piece) // 2:
                self._break("write")
            super().write(descriptor, piece[place : place + 1])
            self.written += 1
            self.watch()

    def sync(self, descriptor: int) -> None:
        self._break("sync")
        super().sync(descriptor)

    def move(self, root: int, old: str, new: str) -> None:
        self._break("move")
        super().move(root, old, new)
        self.watch()

    def digest(self, root: int, name: str) -> tuple[str, int] | None:
        self._break("digest")
        return super().digest(root, name)

    def _break(self, operation: str) -> None:
        if operation == self.broken:
            raise self.error


class _ClosedDisk(BreakingDisk):
    """A partner's folder in which we may not write."""

    def create(self, root: int, name: str) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@dataclass
class FolderHarness:
    """The partner lists the folder."""

    home: Path
    disk: BreakingDisk = field(default_factory=BreakingDisk)
    breakable: tuple[str, ...] = ("create", "write", "sync", "digest", "move")
    errors: tuple[BaseException, ...] = (
        OSError(errno.EIO, os.strerror(errno.EIO)),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
        TimeoutError(),
        ValueError("a label"),
        MemoryError(),
    )
    secrets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.folder = self.home / "partner"
        self.folder.mkdir()

    def sink(self) -> Sink:
        return FolderSink(self.folder, disk=self.disk)

    def sinks_refused(self) -> list[Sink]:
        return [FolderSink(self.folder, disk=_ClosedDisk())]

    def sinks_set_up_wrong(self) -> list[Sink]:
        (self.home / "link").symlink_to(self.folder)
        (self.home / "file").touch()
        return [FolderSink(self.home / name) for name in ("missing", "link", "file")]

    def break_in(self, operation: str, error: BaseException) -> None:
        self.disk.broken, self.disk.error = operation, error

    def mend(self) -> None:
        self.disk.broken = ""

    def watch(self, look: Callable[[], object]) -> None:
        self.disk.watch = look

    def final(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.folder.iterdir() if not p.name.startswith(".")}

    def put_by_hand(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def everything(self) -> list[str]:
        return sorted(p.name for p in self.folder.iterdir())

    def received(self) -> list[tuple[str, bytes]]:
        return sorted(self.final().items())

    def payload_bytes_seen(self) -> int:
        return self.disk.written

    def close(self) -> None:
        """Nothing was started."""
