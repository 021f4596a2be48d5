"""Objects in a bucket: each sent once, under its SHA-256, unless it is there already."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

if TYPE_CHECKING:
    from sobank.store.bucket import Bucket

#: A payload of more bytes waits on the disk of this machine, not in memory.
_IN_MEMORY: Final = 8 << 20


class BucketObjects:
    """`<prefix>/<first two digits>/<sha256>`."""

    kind = "bucket"

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def write(self, pieces: Iterable[bytes | memoryview], sha256: str | None = None) -> tuple[str, set[Path]]:
        """Keep an object, which has its name only when all its bytes are known; no folder is left to sync.

        sha256: theirs, where the caller has worked it out.
        """
        digest = hashlib.sha256()
        with SpooledTemporaryFile(_IN_MEMORY) as whole:
            for piece in pieces:
                if sha256 is None:
                    digest.update(piece)
                whole.write(piece)
            name = sha256 or digest.hexdigest()
            self._bucket.put(_key(name), cast("BinaryIO", whole), once=True)
        return name, set()

    def __contains__(self, sha256: str) -> bool:
        return self._bucket.size(_key(sha256)) is not None

    def open(self, sha256: str) -> BinaryIO:
        """All bytes of an object, here: nobody who reads on meets the network. Raises FileNotFoundError."""
        here = cast("BinaryIO", SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115  closed by who asked for it
        try:
            self._bucket.fetch(_key(sha256), here)
        except BaseException:
            here.close()
            raise
        return here


def _key(sha256: str) -> str:
    return f"{sha256[:2]}/{sha256}"
