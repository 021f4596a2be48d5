"""A runner of commands on the home and database of a house."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from sobank.cli import app
from tests.builders import TestHouse

Run = Callable[..., Result]


@pytest.fixture
def command(sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `sobank …` on the home and database of `sqlite_house`."""
    monkeypatch.setenv("SOBANK_HOME", str(sqlite_house.settings.home))
    monkeypatch.setenv("SOBANK_DATABASE_URL", sqlite_house.settings.database_url)
    monkeypatch.delenv("SOBANK_PARTNERS", raising=False)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run
