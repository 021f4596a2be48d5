"""Empty migrated databases on one PostgreSQL: copies of a template, and before a new one those that were given back."""

from __future__ import annotations

import uuid
from typing import Final

import psycopg
import sqlalchemy as sa

from sobank.store import migrate
from sobank.store.database import Database
from tests.servers import wait_until

#: Rows of the catalogue of a database by the transaction that wrote them: whoever changes its schema is told from it.
#: Emptying a table writes pg_class anew, so of that the names and the rows' security count.
_CATALOGUE: Final = ("attribute", "constraint", "trigger", "proc", "policy", "index", "type", "enum")
_SCHEMA: Final = " || ".join(
    [f"(SELECT (count(*), max(xmin::text::bigint))::text FROM pg_{of})" for of in _CATALOGUE]
    + ["(SELECT md5(string_agg((relname, relrowsecurity, reloptions)::text, '' ORDER BY oid)) FROM pg_class)"]
)
_TABLES: Final = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
_OTHERS: Final = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Databases:
    """Databases of one server; `server` is the URL of its maintenance database."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._free: list[str] = []
        self._run("CREATE DATABASE migrated")
        template = Database(self._named("migrated"))
        migrate.upgrade(template)
        template.close()
        with self._connected(self._named("migrated")) as connection:
            self._schema = _one(connection, f"SELECT {_SCHEMA}")
            self._rows = {table: _copied(connection, table) for table in _with_rows(connection)}

    def new(self) -> str:
        """URL of one that nobody had before."""
        name = f"t{uuid.uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE migrated")
        return self._named(name)

    def lend(self) -> str:
        """URL of one that may have been another's, and holds what a new one does; give it back."""
        return self._free.pop() if self._free else self.new()

    def give_back(self, url: str) -> None:
        """Make it as a new one for the next who asks; one of which the schema was changed is nobody's any more."""
        with self._connected(url) as connection:
            connection.execute(f"SELECT pg_terminate_backend(pid) {_OTHERS}")
            wait_until(lambda: _one(connection, f"SELECT count(*) {_OTHERS}") == 0, what=f"nobody is on {url}")
            if _one(connection, f"SELECT {_SCHEMA}") != self._schema:
                return
            with connection.transaction():
                self._empty(connection)
        self._free.append(url)

    def _empty(self, connection: psycopg.Connection) -> None:
        """As a replica: no trigger guards the audit trail, and the order of tables is of no account."""
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in _with_rows(connection):
            connection.execute(f"DELETE FROM {table}")
        for table, rows in self._rows.items():
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)
        connection.execute("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence")

    def _run(self, sql: str) -> None:
        with self._connected(self._server) as connection:
            connection.execute(sql)

    def _named(self, database: str) -> str:
        return sa.make_url(self._server).set(database=database).render_as_string(hide_password=False)

    @staticmethod
    def _connected(url: str) -> psycopg.Connection:
        return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def airflow_settings(server: str, name: str) -> dict[str, str]:
    """Settings of an Airflow whose own database is a new one; on SQLite its processes lock one another out at times."""
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": url,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": url.replace("+psycopg:", "+psycopg_async:"),
    }


def _with_rows(connection: psycopg.Connection) -> list[str]:
    names = [name for (name,) in connection.execute(_TABLES)]
    query = " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in names)
    return [name for (name,) in connection.execute(query)]


def _copied(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:
        return b"".join(copy)


def _one(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]
