"""Connections to our own database: one write or read transaction at a time, and rows as Arrow.

SQLite (a file, WAL) is the default, PostgreSQL is production; both keep the same promises:
a `write()` transaction that commits is on disk, `exclusive(name)` has one holder at a time on all machines.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from sobank.errors import ConfigurationError, DatabaseAway
from sobank.store.text_search import SQLITE_FOLD, fold

Parameters = Mapping[str, int | str | date]

_BUSY_SECONDS = 120
_FETCH_ROWS = 65_536
#: For few queries over many rows: compiling one takes longer than running it, and sorts stay in memory. A row found by
#: its key costs hardly more than the next one: of some thousand by key, no table is read whole.
_BULK_SETTINGS = (
    "jit = off",
    "max_parallel_workers_per_gather = 0",
    "work_mem = '64MB'",
    "random_page_cost = 1.1",
)
_GIVE = "give a sqlite:/// or postgresql+psycopg:// URL"


class Database:
    """Our database, addressed by its SQLAlchemy URL (`sqlite:////…` or `postgresql+psycopg://…`).

    Values never stand in its errors (O3). Every method raises `DatabaseAway` when the server or the file is not there.

    Raises:
        ConfigurationError: the URL is none, or of neither SQLite nor PostgreSQL.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = sa.make_url(url)
        except (sa.exc.ArgumentError, ValueError):  # the latter of a port that is no number, which it repeats
            raise ConfigurationError("is no URL", subject="SOBANK_DATABASE_URL", remedy=_GIVE) from None
        self._adbc: list[Any] = []
        if self.url.get_backend_name() not in {"sqlite", "postgresql"}:
            raise ConfigurationError(
                f"the database is {self.url.get_backend_name()}, which is not supported",
                subject="SOBANK_DATABASE_URL",
                remedy=_GIVE,
            )
        self.url = self.url.set(drivername="sqlite" if self.is_sqlite else "postgresql+psycopg")
        if self.is_sqlite:
            if self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            self.engine = sa.create_engine(self.url, connect_args={"timeout": _BUSY_SECONDS}, hide_parameters=True)
            sa.event.listen(self.engine, "connect", _prepare_sqlite)
            sa.event.listen(self.engine, "begin", _begin_sqlite)
        else:
            # As many connections as threads ask for at once: who pushes bounds the threads.
            self.engine = sa.create_engine(self.url, pool_pre_ping=True, max_overflow=-1, hide_parameters=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-machine database."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """One consistent snapshot, never waiting for writers."""
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with (
            _answering(sa.exc.OperationalError, sqlite3.OperationalError),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction; committed and on disk when the block ends, undone when it raises."""
        with (
            _answering(sa.exc.OperationalError, sqlite3.OperationalError),
            self.engine.connect().execution_options(sobank_begin="BEGIN IMMEDIATE") as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def exclusive(self, name: str) -> Iterator[sa.Connection]:
        """A write transaction that only one process anywhere holds under `name`; others wait for it to end.

        The lock is taken before the first snapshot, so what the previous holder committed is seen.
        """
        with self.write() as connection:
            if not self.is_sqlite:
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(name.encode())})
            yield connection

    def arrow(self, sql: str, schema: pa.Schema, parameters: Parameters | None = None) -> pa.RecordBatchReader:
        """Run a SELECT and stream its rows as record batches of `schema` (names and types, in order).

        Reads what is committed, on a connection of its own. `parameters` are named `:name` in `sql`.
        """
        batches = self._sqlite_batches if self.is_sqlite else self._postgres_batches
        return pa.RecordBatchReader.from_batches(schema, batches(sql, schema, parameters or {}))

    @contextmanager
    def adbc(self) -> Iterator[Any]:
        """An ADBC connection to PostgreSQL, with a transaction of its own that the caller commits.

        Opening one costs as much as storing a file: it is kept for the next caller, who asks first whether the server
        still has it. One that raised is closed.
        """
        from adbc_driver_postgresql import dbapi

        with _answering(dbapi.OperationalError):
            connection = self._kept_adbc() or self._new_adbc()
            try:
                yield connection
            except BaseException:
                connection.close()
                raise
            connection.rollback()
        self._adbc.append(connection)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        while self._adbc:
            self._adbc.pop().close()

    def _new_adbc(self) -> Any:
        from adbc_driver_postgresql import dbapi  # only PostgreSQL needs the driver

        connection = dbapi.connect(self.url.set(drivername="postgresql").render_as_string(hide_password=False))
        with connection.cursor() as cursor:
            for setting in _BULK_SETTINGS:
                cursor.execute(f"SET {setting}")
        connection.commit()
        return connection

    def _kept_adbc(self) -> Any:
        """A kept connection that is alive, or None: a server that restarted since has ended those of before."""
        while self._adbc:
            connection = self._adbc.pop()
            try:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
                connection.rollback()
            except connection.Error:
                connection.close()
            else:
                return connection
        return None

    def _postgres_batches(self, sql: str, schema: pa.Schema, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        with self.adbc() as connection, connection.cursor() as cursor:
            cursor.execute(with_literals(sql, parameters))
            for batch in cursor.fetch_record_batch():
                yield from pa.Table.from_batches([batch]).rename_columns(schema.names).cast(schema).to_batches()

    def _sqlite_batches(self, sql: str, schema: pa.Schema, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        with self.read() as connection:
            cursor = connection.connection.cursor()
            cursor.execute(sql, sqlite_parameters(parameters))
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield sqlite_batch(rows, schema)


def found_by_key(connection: sa.Connection) -> None:
    """Have PostgreSQL find each row by its key, until the transaction ends: what is asked for is a handful of many.

    It knows that of tables it has looked at. What was written a moment ago, or never looked at, it takes for anything:
    it reads the mandates of all cabinets for the batches of some, or takes the associations in force for a handful,
    and all of them again for each row.
    """
    others = ("enable_hashjoin", "enable_mergejoin", "enable_seqscan", "enable_material", "jit")
    plan_with(connection, **dict.fromkeys(others, "off"), random_page_cost="1.1")


def plan_with(connection: sa.Connection, **settings: str) -> None:
    """Have PostgreSQL plan with these settings of its own, until the transaction ends; SQLite has none."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(*(sa.func.set_config(name, value, True) for name, value in settings.items())))


@contextmanager
def _answering(*kinds: type[Exception]) -> Iterator[None]:
    """Say in words that the database is not there; the first line of what the driver says holds no values."""
    try:
        yield
    except kinds as error:
        said = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error).partition("\n")[0]
        raise DatabaseAway(
            f"the database does not answer ({said})",
            subject="SOBANK_DATABASE_URL",
            remedy="see that it runs, is reachable and has room, then run again: what was not committed is undone",
        ) from error


def with_literals(sql: str, parameters: Parameters) -> str:
    """`sql` with its `:name`s replaced: the Arrow driver takes one statement, no parameters beside it."""
    for name, value in parameters.items():
        sql = sql.replace(f":{name}", _literal(value))
    return sql


def sqlite_parameters(parameters: Parameters) -> dict[str, int | str]:
    """Days as SQLite keeps them."""
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in parameters.items()}


def _literal(value: int | str | date) -> str:
    """An SQL literal of a value that we made ourselves; text is limited to what needs no quoting rules."""
    if isinstance(value, datetime):
        raise TypeError("pass days, not moments")
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, int):
        return str(int(value))
    if not value.replace("_", "").replace("-", "").isalnum():
        raise ValueError("text parameter with other characters than letters, digits, - and _")
    return f"'{value}'"


def sqlite_batch(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """Rows as SQLite gives them, at least one, as a record batch of `schema`."""
    columns = zip(*rows, strict=True)
    return pa.record_batch([_sqlite_column(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _sqlite_column(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    """SQLite keeps dates as ISO text and booleans as integers."""
    if pa.types.is_date32(kind):
        return pa.array(values, pa.string()).cast(kind)
    if pa.types.is_boolean(kind):
        return pa.array(values, pa.int8()).cast(kind)
    return pa.array(values, kind)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun by _begin_sqlite, never implicitly
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={_BUSY_SECONDS * 1000}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function(SQLITE_FOLD, 1, fold, deterministic=True)


def _begin_sqlite(connection: sa.Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sobank_begin", "BEGIN"))
