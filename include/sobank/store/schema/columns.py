"""Kinds of columns and indexes that both databases have, and the metadata that names constraints."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """A moment in UTC. Naive datetimes are refused on the way in; what comes out is aware."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


#: SQLite numbers rows by itself only in an INTEGER key; PostgreSQL wants 64 bits.
BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: None is SQL NULL, not the JSON value null: `receipt IS NOT NULL` must mean what it says.
Json = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Sha256 = sa.LargeBinary(32)
#: Key in the `info` of an index that only one kind of database has; the value is its dialect.
ONLY_ON: Final = "only_on"
#: Key in the `info` of a table: names of columns and indexes that PostgreSQL has beside those that stand here.
ALSO_ON_POSTGRESQL: Final = "also_on_postgresql"


#: Key in the `info` of a foreign key that PostgreSQL holds by one look at all rows of a change; see `set_wise`.
SET_WISE: Final = "set_wise"


def set_wise(column: str) -> sa.ForeignKey:
    """A foreign key of a table that takes rows by the hundred thousand.

    PostgreSQL asks a declared one row by row, and writes a lock into each row that is referred to: for allocations that
    was as much log as the rows themselves, five times over. There a trigger asks once for all rows of a change
    (migration 0008, docs/adr/0018); SQLite has the declared one.
    """
    return sa.ForeignKey(column, info={SET_WISE: True})


def one_of(column: str, values: Any) -> str:
    """SQL that a text column holds one of some values; for CHECKs and partial indexes."""
    return f"{column} IN ({', '.join(repr(str(v)) for v in sorted(values))})"


def partial_unique(name: str, *columns: str, where: str) -> sa.Index:
    """A unique index over the rows that `where` keeps."""
    return sa.Index(name, *columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def partial_index(name: str, *columns: str, where: str) -> sa.Index:
    """An index over the rows that `where` keeps."""
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def trigram_index(name: str, column: sa.Column[Any]) -> sa.Index:
    """An index that finds any part of a text; only PostgreSQL has it (pg_trgm)."""
    ops = {column.name: "gin_trgm_ops"}
    index = sa.Index(name, column, postgresql_using="gin", postgresql_ops=ops, info={ONLY_ON: "postgresql"})
    index.ddl_if(dialect="postgresql")
    return index
