"""The few operations on one folder that `sinks/folder.py` is made of, each a single system call or a bounded read.

Names are looked up relative to the open folder and symbolic links are never followed, so nobody can lead a write
elsewhere by swapping a folder or planting a link. Nothing here decides anything: an error is an `OSError`.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750
_RENAME_NOREPLACE: Final = 1
_READ_BYTES: Final = 1 << 20
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: What `digest` answers for something that is no ordinary file: it equals no payload.
NOT_A_FILE: Final = ("", -1)


class Disk:
    """A folder's entries. Every method raises `OSError` as the system gives it."""

    def open_folder(self, folder: Path) -> int:
        """A descriptor of the folder; a symbolic link in its place is refused."""
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)

    def create_folder(self, folder: Path) -> None:
        """Make the folder and those above it; it may be there."""
        folder.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)

    def close(self, descriptor: int) -> None:
        """Give a descriptor back."""
        os.close(descriptor)

    def create(self, root: int, name: str) -> int:
        """A descriptor of a new file; anything under that name, a dangling link included, is refused (EEXIST)."""
        descriptor = os.open(name, _CREATE, FILE_MODE, dir_fd=root)
        os.fchmod(descriptor, FILE_MODE)
        return descriptor

    def write(self, descriptor: int, piece: bytes) -> None:
        """Write all of `piece`."""
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(descriptor, rest) :]

    def sync(self, descriptor: int) -> None:
        """Make a file's bytes, or a folder's entries, survive a power cut."""
        os.fsync(descriptor)

    def digest(self, root: int, name: str) -> tuple[str, int] | None:
        """SHA-256 (hex) and size of what lies under `name` now; None where nothing does."""
        try:
            descriptor = os.open(name, _READ, dir_fd=root)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENXIO}:
                return NOT_A_FILE
            raise
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return NOT_A_FILE
            digest, at_once = hashlib.sha256(), min(_READ_BYTES, found.st_size + 1)
            while piece := os.read(descriptor, at_once):
                digest.update(piece)
            return digest.hexdigest(), found.st_size
        finally:
            os.close(descriptor)

    def identity(self, root: int, name: str) -> tuple[int, ...] | None:
        """What tells the file under `name` from any other and from itself after a change; None where nothing lies."""
        try:
            found = os.stat(name, dir_fd=root, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns

    def move(self, root: int, old: str, new: str) -> None:
        """Rename within the folder, in one step, refusing an existing `new` (EEXIST) and a missing `old` (ENOENT)."""
        if _renameat2()(root, old.encode(), root, new.encode(), _RENAME_NOREPLACE) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), new)

    def remove(self, root: int, name: str) -> None:
        """Remove a file; it need not be there."""
        try:
            os.unlink(name, dir_fd=root)
        except FileNotFoundError:
            return


@cache
def _renameat2() -> Callable[..., int]:
    """Linux's rename with flags.

    Plain rename replaces what is there. Link-then-unlink refuses to, but leaves the staging name behind for a moment:
    killed in between, beside a partner that takes files at once, it could not be told from a file never published.
    """
    function = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if function is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), "renameat2")
    function.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint]
    function.restype = ctypes.c_int
    found: Callable[..., int] = function
    return found
