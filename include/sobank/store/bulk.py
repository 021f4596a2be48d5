"""One transaction in which rows go in and come out as Arrow tables: bulk insert, never row by row.

On PostgreSQL this is one ADBC connection (binary COPY); on SQLite it is `executemany` on one connection. Both commit
when the block ends and undo everything when it raises.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from sobank.store.database import Database, Parameters, sqlite_batch, sqlite_parameters, with_literals

_ROWS_AT_ONCE = 65_536
_PIECE_BYTES = 1 << 18
_ARROW_OF: tuple[tuple[type[sa.types.TypeEngine[Any]], pa.DataType], ...] = (
    (sa.SmallInteger, pa.int16()),
    (sa.BigInteger, pa.int64()),
    (sa.Integer, pa.int32()),
    (sa.Boolean, pa.bool_()),
    (sa.Date, pa.date32()),
    (sa.LargeBinary, pa.large_binary()),
    (sa.Text, pa.string()),
)

#: Puts a call behind those that were put before it; its result, or what it raised, is in the future.
Beside = Callable[..., Future[Any]]


def arrow_type(column: sa.Column[Any]) -> pa.DataType:
    """The Arrow type whose binary form the column takes; moments are microseconds UTC."""
    if isinstance(column.type, sa.types.TypeDecorator):
        return pa.timestamp("us", tz="UTC")
    return next(arrow for kind, arrow in _ARROW_OF if isinstance(column.type, kind))


class Bulk(ABC):
    """What a bulk transaction can do. SQL is our own text; it never holds outside input."""

    @abstractmethod
    def execute(self, sql: str) -> None:
        """Run a statement that returns no rows."""

    @abstractmethod
    def query(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> pa.Table:
        """Run a SELECT inside the transaction; its columns take the names and types of `schema`, in order."""

    @abstractmethod
    def stream(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> Iterator[pa.Table]:
        """The same, some thousand rows at a time; nothing else is asked of the transaction until it ends."""

    @abstractmethod
    def update(self, sql: str) -> int:
        """Run an UPDATE or a DELETE; how many rows it changed."""

    @abstractmethod
    def _append(self, name: str, rows: pa.Table) -> None: ...

    @abstractmethod
    def _make(self, name: str, rows: pa.Table) -> None: ...

    @abstractmethod
    def new_ids(self, table: sa.Table, count: int) -> pa.Array:
        """Reserve `count` increasing keys of `table`."""

    def insert(self, table: sa.Table, rows: pa.Table) -> None:
        """Append `rows`; the columns they lack must have defaults or be nullable."""
        columns = [table.columns[name] for name in rows.column_names]
        kinds = pa.schema([pa.field(c.name, arrow_type(c)) for c in columns])
        self._append(table.name, rows.cast(kinds))

    @contextmanager
    def beside(self) -> Iterator[Beside]:
        """Calls that use this transaction, one after another, while the caller computes; all over when it ends.

        Until then the caller asks the transaction nothing itself. SQLite's connection stays with its thread: there each
        call is made at once.
        """
        yield _at_once

    @contextmanager
    def reader(self) -> Iterator[Bulk]:
        """Reads what is committed while this transaction is busy; of SQLite, whose connection is one, itself."""
        yield self

    def temporary(self, name: str, rows: pa.Table) -> None:
        """Make a table that ends with the transaction, or refill it with rows of the same columns."""
        self._make(name, rows)


def _at_once(call: Callable[..., Any], /, *args: Any) -> Future[Any]:
    made: Future[Any] = Future()
    made.set_result(call(*args))
    return made


@contextmanager
def bulk(database: Database, *, exclusive: str) -> Iterator[Bulk]:
    """A transaction that one process anywhere holds under the name `exclusive`; others wait for it to end."""
    opened = _sqlite(database) if database.is_sqlite else _postgres(database, exclusive)
    with opened as transaction:
        yield transaction


@contextmanager
def reading(database: Database) -> Iterator[Bulk]:
    """What is committed, and tables of one's own beside it; nothing waits for it, and nothing of it stays."""
    if database.is_sqlite:
        with database.read() as connection:
            yield _Sqlite(connection.connection.cursor())
        return
    with database.adbc() as connection:
        yield _Postgres(connection, database)


class _Postgres(Bulk):
    def __init__(self, connection: Any, database: Database) -> None:
        self._connection = connection
        self._database = database
        self._made: set[str] = set()

    def execute(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def query(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> pa.Table:
        with self._connection.cursor() as cursor:
            cursor.execute(with_literals(sql, parameters or {}))
            return cursor.fetch_arrow_table().rename_columns(schema.names).cast(schema)

    def stream(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> Iterator[pa.Table]:
        with self._connection.cursor() as cursor:
            cursor.execute(with_literals(sql, parameters or {}))
            for batch in cursor.fetch_record_batch():
                yield pa.Table.from_batches([batch]).rename_columns(schema.names).cast(schema)

    def update(self, sql: str) -> int:
        counted = self.query(
            f"WITH done AS ({sql} RETURNING 1) SELECT count(*) FROM done", pa.schema([("n", pa.int64())])
        )
        return int(counted["n"][0].as_py())

    @contextmanager
    def beside(self) -> Iterator[Beside]:
        with ThreadPoolExecutor(1) as thread:
            yield thread.submit

    @contextmanager
    def reader(self) -> Iterator[Bulk]:
        with reading(self._database) as rows:
            yield rows

    def _append(self, name: str, rows: pa.Table) -> None:
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(name, _in_pieces(rows), mode="append")

    def _make(self, name: str, rows: pa.Table) -> None:
        # Each table that is made keeps locks until the transaction ends, and the server has room for some thousand.
        again = name in self._made
        self.execute(f"TRUNCATE pg_temp.{name}" if again else f"DROP TABLE IF EXISTS pg_temp.{name}")
        with self._connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows, mode="append" if again else "create", temporary=True)
        self._made.add(name)

    def new_ids(self, table: sa.Table, count: int) -> pa.Array:
        sql = f"SELECT nextval('{table.name}_id_seq') AS id FROM generate_series(1, {int(count)})"
        return self.query(sql, pa.schema([("id", pa.int64())])).column("id").combine_chunks()


def _in_pieces(rows: pa.Table) -> pa.RecordBatchReader:
    """The driver sends a batch when all of it is encoded: in pieces, so that the server stores while we encode."""
    pieces = max(1, rows.nbytes // _PIECE_BYTES)
    return rows.to_reader(max_chunksize=max(1, rows.num_rows // pieces))


@contextmanager
def _postgres(database: Database, exclusive: str) -> Iterator[Bulk]:
    with database.adbc() as connection:
        transaction = _Postgres(connection, database)
        transaction.execute(f"SELECT pg_advisory_xact_lock({zlib.crc32(exclusive.encode())})")
        yield transaction
        connection.commit()


class _Sqlite(Bulk):
    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, sql: str) -> None:
        self._cursor.execute(sql)

    def query(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> pa.Table:
        return pa.concat_tables([schema.empty_table(), *self.stream(sql, schema, parameters)])

    def stream(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> Iterator[pa.Table]:
        self._cursor.execute(sql, sqlite_parameters(parameters or {}))
        while rows := self._cursor.fetchmany(_ROWS_AT_ONCE):
            yield pa.Table.from_batches([sqlite_batch(rows, schema)])

    def update(self, sql: str) -> int:
        self._cursor.execute(sql)
        return int(self._cursor.rowcount)

    def _append(self, name: str, rows: pa.Table) -> None:
        names = ", ".join(f'"{column}"' for column in rows.column_names)
        marks = ", ".join("?" * rows.num_columns)
        values = zip(*(_sqlite_values(column) for column in rows.columns), strict=True)
        self._cursor.executemany(f"INSERT INTO {name} ({names}) VALUES ({marks})", values)

    def _make(self, name: str, rows: pa.Table) -> None:
        names = ", ".join(f'"{column}"' for column in rows.column_names)
        self.execute(f"DROP TABLE IF EXISTS temp.{name}")
        self.execute(f"CREATE TEMP TABLE {name} ({names})")
        self._append(name, rows)

    def new_ids(self, table: sa.Table, count: int) -> pa.Array:
        # BEGIN IMMEDIATE: nobody else writes until this transaction ends, so the next keys are ours.
        (highest,) = self._cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table.name}").fetchone()
        return pa.array(range(highest + 1, highest + 1 + count), pa.int64())


@contextmanager
def _sqlite(database: Database) -> Iterator[Bulk]:
    with database.write() as connection:
        yield _Sqlite(connection.connection.cursor())


def _sqlite_values(column: pa.ChunkedArray) -> list[Any]:
    """Dates and moments in the text form that SQLAlchemy reads back."""
    if pa.types.is_timestamp(column.type):
        column = pc.strftime(pc.cast(column, pa.timestamp("us")), format="%Y-%m-%d %H:%M:%S")
    elif pa.types.is_date32(column.type):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    return values
