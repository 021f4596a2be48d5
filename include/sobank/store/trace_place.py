"""Where the records of a trace lie: a folder, or a prefix of a bucket (ADR 0022)."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sobank.errors import StoreAway
from sobank.store.objects_file import sync_folder
from sobank.store.place import place_of

if TYPE_CHECKING:
    from sobank.store.bucket import Bucket


def records_at(url: str) -> Place:
    """Where the records of a URL lie; nothing is asked of it yet.

    Raises:
        ConfigurationError: the URL names no folder and no bucket.
    """
    place = place_of(url)
    return _InFolder(place) if isinstance(place, Path) else _InBucket(place)


class Place(Protocol):
    """Where records lie. `names`: of what is directly in a folder, that of a folder with a `/` behind it."""

    def write(self, key: str, content: bytes) -> None: ...

    def read(self, key: str) -> bytes: ...

    def has(self, key: str) -> bool: ...

    def names(self, folder: str) -> list[str]: ...


class _InFolder:
    """A folder; every record is on disk, with its entry, before `write` returns."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: str, content: bytes) -> None:
        target = self._root / key
        with self._answering():
            made = _make(target.parent)
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".incoming-")
            with os.fdopen(handle, "wb") as out:
                out.write(content)
                out.flush()
                os.fchmod(out.fileno(), 0o640)
                os.fsync(out.fileno())
            Path(name).replace(target)
            for folder in [target.parent, *made]:
                sync_folder(folder)

    def read(self, key: str) -> bytes:
        with self._answering():
            return (self._root / key).read_bytes()

    def has(self, key: str) -> bool:
        return (self._root / key).exists()

    def names(self, folder: str) -> list[str]:
        with self._answering():
            try:
                with os.scandir(self._root / folder) as found:
                    return sorted(e.name + "/" * e.is_dir() for e in found if not e.name.startswith("."))
            except FileNotFoundError:
                return []

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreAway(
                f"the trace cannot be reached ({error.strerror})",
                subject=str(self._root),
                remedy="see that the folder is there, may be written and has room, then run again: nothing was sent",
            ) from None


def _make(folder: Path) -> list[Path]:
    """Make a folder and those above it; the folders that have a new entry."""
    missing = [each for each in (folder, *folder.parents) if not each.is_dir()]
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    return [each.parent for each in missing]


class _InBucket:
    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def write(self, key: str, content: bytes) -> None:
        self._bucket.put(key, io.BytesIO(content), once=True)

    def read(self, key: str) -> bytes:
        found = io.BytesIO()
        self._bucket.fetch(key, found)
        return found.read()

    def has(self, key: str) -> bool:
        return self._bucket.size(key) is not None

    def names(self, folder: str) -> list[str]:
        return self._bucket.names(folder)
