"""Settings from the environment: each has its place under the home, and a wrong one is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sobank.errors import ConfigurationError
from sobank.wiring import settings_from


def test_everything_that_is_not_set_lies_under_the_home() -> None:
    settings = settings_from({"SOBANK_HOME": "/srv/sobank"})
    assert settings.home == Path("/srv/sobank")
    assert settings.database_url == "sqlite:////srv/sobank/sobank.db"
    assert (settings.spool_url, settings.archive_url) == ("file:///srv/sobank/spool", "file:///srv/sobank/archive")
    assert settings.inbox == Path("/srv/sobank/inbox")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOBANK_READY_AT", "25:00"),
        ("SOBANK_LEASE_SECONDS", "soon"),
        ("SOBANK_LEASE_SECONDS", "0"),
        ("SOBANK_LEASE_SECONDS", "99999999999999"),
        ("SOBANK_QUIET_SECONDS", "-1"),
        ("SOBANK_CHUNK_BYTES", "0"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        settings_from({"SOBANK_HOME": "/srv/sobank", name: value})


def test_a_file_is_whole_at_once_where_nobody_writes_into_the_inbox() -> None:
    assert settings_from({"SOBANK_HOME": "/srv/sobank", "SOBANK_QUIET_SECONDS": "0"}).quiet_seconds == 0
