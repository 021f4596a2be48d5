"""While a chunk of a file is stored the next one is read, and no third one is held."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from typing import Any, BinaryIO

import pyarrow as pa
import sqlalchemy as sa

from sobank.domain.statement import Counts
from sobank.errors import InputRefused
from sobank.formats.parsed import Format, Parsed
from sobank.services.ingest import FileOutcome, ingest_file
from sobank.store import schema
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement
from tests.servers import wait_until

#: Statements of three records; a chunk has one, or two.
STATEMENTS, CHUNK_BYTES = 8, 400

Between = Callable[[Iterator[Any]], Iterator[Any]]


@dataclass(frozen=True)
class Watched:
    """A format, with something between its reader and whoever asks for chunks."""

    inner: Format
    between: Between

    @property
    def name(self) -> str:
        return self.inner.name

    def claims(self, head: bytes) -> bool:
        return self.inner.claims(head)

    def read(self, stream: BinaryIO, *, chunk_bytes: int) -> Iterator[Any]:
        return self.between(self.inner.read(stream, chunk_bytes=chunk_bytes))


@dataclass(frozen=True)
class Patient:
    """A chunk that is stored only when the next one has been asked for."""

    chunk: Parsed
    next_asked: threading.Event

    @property
    def counts(self) -> Counts:
        assert self.next_asked.wait(20), "the next chunk was not read meanwhile"
        return self.chunk.counts

    def __getattr__(self, name: str) -> pa.Table:
        return getattr(self.chunk, name)


def take_in(house: TestHouse, between: Between) -> FileOutcome:
    house.register(Cabinet("CAB1", accounts=dict.fromkeys(range(1, STATEMENTS + 1), ("approved", None))))
    parts = house.ingest_parts()
    watched = replace(
        parts, chunk_bytes=CHUNK_BYTES, identify=lambda head, name: Watched(parts.identify(head, name), between)
    )
    data = file_of(*(statement(n, date(2026, 3, 3), n) for n in range(1, STATEMENTS + 1)))
    return ingest_file("bank.txt", BytesIO(data), watched, now=NOW)


def test_while_a_chunk_is_stored_the_next_one_is_read(house: TestHouse) -> None:
    def patient(chunks: Iterator[Parsed]) -> Iterator[Any]:
        for chunk in chunks:
            next_asked = threading.Event()
            yield Patient(chunk, next_asked)
            next_asked.set()

    kept = take_in(house, patient).kept
    assert kept is not None
    assert (kept.statements, kept.entries, kept.records.total) == (STATEMENTS, STATEMENTS, 3 * STATEMENTS)
    assert set(house.statuses().values()) == {"pending"}


def test_no_third_chunk_of_a_file_is_held(house: TestHouse) -> None:
    read: list[weakref.ref[Any]] = []

    def counted(chunks: Iterator[Parsed]) -> Iterator[Parsed]:
        for chunk in chunks:
            read.append(weakref.ref(chunk.statements))
            wait_until(lambda: sum(one() is not None for one in read) <= 2, what="an earlier chunk is let go")
            yield chunk

    kept = take_in(house, counted).kept
    assert kept is not None
    assert (kept.statements, len(read) > 3) == (STATEMENTS, True)


def test_a_file_that_is_refused_while_it_is_stored_leaves_nothing_behind(house: TestHouse) -> None:
    refused = InputRefused("is cut off", subject="its end", remedy="ask the bank for it again")

    def cut_off(chunks: Iterator[Parsed]) -> Iterator[Parsed]:
        yield next(chunks)
        yield next(chunks)
        raise refused

    assert str(take_in(house, cut_off).refused) == str(refused.of("bank.txt"))
    with house.database.read() as connection:
        for table in (schema.bank_files, schema.statements, schema.entries):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 0
