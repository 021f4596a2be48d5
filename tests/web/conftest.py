"""The pages over a small world."""

from __future__ import annotations

import pytest

from tests.builders import TestHouse
from tests.web.site import Site, site_of


@pytest.fixture
def site(sqlite_house: TestHouse) -> Site:
    """The registry of `tests.web.site`, nothing delivered yet."""
    return site_of(sqlite_house)


@pytest.fixture
def delivered(site: Site) -> Site:
    """The same after a day was delivered."""
    site.deliver()
    return site
