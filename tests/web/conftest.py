"""The pages over a small world."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import TestHouse
from tests.conftest import FreshUrl
from tests.web.site import Site, over, site_of


@pytest.fixture
def site(sqlite_house: TestHouse) -> Site:
    """The registry of `tests.web.site`, nothing delivered yet."""
    return site_of(sqlite_house)


@pytest.fixture(scope="session")
def delivered_once(fresh_sqlite_url: FreshUrl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a house in which a day was delivered, its database in it; never touched again."""
    home = tmp_path_factory.mktemp("delivered")
    shutil.copyfile(fresh_sqlite_url().removeprefix("sqlite:///"), home / "sobank.db")
    house = TestHouse(home, f"sqlite:///{home / 'sobank.db'}")
    site_of(house).deliver()
    house.database.close()
    return home


@pytest.fixture(scope="module")
def looked(fresh_sqlite_url: FreshUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One such registry for all tests of a module that only look; who changed something is told at the end."""
    house = TestHouse(tmp_path_factory.mktemp("looked"), fresh_sqlite_url())
    found = site_of(house)
    before = found.fingerprint()
    yield found
    assert found.fingerprint() == before
    house.database.close()


@pytest.fixture
def delivered(delivered_once: Path, tmp_path: Path) -> Iterator[Site]:
    """The registry of `tests.web.site` after a day was delivered: a copy, to do with as one likes."""
    home = tmp_path / "delivered"
    shutil.copytree(delivered_once, home)
    house = TestHouse(home, f"sqlite:///{home / 'sobank.db'}")
    yield over(house)
    house.database.close()
