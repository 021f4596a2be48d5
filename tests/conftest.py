"""What every test may ask for: an empty migrated database, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.store import migrate
from sobank.store.database import Database
from tests import servers
from tests.builders import TestHouse

FreshUrl = Callable[[], str]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where CI decides, a skipped test is a failure: it proved nothing."""
    if os.environ.get("CI") and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("Skipped tests fail in CI.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """See `pytest_terminal_summary`."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL for the whole run of tests; URL of its maintenance database."""
    with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def fresh_postgres_url(postgres_server: str) -> Iterator[FreshUrl]:
    """Makes empty migrated databases, copies of one template."""
    server = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with server.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE migrated")
    template = Database(_named(postgres_server, "migrated"))
    migrate.upgrade(template)
    template.close()

    def fresh() -> str:
        name = f"t{uuid.uuid4().hex}"
        with server.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE migrated")
        return _named(postgres_server, name)

    yield fresh
    server.dispose()


@pytest.fixture(scope="session")
def fresh_sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> FreshUrl:
    """Makes empty migrated databases, copies of one file."""
    folder = tmp_path_factory.mktemp("sqlite")
    template = Database(f"sqlite:///{folder / 'migrated.db'}")
    migrate.upgrade(template)
    template.close()

    def fresh() -> str:
        path: Path = folder / f"{uuid.uuid4().hex}.db"
        shutil.copy(folder / "migrated.db", path)
        return f"sqlite:///{path}"

    return fresh


@pytest.fixture(params=["sqlite", "postgres"])
def fresh_url(request: pytest.FixtureRequest) -> FreshUrl:
    """Makes empty migrated databases; each test that asks runs once on each kind."""
    fresh: FreshUrl = request.getfixturevalue(f"fresh_{request.param}_url")
    return fresh


@pytest.fixture
def database(fresh_url: FreshUrl) -> Iterator[Database]:
    """An empty migrated database; each test that asks runs once on each kind."""
    found = Database(fresh_url())
    yield found
    found.close()


@pytest.fixture
def sqlite_database(fresh_sqlite_url: FreshUrl) -> Iterator[Database]:
    """An empty migrated SQLite database, for tests in which the kind of database plays no part."""
    found = Database(fresh_sqlite_url())
    yield found
    found.close()


def _named(url: str, database: str) -> str:
    return sa.make_url(url).set(database=database).render_as_string(hide_password=False)


@pytest.fixture
def house(fresh_url: FreshUrl, tmp_path: Path) -> Iterator[TestHouse]:
    """A house with an empty migrated database; each test that asks runs once on each kind."""
    found = TestHouse(tmp_path, fresh_url())
    yield found
    found.database.close()


@pytest.fixture
def sqlite_house(fresh_sqlite_url: FreshUrl, tmp_path: Path) -> Iterator[TestHouse]:
    """A house on SQLite, for tests in which the kind of database plays no part."""
    found = TestHouse(tmp_path, fresh_sqlite_url())
    yield found
    found.database.close()
