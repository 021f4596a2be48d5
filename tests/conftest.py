"""What every test may ask for: an empty migrated database, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa
import typer.main
import typer.testing

from sobank.store import migrate
from sobank.store.database import Database
from tests import servers
from tests.builders import TestHouse
from tests.databases import Databases

FreshUrl = Callable[[], str]
#: How long an example takes says what else the machine does.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")
#: The tree of commands is built once: each of a thousand `CliRunner.invoke` would build it anew, in 36 ms.
typer.testing._get_command = cache(typer.main.get_command)  # type: ignore[attr-defined]
#: Tests end processes, never the machine: nothing is learnt from waiting for a platter. What is no file stays an error.
os.fsync = os.fstat  # type: ignore[assignment]


@sa.event.listens_for(sa.Engine, "connect")
def _without_waiting_for_the_disk(connection: object, _record: object) -> None:
    """As with `os.fsync`."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


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
def postgres_databases(postgres_server: str) -> Databases:
    """Empty migrated databases of it."""
    return Databases(postgres_server)


@pytest.fixture(scope="session")
def fresh_postgres_url(postgres_databases: Databases) -> FreshUrl:
    """Makes empty migrated databases, copies of one template."""
    return postgres_databases.new


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
def fresh_url(request: pytest.FixtureRequest) -> Iterator[FreshUrl]:
    """Makes empty migrated databases; each test that asks runs once on each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("fresh_sqlite_url")
        return
    databases: Databases = request.getfixturevalue("postgres_databases")
    lent: list[str] = []

    def lend() -> str:
        lent.append(databases.lend())
        return lent[-1]

    yield lend
    for url in lent:
        databases.give_back(url)


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
