"""The CAMT.053 reader streams: three times the file does not take three times the memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

from sobank.formats.camt053 import Camt053
from tests.formats.camt053_documents import document, entry, statement

_OPEN, _CLOSE = document("SPLIT").split(b"SPLIT")
_ENTRIES = 100


class Made(io.RawIOBase):
    """A document of `statements` statements, made as it is read."""

    def __init__(self, statements: int) -> None:
        self._pieces = self._made(statements)
        self._left = b""
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        self._left = self._left or next(self._pieces, b"")
        piece, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(piece)] = piece
        self.size += len(piece)
        return len(piece)

    def _made(self, statements: int) -> Iterator[bytes]:
        yield _OPEN
        body = statement(*[entry(extra="<AddtlNtryInf>VIREMENT DU JOUR</AddtlNtryInf>")] * _ENTRIES, closing="100.00")
        for _ in range(statements):
            yield body.encode()
        yield _CLOSE


def peak(statements: int) -> tuple[int, int]:
    tracemalloc.start()
    size = reading(statements)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most, size


def reading(statements: int) -> int:
    source = Made(statements)
    count = sum(part.statements.num_rows for part in Camt053().read(io.BufferedReader(source), chunk_bytes=1 << 15))
    assert count == statements
    return source.size


def test_memory_is_bounded_by_the_chunk_and_not_by_the_file() -> None:
    reading(1)  # makes, untraced, the tables that are made once
    small, small_size = peak(25)
    large, large_size = peak(75)
    assert large_size > 2.9 * small_size
    assert large < small * 1.25
