"""What the tests of this folder run is what the compose file says, and nothing of whoever runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
from deploy.make_env import environment

from tests.cluster.cluster import COMPOSE
from tests.cluster.compose import Service, in_order, read_compose
from tests.cluster.machines import Machine, Places


@pytest.fixture
def services() -> dict[str, Service]:
    """Those of the file, with secrets of their own."""
    return read_compose(COMPOSE, environment())


def test_a_secret_that_nobody_gave_is_asked_for_by_name() -> None:
    given = {name: value for name, value in environment().items() if name != "REDIS_PASSWORD"}
    with pytest.raises(LookupError, match="REDIS_PASSWORD: password of Redis"):
        read_compose(COMPOSE, given)


def test_every_service_starts_after_those_that_it_waits_for(services: dict[str, Service]) -> None:
    names = [service.name for service in in_order(services)]
    assert sorted(names) == sorted(services)
    assert all(names.index(other) < names.index(name) for name in names for other in services[name].after)


def test_a_machine_knows_its_file_and_its_own_folders_and_nothing_of_whoever_started_it(
    services: dict[str, Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOBANK_SPOOL_URL", "file:///of/whoever/runs/the/tests")
    monkeypatch.setenv("PYTHONPATH", "/of/whoever")
    places = Places(
        paths={"/opt/sobank": tmp_path / "checkout", "/srv/sobank": tmp_path / "home"},
        ports={("postgres", 5432): 11, ("redis", 6379): 12, ("objects", 8333): 13, ("api-server", 8080): 14},
    )
    one, other = (
        Machine(
            name=name, service=services["worker"], folder=tmp_path / name, checkout=tmp_path, places=places, more={}
        )
        for name in ("one", "other")
    )
    seen = one.environment
    assert seen["SOBANK_SPOOL_URL"] == "s3://sobank/spool"
    assert seen["PYTHONPATH"] == f"{tmp_path}/checkout/include"
    assert seen["SOBANK_HOME"] == other.environment["SOBANK_HOME"] == f"{tmp_path}/home"
    assert "@127.0.0.1:11/sobank" in seen["SOBANK_DATABASE_URL"]
    assert seen["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:14/execution/"
    assert one.command[-1] == 'exec airflow celery worker --celery-hostname "celery@$HOSTNAME"'
    for name in ("HOME", "AIRFLOW_HOME", "TMPDIR", "HOSTNAME"):
        assert seen[name] != other.environment[name]
