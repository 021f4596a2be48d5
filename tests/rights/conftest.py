"""The world of one cell, and the command line over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sobank.cli import app
from tests.cli.conftest import Run
from tests.conftest import FreshUrl
from tests.rights.world import World, copied, make


@pytest.fixture(scope="session")
def template(fresh_sqlite_url: FreshUrl, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The world that every cell starts from."""
    return make(tmp_path_factory.mktemp("rights"), fresh_sqlite_url())


@pytest.fixture
def world(template: World, tmp_path: Path) -> Iterator[World]:
    """A copy of it that may be changed."""
    with copied(template, tmp_path) as found:
        yield found


@pytest.fixture
def run_over(world: World, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `sobank …` on the home and database of `world`."""
    monkeypatch.chdir(world.house.settings.home)
    monkeypatch.setenv("SOBANK_HOME", str(world.house.settings.home))
    monkeypatch.setenv("SOBANK_DATABASE_URL", world.house.settings.database_url)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run
