"""What the tests of faults share: worlds with sealed batches, partners, and the table that becomes docs/faults.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests.conftest import FreshUrl
from tests.faults.partners import Partner, PartnerFolder
from tests.faults.seeds import GLOBAL, PARTNER, seed_batch
from tests.faults.table import Table
from tests.faults.worlds import Worlds

_LAST = "test_faults_page.py"
_WHOLE = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/faults --write-faults` writes docs/faults.md."""
    parser.addoption("--write-faults", action="store_true", help="write docs/faults.md from what was measured")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """The page is looked at last; and whole only if every test of this folder runs."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.name == _LAST)
    files = {item.path for item in items if item.path.parent == here}
    config.stash[_WHOLE] = files == set(here.glob("test_*.py")) and not any("::" in arg for arg in config.args)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A run that leaves tests out measures only a part."""
    if items:
        items[0].config.stash[_WHOLE] = False


@pytest.fixture(scope="session")
def table() -> Table:
    """What this run measured."""
    return Table()


@pytest.fixture(scope="session")
def whole_run(request: pytest.FixtureRequest) -> bool:
    """Whether every test of this folder runs."""
    return request.config.stash.get(_WHOLE, False)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    """Worlds with one sealed batch."""

    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return seed_batch(database, spool, 1, destination=PARTNER)

    return Worlds(tmp_path_factory.mktemp("worlds"), fresh_sqlite_url(), seed)


@pytest.fixture(scope="session")
def worlds_with_global_files(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    """Worlds with two sealed global files of one cabinet."""

    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return [number for seq in (1, 2) for number in seed_batch(database, spool, seq, destination=GLOBAL, seq=seq)]

    return Worlds(tmp_path_factory.mktemp("worlds-global"), fresh_sqlite_url(), seed)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> PartnerFolder:
    """The partner with a folder."""
    return PartnerFolder(folder=tmp_path_factory.mktemp("folder") / "inbox")


@pytest.fixture(scope="session", params=["folder"])
def partner(request: pytest.FixtureRequest) -> Iterator[Partner]:
    """Every kind of partner, one after another."""
    yield request.getfixturevalue(request.param)
