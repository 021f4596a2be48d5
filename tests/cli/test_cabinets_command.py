"""Cabinets and dossiers on the command line: who they are, changed by whom, each change with its event (A9, A13)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sobank.domain.roles import OPERATOR_ROLE
from sobank.errors import ConfigurationError, NotAllowed, NotFound, RegistryError
from sobank.store.database import Database
from tests.builders import TestHouse
from tests.cli.conftest import Run
from tests.services.registry_world import build, events

SIRET = "73282932000074"


@pytest.fixture
def database(sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("SOBANK_OPERATORS", "root")
    build(sqlite_house.database)
    return sqlite_house.database


def done(command: Run, *arguments: object) -> Any:
    """What the command answers in JSON; it must succeed."""
    result = command(*arguments, "--json")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def refused(command: Run, kind: type[Exception], *arguments: object) -> str:
    """What the command says when it refuses."""
    result = command(*arguments)
    assert isinstance(result.exception, kind), (result.output, result.exception)
    return str(result.exception)


def test_what_is_told_of_a_cabinet_is_changed_and_shown(command: Run, database: Database) -> None:
    told = ("--address", "1 rue du Port\n29200 Brest", "--siret", "732 829 320 00074", "--software", "Quadra")
    assert done(command, "cabinets", "edit", "CAB001", *told, "--by", "sam")["changed"] == [
        "siret", "address", "production_software",
    ]  # fmt: skip
    found = done(command, "cabinets", "show", "CAB001", "--by", "cleo")
    assert (found["name"], found["siret"], found["address"]) == ("Un", SIRET, "1 rue du Port\n29200 Brest")
    assert (found["production_software"], found["accounts"], found["members"]) == (["Quadra"], 3, 3)
    assert "Quadra" in command("cabinets", "show", "CAB001").stdout
    (event,) = events(database)
    assert (event.action, event.subject, event.actor, event.role) == (
        "cabinet.edit",
        "cabinet:CAB001",
        "sam",
        "superviseur",
    )
    assert event.before == {"siret": None, "address": None, "production_software": None}
    assert event.after["production_software"] == ["Quadra"]


def test_only_what_changes_is_noted_and_an_empty_text_takes_away(command: Run, database: Database) -> None:
    edit = ("cabinets", "edit", "CAB001", "--by", "anne")
    done(command, *edit, "--name", "Un et Cie", "--siret", SIRET)
    assert done(command, *edit, "--name", "Un et Cie", "--siret", SIRET)["changed"] == []
    assert done(command, *edit, "--name", " Un et Cie ", "--siret", "")["changed"] == ["siret"]
    assert "was so already" in command(*edit, "--siret", "").stdout
    assert [(e.before, e.after) for e in events(database)] == [
        ({"name": "Un", "siret": None}, {"name": "Un et Cie", "siret": SIRET}),
        ({"siret": SIRET}, {"siret": None}),
    ]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (("--siret", "73282932000075"), RegistryError),
        (("--name", "  "), RegistryError),
        (("--name", "a\x07"), RegistryError),
        (("--address", "x" * 501), RegistryError),
        (("--software", "a\tb"), RegistryError),
        ((), ConfigurationError),
    ],
)
def test_what_cannot_be_told_of_a_cabinet_is_refused(
    command: Run, database: Database, told: tuple[str, ...], kind: type[Exception]
) -> None:
    refused(command, kind, "cabinets", "edit", "CAB001", *told, "--by", "anne")
    assert events(database) == []


def test_a_cabinet_is_added_by_operators_only_under_a_new_code(command: Run, database: Database) -> None:
    add = ("cabinets", "add", "CAB003", "--name", "Trois", "--siret", SIRET)
    assert "SOBANK_OPERATORS" in refused(command, NotAllowed, *add, "--by", "anne")
    assert done(command, *add, "--by", "root")["cabinet"] == "CAB003"
    assert "of that code" in refused(command, RegistryError, *add, "--by", "root")
    refused(command, RegistryError, "cabinets", "add", "cab 4", "--name", "Quatre", "--by", "root")
    (event,) = events(database)
    assert (event.role, event.before, event.after) == (OPERATOR_ROLE, None, {"name": "Trois", "siret": SIRET})
    done(command, "members", "set", "paul", "administrateur", "--cabinet", "CAB003", "--by", "root")
    assert done(command, "cabinets", "list", "--by", "paul")["cabinets"][0]["members"] == 1


def test_a_person_lists_and_shows_no_cabinet_but_theirs(command: Run, database: Database) -> None:
    assert done(command, "cabinets", "list")["total"] == 2
    assert [row["code"] for row in done(command, "cabinets", "list", "--by", "zoe")["cabinets"]] == ["CAB002"]
    foreign = refused(command, NotFound, "cabinets", "show", "CAB001", "--by", "zoe")
    absent = refused(command, NotFound, "cabinets", "show", "CAB009", "--by", "zoe")
    assert foreign.partition(": ")[2] == absent.partition(": ")[2]
    assert done(command, "dossiers", "list", "--cabinet", "CAB001", "--by", "zoe")["dossiers"] == []
    assert "Deux" in command("cabinets", "list").stdout


def test_a_dossier_is_added_once_and_takes_accounts(command: Run, database: Database) -> None:
    add = ("dossiers", "add", "D003", "--cabinet", "CAB001", "--name", "Épicerie du Port", "--by", "cleo")
    found = done(command, *add, "--siret", "732 829 320 00074")
    assert (found["reference"], found["siret"]) == ("D003", SIRET)
    assert "already" in refused(command, RegistryError, *add)
    refused(command, RegistryError, "dossiers", "add", "D4", *add[3:], "--siret", "1")
    refused(command, NotAllowed, *add[:-1], "zoe")
    (event,) = events(database)
    assert (event.action, event.subject, event.role) == ("dossier.add", "dossier:CAB001/D003", "collaborateur")
    assert event.after == {"name": "Épicerie du Port", "siret": SIRET}
    (row,) = done(command, "dossiers", "list", "--search", "epicerie")["dossiers"]
    assert (row["cabinet"], row["accounts"], row["associated"]) == ("CAB001", 0, 0)
    assert "Épicerie" in command("dossiers", "list").stdout


def test_a_dossier_cannot_be_added_to_a_closed_cabinet(command: Run, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE cabinets SET closed_at = '2026-01-01' WHERE id = 1")
    said = refused(
        command, RegistryError, "dossiers", "add", "D9", "--cabinet", "CAB001", "--name", "x", "--by", "root"
    )
    assert "closed" in said
