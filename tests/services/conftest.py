"""What several tests of services begin with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import FreshUrl
from tests.services.restored import World


@pytest.fixture
def world(fresh_url: FreshUrl, tmp_path: Path) -> World:
    """A world on each kind of database."""
    return World(tmp_path, fresh_url)


@pytest.fixture
def sqlite_world(fresh_sqlite_url: FreshUrl, tmp_path: Path) -> World:
    """A world on SQLite, for tests in which the kind of database plays no part."""
    return World(tmp_path, fresh_sqlite_url)
