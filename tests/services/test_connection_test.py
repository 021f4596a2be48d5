"""A connection test reports whatever it finds, and closes only what it may; secrets are found among settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.circuit import Circuit
from sobank.domain.sink import ConnectionReport, Sink
from sobank.errors import ConfigFault, ConfigurationError, Transient, Unknown
from sobank.services.connect import secret_among
from sobank.services.connection_test import Tried, try_connection
from sobank.store.circuits import Circuits
from sobank.store.connector_list import connectors_on
from sobank.store.database import Database
from sobank.store.schema import audit_events
from tests.services.registry_world import add_batch, build

NOW = datetime(2026, 1, 12, 9, tzinfo=UTC)
GOOD = ConnectionReport(reachable=True, capabilities=("fsync",), degraded=("free space is not known",))


@dataclass(frozen=True, kw_only=True)
class Looks:
    """A sink of which a test finds `found`, or fails with it."""

    found: ConnectionReport | Exception

    def test(self) -> ConnectionReport:
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def circuits(sqlite_database: Database) -> Circuits:
    build(sqlite_database)
    return Circuits(sqlite_database)


def standing(circuits: Circuits) -> Circuit | None:
    return next(iter(circuits.all()), None)


def test_connectors_are_listed_with_what_waits_and_the_circuit_that_stands(database: Database) -> None:
    build(database)
    add_batch(database, connector_id=1, state="held", fence=1)
    add_batch(database, connector_id=1, state="delivered", fence=1, seq=2)
    Circuits(database).open(2, cause="?", worker="w", now=NOW)
    found = [(c.destination, c.waiting, c.circuit is not None) for c in connectors_on(database)]
    assert found == [
        ("connector:CAB001/fizen", 1, False),
        ("connector:CAB001/fulll", 0, True),
        ("connector:CAB002/inqom", 0, False),
    ]
    assert [c.name for c in connectors_on(database, cabinet="CAB002")] == ["inqom"]


def tried(circuits: Circuits, found: ConnectionReport | Exception) -> Tried:
    return tried_with(circuits, lambda: Looks(found=found))  # type: ignore[arg-type,return-value]


def tried_with(circuits: Circuits, sink: Callable[[], Sink]) -> Tried:
    return try_connection(1, sink, circuits, standing=standing(circuits), actor="anne", reason="new key", now=NOW)


def test_what_was_found_is_reported_whole(circuits: Circuits) -> None:
    assert tried(circuits, GOOD) == Tried(report=GOOD)


def test_a_connection_that_works_closes_the_circuit_in_the_name_of_who_asked(
    circuits: Circuits, sqlite_database: Database
) -> None:
    circuits.open(1, cause="the key is refused", worker="w", now=NOW)
    closed = tried(circuits, GOOD).closed
    assert closed is not None
    assert closed.cause == "the key is refused"
    assert standing(circuits) is None
    c = audit_events.c
    with sqlite_database.read() as connection:
        events = connection.execute(sa.select(c.action, c.actor, c.reason, c.subject).order_by(c.id)).all()
    assert tuple(events[-1]) == ("circuit.close", "anne", "new key", "connector:CAB001/fizen")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (ConfigFault("the key is refused", subject="s", remedy="give another"), "give another"),
        (ConfigurationError("no such connection"), "no such connection"),
        (Transient("busy"), "busy"),
        (Unknown("no answer"), "no answer"),
        (RuntimeError("token=hunter2"), "RuntimeError"),
        (ConnectionReport(reachable=False, degraded=("no answer",)), "no answer"),
    ],
)
def test_a_test_that_fails_is_a_report_and_leaves_the_circuit_open(
    circuits: Circuits, found: ConnectionReport | Exception, said: str
) -> None:
    circuits.open(1, cause="?", worker="w", now=NOW)
    result = tried(circuits, found)
    assert (result.report.reachable, result.closed) == (False, None)
    assert said in result.report.degraded[0]
    assert "hunter2" not in str(result)
    assert standing(circuits) is not None


def test_a_sink_that_cannot_be_made_is_a_test_that_fails(circuits: Circuits) -> None:
    def sink() -> Sink:
        raise ConfigurationError("the settings name no bucket")

    assert tried_with(circuits, sink).report.degraded == ("the settings name no bucket",)


def test_a_pause_that_the_partner_asked_for_is_not_ended_by_a_test(circuits: Circuits) -> None:
    circuits.rest(1, seconds=600, cause="slow down", now=NOW)
    result = tried(circuits, GOOD)
    assert (result.report.reachable, result.closed) == (True, None)
    assert standing(circuits) is not None


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"password": "x"}, "password"),
        ({"sftp": {"privateKey": "x"}}, "sftp.privateKey"),
        ({"a": [{"b": 1}, {"api-key": "x"}]}, "a[1].api-key"),
        ({"encryption": {"age": ["AGE-SECRET-KEY-1XYZ"]}}, "encryption.age[0]"),
        ({"note": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA"}, "note"),
        ({"endpoint": "https://user:hunter2@example.org"}, "endpoint"),
        ({"folder": "/in", "society_id": 12, "encryption": {"age": ["age1xyz"]}, "none": None}, None),
        ({"endpoint": "https://example.org:8443/a@b"}, None),
    ],
)
def test_a_secret_among_settings_is_found_however_deep_by_its_name_or_its_look(
    settings: dict[str, Any], place: str | None
) -> None:
    assert secret_among(settings) == place
