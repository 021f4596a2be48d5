"""The migrations make exactly the schema of `store/schema`, and the schema holds its own rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sobank.errors import ConfigurationError
from sobank.store import audit, migrate, schema
from sobank.store.database import Database
from sobank.store.schema.columns import ALSO_ON_POSTGRESQL, ONLY_ON, SET_WISE
from sobank.store.schema_version import NEWEST, require_current

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_migrations_make_the_schema_that_the_code_describes(database: Database) -> None:
    kind = database.engine.dialect.name

    def compared(thing: object, name: str | None, _type: str, _reflected: bool, _other: object) -> bool:
        if kind == "postgresql" and any(key.info.get(SET_WISE) for key in getattr(thing, "elements", ())):
            return False  # held by triggers there: see the tests of them below
        table = schema.metadata.tables.get(getattr(getattr(thing, "table", None), "name", ""))
        extra = table.info.get(ALSO_ON_POSTGRESQL, ()) if table is not None and kind == "postgresql" else ()
        return getattr(thing, "info", {}).get(ONLY_ON, kind) == kind and name not in extra

    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": compared})
        assert compare_metadata(context, schema.metadata) == []


def test_partial_indexes_of_the_migrations_have_their_condition(database: Database) -> None:
    wanted = {
        index.name
        for table in schema.metadata.tables.values()
        for index in table.indexes
        if any(option.endswith("_where") for option in index.dialect_kwargs)
    }
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if database.is_sqlite
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    with database.read() as connection:
        partial = {name for name, sql in connection.exec_driver_sql(query) if " WHERE " in sql}
    assert wanted <= partial


def test_upgrading_twice_is_upgrading_once(database: Database) -> None:
    with database.write() as connection:
        connection.execute(schema.cabinets.insert().values(code="C1", name="C"))
    migrate.upgrade(database)
    require_current(database)
    with database.read() as connection:
        assert connection.execute(sa.select(schema.cabinets.c.code)).scalars().all() == ["C1"]


def test_a_database_is_at_the_newest_of_all_migrations_when_it_is_upgraded(database: Database) -> None:
    with database.read() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == NEWEST


def test_a_database_of_another_version_is_refused_with_both(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(ConfigurationError, match=f"the schema is at 0001, this code needs {NEWEST}"):
        require_current(database)


def test_a_database_without_our_schema_is_refused_with_what_to_do(tmp_path: object) -> None:
    empty = Database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(ConfigurationError, match="sobank init"):
        require_current(empty)


@pytest.mark.parametrize("change", ["UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events"])
def test_an_audit_event_can_neither_be_changed_nor_deleted(database: Database, change: str) -> None:
    with database.write() as connection:
        audit.record(connection, at=NOW, actor="anne", role=None, action="a", subject="s", before=None, after=None)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql(change)


def test_an_account_cannot_have_two_associations_in_force(database: Database) -> None:
    with database.write() as connection:
        connection.execute(schema.cabinets.insert().values(id=1, code="C1", name="C"))
        connection.execute(schema.dossiers.insert().values(id=1, cabinet_id=1, reference="D", name="D"))
        connection.execute(
            schema.accounts.insert().values(id=1, cabinet_id=1, dossier_id=1, iban="I", bban="B", currency="EUR")
        )
        for number in (1, 2):
            connection.execute(
                schema.connectors.insert().values(id=number, cabinet_id=1, partner="p", name=f"p{number}")
            )
    rows = [{"account_id": 1, "connector_id": number, "since": NOW, "decided_by": "anne"} for number in (1, 2)]
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.execute(schema.associations.insert(), rows)


def test_rows_come_back_as_arrow_with_the_schema_asked_for(database: Database) -> None:
    import pyarrow as pa

    with database.write() as connection:
        connection.execute(schema.cabinets.insert(), [{"id": n, "code": f"C{n}", "name": "é"} for n in range(3)])
    kinds = pa.schema([("id", pa.int64()), ("code", pa.string()), ("siret", pa.string()), ("day", pa.date32())])
    sql = "SELECT id, code, siret, CAST(:day AS {}) AS day FROM cabinets WHERE id > :least ORDER BY id"
    found = database.arrow(
        sql.format("TEXT" if database.is_sqlite else "DATE"), kinds, {"least": 0, "day": NOW.date()}
    ).read_all()
    assert found.schema == kinds
    assert found.column("code").to_pylist() == ["C1", "C2"]
    assert found.column("day").to_pylist() == [NOW.date()] * 2


def test_a_database_that_may_not_have_the_extension_for_searches_says_who_must_create_it(postgres_server: str) -> None:
    server = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE ROLE narrow LOGIN")
        connection.exec_driver_sql("CREATE DATABASE narrow")
    url = sa.make_url(postgres_server).set(database="narrow")
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("GRANT ALL ON SCHEMA public TO narrow")
    narrow = Database(url.set(username="narrow").render_as_string(hide_password=False))
    with pytest.raises(ConfigurationError, match=r"pg_trgm.*permission denied") as refused:
        migrate.upgrade(narrow)
    assert "CREATE EXTENSION pg_trgm" in refused.value.remedy
    with sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as connection:
        connection.exec_driver_sql("CREATE EXTENSION pg_trgm")
    migrate.upgrade(narrow)
    require_current(narrow)
    narrow.close()
    server.dispose()
