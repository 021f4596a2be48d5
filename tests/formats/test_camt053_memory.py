"""The CAMT.053 reader streams: eight times the file does not take eight times the memory."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator

from sobank.formats.camt053 import Camt053
from tests.formats.camt053_documents import document, entry, statement

_OPEN, _CLOSE = document("SPLIT").split(b"SPLIT")
_ENTRIES = 40


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
        body = statement(*[entry(extra="<AddtlNtryInf>VIREMENT DU JOUR</AddtlNtryInf>")] * _ENTRIES, closing="40.00")
        for _ in range(statements):
            yield body.encode()
        yield _CLOSE


def peak(statements: int) -> tuple[int, int]:
    source = Made(statements)
    tracemalloc.start()
    count = sum(part.statements.num_rows for part in Camt053().read(io.BufferedReader(source), chunk_bytes=1 << 16))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == statements
    return most, source.size


def test_memory_is_bounded_by_the_chunk_and_not_by_the_file() -> None:
    small, small_size = peak(10)
    large, large_size = peak(80)
    assert large_size > 7 * small_size
    assert large < small * 1.5
