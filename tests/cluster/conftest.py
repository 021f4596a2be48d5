"""One installation for the tests of this folder, with partners and a simulated world; all stopped afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import pytest

from sobank.services.backfill import DELIVERY
from sobank.simulator.bank import World, simulate
from sobank.simulator.connections import environment
from sobank.simulator.partners import Simulated, serving
from tests.cluster.cluster import REPOSITORY, Cluster, cluster
from tests.cluster.stage import Stage
from tests.cluster.table import Table
from tests.servers import wait_until

#: Twelve weeks of business days, one for each thing that is killed.
FIRST_DAY: Final = date(2026, 1, 5)
_DAYS: Final = 84
_EVERY: Final = ("test_every_kill.py", "test_two_schedulers.py")
FIVE_DAYS: Final = tuple(FIRST_DAY + timedelta(days=n) for n in range(5))
_FAR: Final = ("fizen", "fulll", "inqom")
#: What an installation waits for in minutes is waited for in seconds here; nothing else differs from the file.
HURRIED: Final = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "30",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "6",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "3",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "120",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "3",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "SOBANK_LEASE_SECONDS": "10",
    "SOBANK_QUIET_SECONDS": "0",
    "SOBANK_READY_AT": "00:00",
}


#: With this the last of three tries begins a minute after the first has failed, as it does in the file's own pace: for
#: what is away for a minute and asks for patience.
PATIENT: Final = {"AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "20"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/cluster --every-kill` kills in every task and every server, and writes docs/cluster.md."""
    parser.addoption("--every-kill", action="store_true", help="kill in every task, in every way (make cluster)")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The whole matrix takes half an hour: only when asked for."""
    return True if collection_path.name in _EVERY and not config.getoption("--every-kill") else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The five days come first: later days take along what earlier ones have left."""
    items.sort(key=lambda item: item.path.name in _EVERY)


@pytest.fixture(scope="session")
def table() -> Table:
    """What this run measures."""
    return Table(page=REPOSITORY / "docs" / "cluster.md")


@pytest.fixture(scope="session")
def days_left() -> Iterator[date]:
    """Business days after the five, each once."""
    after = (FIRST_DAY + timedelta(days=n) for n in range(7, _DAYS))
    return (day for day in after if day.weekday() < 5)


@pytest.fixture
def new_day(stage: Stage, days_left: Iterator[date]) -> date:
    """A business day of a test's own; what banks sent of it has arrived."""
    day = next(days_left)
    stage.receive([day])
    return day


@pytest.fixture(scope="session")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Simulated]]:
    """Three partners with servers of their own; the fourth has a folder that workers share."""
    with serving(tmp_path_factory.mktemp("partners"), only=_FAR, greedy=_FAR) as there:
        yield there


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, partners: list[Simulated]) -> World:
    """Three cabinets, whose connectors reach the partners' servers."""
    return make_world(tmp_path_factory, partners)


@pytest.fixture(scope="session")
def same_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The same accounts and files, all connectors folders: for one machine without servers."""
    return make_world(tmp_path_factory, [])


def make_world(tmp_path_factory: pytest.TempPathFactory, partners: list[Simulated]) -> World:
    """The world of this folder's tests; only how its connectors are reached differs."""
    return simulate(
        tmp_path_factory.mktemp("world") / "world", seed=12, first_day=FIRST_DAY, days=_DAYS, cabinets=3, accounts=20,
        entries=3, reached={one.address.partner: one.address.reached for one in partners},
    )  # fmt: skip


@pytest.fixture(scope="session")
def installation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, partners: list[Simulated]
) -> Iterator[Cluster]:
    """docker-compose.yaml as processes of this machine, with two workers."""
    pace = HURRIED | (PATIENT if request.config.getoption("--every-kill") else {})
    more = pace | environment(one.address for one in partners) | {"SOBANK_PRIVATE_PARTNERS": "yes"}
    more["AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE"] = "False"
    with cluster(tmp_path_factory.mktemp("cluster"), more=more) as made:
        yield made


@pytest.fixture(scope="session")
def stage(installation: Cluster, world: World, partners: list[Simulated]) -> Stage:
    """Registry imported, nothing received yet, the delivery switched on."""
    installation.sobank("registry", "import", str(world.registry))
    api = installation.api()
    wait_until(lambda: api.knows(DELIVERY) and not api.unhealthy(), what="Airflow knows the DAG", seconds=300)
    api._pause(DELIVERY, paused=False)
    return Stage(cluster=installation, world=world, partners=partners, api=api)
