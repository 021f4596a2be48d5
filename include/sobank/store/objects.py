"""Content-addressed bytes: the spool of sealed payloads and the archive of received files (S15, DESIGN §6).

An object is named by its SHA-256, so that writing it twice is writing it once, and reading it proves it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from sobank.errors import ConfigurationError, LedgerError

_COPY_BYTES: Final = 1 << 20
#: Writes under way at once: they wait for the disk together. And how many more may wait, with their bytes, for them.
_AT_ONCE: Final = 8
_WAITING: Final = 32


class ObjectStore:
    """Objects under a URL; `file://` today, the address is all that callers know.

    Raises:
        ConfigurationError: the URL has another scheme, or names a host.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "file" or parts.netloc:
            raise ConfigurationError(
                f"cannot keep objects at a {parts.scheme or 'missing'}:// address",
                subject=url,
                remedy="give file:///…",
            )
        self.url = url
        self._root = Path(unquote(parts.path))

    def put(self, data: bytes | BinaryIO) -> str:
        """Keep `data` and return its SHA-256 (hex). On disk, with its folder entry, when this returns."""
        pieces = [data] if isinstance(data, bytes) else iter(partial(data.read, _COPY_BYTES), b"")
        sha256, changed = self._write(pieces)
        for folder in changed:
            sync_folder(folder)
        return sha256

    @contextmanager
    def keeping(self) -> Iterator[Callable[[bytes], str]]:
        """Keep many objects as `put` does, side by side: all are on disk, with folder entries, when the block ends.

        What is given is the same function, which returns at once; an error of a write is raised by a later call of it,
        or by the end of the block, and then nothing may be taken for kept.
        """
        changed: set[Path] = set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            under_way: deque[Future[tuple[str, set[Path]]]] = deque()

            def keep(data: bytes) -> str:
                while len(under_way) >= _WAITING:
                    changed.update(under_way.popleft().result()[1])
                under_way.append(pool.submit(self._write, [data]))
                return hashlib.sha256(data).hexdigest()

            yield keep
            for written in under_way:
                changed.update(written.result()[1])
            list(pool.map(sync_folder, sorted(changed)))

    def _write(self, pieces: Iterable[bytes]) -> tuple[str, set[Path]]:
        """Write an object, its bytes on disk: its SHA-256, and the folders whose entries may not be there yet.

        That of the objects may have been made a moment ago by somebody who has not synced the one above it.
        """
        self._root.mkdir(parents=True, exist_ok=True, mode=0o750)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=self._root, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as out:
                for piece in pieces:
                    digest.update(piece)
                    out.write(piece)
                out.flush()
                os.fchmod(out.fileno(), 0o640)
                os.fsync(out.fileno())
            target = self._path(digest.hexdigest())
            target.parent.mkdir(exist_ok=True, mode=0o750)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest.hexdigest(), {target.parent, self._root, self._root.parent}

    def __contains__(self, sha256: str) -> bool:
        return self._path(sha256).is_file()

    def open(self, sha256: str) -> BinaryIO:
        """The bytes of an object, for streaming.

        Raises:
            LedgerError: the object is not there.
        """
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError:
            raise LedgerError(
                "an object that the database names is not in the store",
                subject=f"{self.url} {sha256[:12]}",
                remedy="restore the folder from its backup; nothing was sent",
            ) from None

    def read(self, sha256: str) -> bytes:
        """All bytes of an object, proved against its name.

        Raises:
            LedgerError: the object is not there, or its bytes have changed.
        """
        with self.open(sha256) as stream:
            data = stream.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LedgerError(
                "the stored bytes are not those that were kept",
                subject=f"{self.url} {sha256[:12]}",
                remedy="restore the object from its backup; check the disk",
            )
        return data

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a renamed file survives a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
