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

    def write(self, pieces: Iterable[bytes], sha256: str | None = None) -> tuple[str, set[Path]]:
        """Write an object, its bytes on disk: its SHA-256, and the folders whose entries may not be there yet.

        sha256: theirs, where the caller has worked it out.
        That of the objects may have been made a moment ago by somebody who has not synced the one above it.
        """
        self._root.mkdir(parents=True, exist_ok=True, mode=0o750)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=self._root, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as out:
                for piece in pieces:
                    if sha256 is None:
                        digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fchmod(out.fileno(), 0o640)
                os.fsync(out.fileno())
            name_of = sha256 or digest.hexdigest()
            target = self._path(name_of)
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

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a renamed file survives a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
