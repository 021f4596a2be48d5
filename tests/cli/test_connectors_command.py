"""`sobank connectors`: how connectors are reached, and what a connection test finds, says and closes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest
import sqlalchemy as sa

from sobank.errors import NotAllowed, NotFound, SobankError
from sobank.simulator.partner_sftp import SftpPartner
from sobank.store.circuits import Circuits
from sobank.store.connector_list import connectors_on
from sobank.store.schema import audit_events, cabinets, memberships
from tests.builders import Cabinet, TestHouse
from tests.cli.conftest import Run

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture
def house(sqlite_house: TestHouse) -> TestHouse:
    sqlite_house.register(Cabinet("CAB1", ("fizen", "inqom")), Cabinet("CAB2", ("fulll",)))
    return sqlite_house


def opened(house: TestHouse, destination: str) -> None:
    (found,) = [c for c in connectors_on(house.database) if c.destination == destination]
    Circuits(house.database).open(found.id, cause="the key is refused", worker="w", now=NOW)


def in_the_way(house: TestHouse, partner: str) -> Path:
    """A file where the partner's folder should be: its connection fails."""
    path = house.settings.home / "partners" / partner
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    return path


def events(house: TestHouse) -> list[tuple[str, str, str]]:
    c = audit_events.c
    query = sa.select(c.action, c.actor, c.reason).where(c.action.like("circuit.%")).order_by(c.id)
    with house.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def test_connectors_are_listed_with_their_sink_and_the_circuit_that_is_open(command: Run, house: TestHouse) -> None:
    opened(house, "connector:CAB1/fizen")
    found = {c["destination"]: c for c in json.loads(command("connectors", "list", "--json").stdout)}
    assert set(found) == {"connector:CAB1/fizen", "connector:CAB1/inqom", "connector:CAB2/fulll"}
    assert found["connector:CAB1/fizen"]["circuit"]["cause"] == "the key is refused"
    assert (found["connector:CAB2/fulll"]["circuit"], found["connector:CAB2/fulll"]["sink"]) == (None, "folder")
    said = command("connectors", "list", "--cabinet", "CAB1").stdout
    assert "CAB2" not in said
    assert "Paris" in said
    assert "sobank connectors test" in said


@pytest.mark.parametrize("name", ["CAB1/fizen", "connector:CAB1/fizen"])
def test_a_connection_that_works_is_told_with_what_it_can_do_and_closes_the_circuit(
    command: Run, house: TestHouse, name: str
) -> None:
    opened(house, "connector:CAB1/fizen")
    opened(house, "connector:CAB1/inqom")
    result = command("connectors", "test", name, "--by", "anne", "--why", "new key")
    assert result.exit_code == 0
    assert "its connection works; nothing was sent" in result.stdout
    assert "is closed" in result.stdout
    assert events(house)[-1] == ("circuit.close", "anne", "new key")
    assert [c.destination for c in connectors_on(house.database) if c.circuit] == ["connector:CAB1/inqom"]
    assert house.delivered() == {}


def test_a_test_without_a_name_is_an_event_of_the_test_itself(command: Run, house: TestHouse) -> None:
    opened(house, "connector:CAB1/fizen")
    assert command("connectors", "test", "CAB1/fizen").exit_code == 0
    assert events(house)[-1][:2] == ("circuit.close", "connectors test")


def test_a_connection_that_fails_ends_with_code_7_and_leaves_the_circuit_open(command: Run, house: TestHouse) -> None:
    opened(house, "connector:CAB1/fizen")
    in_the_way(house, "fizen")
    result = command("connectors", "test", "CAB1/fizen")
    assert result.exit_code == 7
    assert "FAILS" in result.stdout
    assert "Not a directory" in result.stdout
    assert [action for action, _, _ in events(house)] == ["circuit.open"]


def test_all_are_tested_and_one_that_fails_hides_no_other(command: Run, house: TestHouse) -> None:
    mended = in_the_way(house, "inqom")
    result = command("connectors", "test", "--all", "--json")
    assert result.exit_code == 7
    found = {c["destination"]: c["reachable"] for c in json.loads(result.stdout)}
    assert found == {"connector:CAB1/fizen": True, "connector:CAB1/inqom": False, "connector:CAB2/fulll": True}
    assert "2 work, 1 fail" in command("connectors", "test", "--all").stdout
    mended.unlink()
    assert command("connectors", "test", "--all").exit_code == 0


def test_a_member_tests_the_connectors_that_are_his_to_test(
    command: Run, house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = {"sup": ("CAB2", "superviseur"), "collab": ("CAB1", "collaborateur")}
    opened(house, "connector:CAB1/fizen")
    with house.database.write() as connection:
        ids = {row.code: row.id for row in connection.execute(sa.select(cabinets.c.code, cabinets.c.id))}
        rows = [{"user": user, "cabinet_id": ids[of], "profile": what} for user, (of, what) in members.items()]
        connection.execute(
            sa.insert(memberships), [*rows, rows[0] | {"cabinet_id": ids["CAB1"], "profile": "collaborateur"}]
        )
    tested = command("connectors", "test", "--all", "--by", "sup", "--json")
    assert [one["destination"] for one in json.loads(tested.stdout)] == ["connector:CAB2/fulll"]
    for user, which, kind in (("sup", "CAB1/fizen", NotAllowed), ("collab", "--all", NotAllowed),
                              ("collab", "CAB2/fulll", NotFound)):  # fmt: skip
        assert isinstance(command("connectors", "test", which, "--by", user).exception, kind)
    assert len(events(house)) == 1
    monkeypatch.setenv("SOBANK_OPERATORS", "support")
    assert len(json.loads(command("connectors", "test", "--all", "--by", "support", "--json").stdout)) == 3
    with house.database.read() as connection:
        assert (
            connection.scalar(sa.select(audit_events.c.role).order_by(audit_events.c.id.desc()).limit(1)) == "operator"
        )


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [(("CAB1/fisen",), 4, "did you mean CAB1/fizen?"), ((), 2, "--all"), (("CAB1/fizen", "--all"), 2, "--all")],
)
def test_which_connector_is_meant_must_be_said_once(
    command: Run, house: TestHouse, arguments: tuple[str, ...], exit_code: int, words: str
) -> None:
    error = command("connectors", "test", *arguments).exception
    assert isinstance(error, SobankError)
    assert error.exit_code == exit_code
    assert words in str(error)


def test_a_real_server_is_tested_by_its_pinned_key_and_gets_no_payload(
    command: Run, house: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.database.write() as connection:
        connection.execute(sa.text("UPDATE connectors SET connection = 'fizen_sftp' WHERE name = 'fizen'"))
    (tmp_path / "partner").mkdir()
    with SftpPartner(tmp_path / "partner") as partner:
        login = partner.login()

        def known_by(host_key: object) -> None:
            fields = {"conn_type": "sftp", "host": login.host, "port": login.port, "login": login.user,
                      "password": login.password, "extra": {"host_key": host_key}}  # fmt: skip
            monkeypatch.setenv("AIRFLOW_CONN_FIZEN_SFTP", json.dumps(fields))

        known_by(login.extra["host_key"])
        opened(house, "connector:CAB1/fizen")
        process = subprocess.run(
            [Path(sys.executable).parent / "sobank", "connectors", "test", "CAB1/fizen", "--json"],
            capture_output=True, text=True, check=True, env=os.environ | {"AIRFLOW_HOME": str(tmp_path / "airflow")},
        )  # fmt: skip
        (found,) = json.loads(process.stdout)  # Airflow's logging is not among it
        assert process.stderr == ""
        assert (found["sink"], found["reachable"], found["closed_circuit"]) == ("sftp", True, True)
        assert found["circuit"] is None
        assert "rename that refuses to replace" in found["capabilities"]
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode()
        known_by(other)
        result = command("connectors", "test", "CAB1/fizen")
        assert (result.exit_code, "FAILS" in result.stdout) == (7, True)
        assert str(login.password) not in result.stdout
        assert (partner.bytes_written, list(partner.inbox.received())) == (0, [])


def test_a_connector_whose_airflow_connection_is_missing_fails_its_test_and_says_so(
    command: Run, house: TestHouse
) -> None:
    with house.database.write() as connection:
        connection.execute(sa.text("UPDATE connectors SET connection = 'nowhere' WHERE name = 'fizen'"))
    result = command("connectors", "test", "CAB1/fizen")
    assert result.exit_code == 7
    assert "nowhere" in result.stdout
