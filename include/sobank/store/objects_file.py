"""Objects in a folder: each written aside, synced, and renamed to its SHA-256."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO


class FolderObjects:
    """`<folder>/<first two digits>/<sha256>`, files 0640."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self._root = folder

    def write(self, pieces: Iterable[bytes | memoryview], sha256: str | None = None) -> tuple[str, set[Path]]:
        """Write an object, its bytes on disk: its SHA-256, and the folders whose entries may not be there yet.

        sha256: theirs, where the caller has worked it out. Then the file begins in the folder where it stays: a rename
        from one folder to another is one at a time for a whole file system, and so is what is made in one folder.
        That of the objects may have been made a moment ago by somebody who has not synced the one above it.
        """
        handle, name = self._new_file(self._path(sha256).parent if sha256 else self._root)
        digest = hashlib.sha256()
        try:
            try:
                for piece in pieces:
                    if sha256 is None:
                        digest.update(piece)
                    _write_whole(handle, piece)
                os.fchmod(handle, 0o640)
                os.fsync(handle)
            finally:
                os.close(handle)
            name_of = sha256 or digest.hexdigest()
            target = self._path(name_of)
            if sha256 is None:
                target.parent.mkdir(exist_ok=True, mode=0o750)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return name_of, {target.parent, self._root, self._root.parent}

    def __contains__(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def open(self, sha256: str) -> BinaryIO:
        """The file of an object. Raises FileNotFoundError where there is none."""
        return self._path(sha256).open("rb")

    def _new_file(self, folder: Path) -> tuple[int, str]:
        """An empty file under a name of its own; folders that turn out to be missing, which is seldom, are made."""
        try:
            return tempfile.mkstemp(dir=folder, prefix=".incoming-")
        except FileNotFoundError:
            for ours in (self._root, folder):  # one by one: what `parents` makes has not the mode, but anybody's rights
                ours.mkdir(parents=True, exist_ok=True, mode=0o750)
            return tempfile.mkstemp(dir=folder, prefix=".incoming-")

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def _write_whole(handle: int, piece: bytes | memoryview) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(handle, left) :]


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a renamed file survives a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
