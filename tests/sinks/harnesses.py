"""What the conformance suite needs to know of each kind of sink: how to make one, break it, and read as the partner."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sobank.domain.sink import Sink
from sobank.sinks.disk import Disk
from sobank.sinks.folder import FolderSink


@dataclass
class BreakingDisk(Disk):
    """Raises `error` in the operation `broken`; calls `watch` after each write and each move."""

    broken: str = ""
    error: BaseException = field(default_factory=lambda: OSError(errno.EIO, os.strerror(errno.EIO)))
    watch: Callable[[], object] = lambda: None

    def create(self, root: int, name: str) -> int:
        self._break("create")
        return super().create(root, name)

    def write(self, descriptor: int, piece: bytes) -> None:
        """One byte after another, so that whoever watches sees every moment."""
        for place in range(len(piece)):
            if place == len(piece) // 2:
                self._break("write")
            super().write(descriptor, piece[place : place + 1])
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


@dataclass
class FolderHarness:
    """The folder sink, and its partner who lists the folder."""

    home: Path
    disk: BreakingDisk = field(default_factory=BreakingDisk)
    #: operations of which any may fail, in the order of a delivery
    breakable = ("create", "write", "sync", "digest", "move")

    def __post_init__(self) -> None:
        self.folder = self.home / "partner"
        self.folder.mkdir()

    def sink(self) -> Sink:
        """A sink with good settings."""
        return FolderSink(self.folder, disk=self.disk)

    def sink_without_rights(self) -> Sink:
        """A sink that the partner does not let in."""
        self.disk.broken, self.disk.error = "create", PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return FolderSink(self.folder, disk=self.disk)

    def sinks_set_up_wrong(self) -> list[Sink]:
        """Sinks whose address is wrong."""
        (self.home / "link").symlink_to(self.folder)
        (self.home / "file").touch()
        return [FolderSink(self.home / name) for name in ("missing", "link", "file")]

    def final(self) -> dict[str, bytes]:
        """What the partner sees: names and bytes, staging names left out."""
        return {p.name: p.read_bytes() for p in self.folder.iterdir() if not p.name.startswith(".")}

    def put_by_hand(self, name: str, content: bytes) -> None:
        """The partner has a file already."""
        (self.folder / name).write_bytes(content)

    def everything(self) -> list[str]:
        """Every name on the partner's side, staging included."""
        return sorted(p.name for p in self.folder.iterdir())


HARNESSES: dict[str, Any] = {"folder": FolderHarness}
