"""Content-addressed bytes: the spool of sealed payloads and the archive of received files (S15, DESIGN §6).

An object is named by its SHA-256, so that writing it twice is writing it once, and reading it proves it.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from sobank.errors import LedgerError
from sobank.store.objects_file import FolderObjects, sync_folder
from sobank.store.objects_s3 import BucketObjects
from sobank.store.place import place_of

#: The bytes of an object, the same each time they are iterated.
Pieces = Iterable[bytes | memoryview]
_COPY_BYTES: Final = 1 << 20
#: Writes under way at once: they wait for the disk together. And how many more may wait, with their bytes, for them.
_AT_ONCE: Final = 8
_WAITING: Final = 32


class Keep(Protocol):
    """Keeps the object of these pieces, iterated twice, and returns its SHA-256 (hex), as a rule before it is written.

    at_once: it is written when this returns, and its pieces have been iterated once.
    """

    def __call__(self, data: Pieces, *, at_once: bool = False) -> str: ...


class ObjectStore:
    """Objects under a URL, `file:///folder` or `s3://bucket/prefix`; the address is all that callers know.

    Every method raises `StoreAway` or `ConfigurationError` where a store of objects does not answer, or not to us.

    Raises:
        ConfigurationError: the URL is neither.
    """

    def __init__(self, url: str) -> None:
        place = place_of(url)
        self.url = url
        self._kept = FolderObjects(place) if isinstance(place, Path) else BucketObjects(place)

    def put(self, data: bytes | BinaryIO) -> str:
        """Keep `data` and return its SHA-256 (hex). Durable, with its folder entry, when this returns."""
        pieces = [data] if isinstance(data, bytes) else iter(partial(data.read, _COPY_BYTES), b"")
        sha256, changed = self._kept.write(pieces)
        for folder in changed:
            sync_folder(folder)
        return sha256

    @contextmanager
    def keeping(self) -> Iterator[Keep]:
        """Keep many objects as `put` does, side by side: all are durable, with folder entries, when the block ends.

        An error of a write is raised by a later call of what is given, or by the end of the block, and then nothing may
        be taken for kept.
        """
        changed: set[Path] = set()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            under_way: deque[Future[tuple[str, set[Path]]]] = deque()

            def keep(data: Pieces, *, at_once: bool = False) -> str:
                if at_once:
                    written, folders = self._kept.write(data)
                    changed.update(folders)
                    return written
                while len(under_way) >= _WAITING:
                    changed.update(under_way.popleft().result()[1])
                digest = hashlib.sha256()
                for piece in data:
                    digest.update(piece)
                sha256 = digest.hexdigest()
                under_way.append(pool.submit(self._kept.write, data, sha256))
                return sha256

            try:
                yield keep
                for written in under_way:
                    changed.update(written.result()[1])
            except BaseException:
                pool.shutdown(cancel_futures=True)  # the others would wait for the same store, one after another
                raise
            list(pool.map(sync_folder, sorted(changed)))

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._kept

    def open(self, sha256: str) -> BinaryIO:
        """The bytes of an object, for streaming: a seekable file on this machine, closed by who asked for it.

        Raises:
            LedgerError: the object is not there.
        """
        try:
            return self._kept.open(sha256)
        except FileNotFoundError:
            raise LedgerError(
                "an object that the database names is not in the store",
                subject=f"{self.url} {sha256[:12]}",
                remedy=f"restore the {self._kept.kind} from its backup; nothing was sent",
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
