"""Our database as everything else meets it when it is away, was away, or refuses a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from sobank.errors import ConfigurationError, DatabaseAway
from sobank.store import schema
from sobank.store.database import Database
from tests.conftest import FreshUrl
from tests.servers import free_port

_ONE = pa.schema([("n", pa.int64())])


def _read(database: Database) -> object:
    with database.read() as connection:
        return connection.scalar(sa.text("SELECT 1"))


def _write(database: Database) -> object:
    with database.write() as connection:
        return connection.scalar(sa.text("SELECT 1"))


def _arrow(database: Database) -> object:
    return database.arrow("SELECT 1", _ONE).read_all()["n"][0].as_py()


@pytest.mark.parametrize("ask", [_read, _write, _arrow])
def test_a_server_that_is_away_is_said_in_words_and_without_its_password(ask: Callable[[Database], object]) -> None:
    database = Database(f"postgresql+psycopg://sobank:hush@127.0.0.1:{free_port()}/sobank")
    with pytest.raises(DatabaseAway, match="does not answer") as away:
        ask(database)
    assert "hush" not in str(away.value)


def test_of_an_address_the_driver_is_ours_whatever_it_names(tmp_path: Path) -> None:
    with Database(f"sqlite+other:///{tmp_path / 'sobank.db'}").write() as connection:
        assert connection.scalar(sa.select(1)) == 1
    assert Database("postgresql+other://host/sobank").url.drivername == "postgresql+psycopg"


@pytest.mark.parametrize("ask", [_read, _write, _arrow])
def test_a_file_that_cannot_be_a_database_is_said_in_words(tmp_path: Path, ask: Callable[[Database], object]) -> None:
    (tmp_path / "sobank.db").mkdir()
    with pytest.raises(DatabaseAway, match="unable to open"):
        ask(Database(f"sqlite:///{tmp_path / 'sobank.db'}"))


@pytest.mark.parametrize(
    "url", ["somewhere", "", "mysql://sobank:hush@host/sobank", "postgresql://sobank:hush@host:hush/sobank"]
)
def test_an_address_that_is_no_database_of_ours_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SOBANK_DATABASE_URL") as wrong:
        Database(url)
    assert "hush" not in str(wrong.value)


def test_connections_that_the_server_ended_are_replaced_without_a_word(fresh_postgres_url: FreshUrl) -> None:
    url = fresh_postgres_url()
    database, other = Database(url), Database(url)
    try:
        assert [ask(database) for ask in (_read, _write, _arrow)] == [1, 1, 1]
        with other.write() as connection:
            others = "pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
            assert connection.scalar(sa.text(f"SELECT count(pg_terminate_backend(pid)) FROM {others}")) == 2
        assert [ask(database) for ask in (_read, _write, _arrow)] == [1, 1, 1]
    finally:
        database.close()
        other.close()


def test_no_value_of_a_row_stands_in_an_error(database: Database) -> None:
    row = {"id": 1, "code": "CAB001", "name": "Boulangerie du Port"}
    with database.engine.connect() as connection, connection.begin() as transaction:
        connection.execute(sa.insert(schema.cabinets).values(**row))
        with pytest.raises(sa.exc.IntegrityError) as refused:
            connection.execute(sa.insert(schema.cabinets).values(**row))
        transaction.rollback()
    assert "Boulangerie" not in str(refused.value)
