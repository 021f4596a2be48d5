"""Settings from the environment: each has its place under the home, and a wrong one is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sobank.domain.roles import Operator
from sobank.errors import ConfigurationError
from sobank.wiring import House, settings_from


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
        ("SOBANK_DESTINATIONS_AT_ONCE", "0"),
        ("SOBANK_PRIVATE_PARTNERS", "perhaps"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        settings_from({"SOBANK_HOME": "/srv/sobank", name: value})


def test_a_file_is_whole_at_once_where_nobody_writes_into_the_inbox() -> None:
    assert settings_from({"SOBANK_HOME": "/srv/sobank", "SOBANK_QUIET_SECONDS": "0"}).quiet_seconds == 0


def test_an_operator_is_one_of_the_names_that_are_set_and_nobody_else() -> None:
    house = House(settings_from({"SOBANK_HOME": "/srv/sobank", "SOBANK_OPERATORS": " support, ,exploitation"}))
    assert isinstance(house.actor("support"), Operator)
    assert isinstance(house.actor("exploitation"), Operator)
    assert not any(isinstance(house.actor(name), Operator) for name in ("anne", "", " support", "Support"))
    nobody = House(settings_from({"SOBANK_HOME": "/srv/sobank"}))
    assert not isinstance(nobody.actor("support"), Operator)


def test_airflow_is_asked_once_for_a_connection_that_many_batches_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = {"conn_type": "http", "host": "partner.example", "password": "token", "extra": {"third_party_secret": "s"}}
    monkeypatch.setenv("AIRFLOW_CONN_SHARED", json.dumps(login))
    house = House(settings_from({"SOBANK_HOME": str(tmp_path)}))

    def kind(name: str) -> str:
        made = house.sink(
            f"connector:CAB1/{name}", partner="myunisoft", cabinet="CAB1", connection="shared",
            settings={"society_id": "1"},
        )  # fmt: skip
        return made.kind

    assert kind("one") == "https"
    monkeypatch.delenv("AIRFLOW_CONN_SHARED")
    assert kind("two") == "https"
