"""`sobank reconcile`: shows before it does, says each fate in words, and tells a program the same as a person."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from sobank.errors import ConfigurationError, LedgerError, NotAllowed
from tests.builders import Cabinet, TestHouse, file_of, statement
from tests.cli.conftest import Run

DAY = date(2026, 3, 3)
APPLY = ("reconcile", "--apply", "--by", "anne", "--why", "restored from the backup of the night")


@pytest.fixture
def restored(sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> TestHouse:
    """A house that took in and delivered one day, with its database of before; anne is an operator."""
    monkeypatch.setenv("SOBANK_OPERATORS", "anne")
    house = sqlite_house
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
    there = Path(house.database.url.database or "")
    house.database.close()
    backup = shutil.copy(there, there.with_name("backup.db"))
    house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 6)))
    house.run(DAY)
    house.database.close()
    shutil.copy(backup, there)
    return house


def test_without_apply_it_shows_what_it_would_do_and_does_nothing(restored: TestHouse, command: Run) -> None:
    said = command("reconcile")
    assert said.exit_code == 0
    for words in (
        "would be taken in again",
        "bank.txt",
        "would be taken up",
        "CAB1/fizen",
        "not there",
        "delivered: 2",
    ):
        assert words in said.stdout
    assert "--apply" in said.stdout
    assert command("reconcile").stdout == said.stdout
    assert restored.batches() == set()


def test_applied_it_says_what_it_did_and_then_there_is_nothing_to_do(restored: TestHouse, command: Run) -> None:
    before = restored.delivered()
    said = command(*APPLY)
    assert said.exit_code == 0
    assert "were taken in again" in said.stdout
    assert "The database is level" in said.stdout
    assert "nothing to do" in command("reconcile").stdout
    assert command("deliver", "--day", DAY).exit_code == 0
    assert command("prove", "--day", DAY).exit_code == 0
    assert restored.delivered() == before


def test_a_program_is_told_the_same(restored: TestHouse, command: Run) -> None:
    planned = json.loads(command("reconcile", "--json").stdout)
    assert (planned["level"], planned["applied"], planned["unknown"]) == (False, False, [])
    assert [one["name"] for one in planned["files"]] == ["bank.txt"]
    assert {(one["destination"], one["statements"], one["before"], one["after"]) for one in planned["batches"]} == {
        ("connector:CAB1/fizen", 1, None, "delivered"), ("global:CAB1", 1, None, "delivered"),
    }  # fmt: skip
    applied = json.loads(command(*APPLY, "--json").stdout)
    assert applied == planned | {"applied": True}
    assert json.loads(command("reconcile", "--json").stdout)["level"]


def test_it_asks_who_does_it_and_why_before_it_changes_anything(restored: TestHouse, command: Run) -> None:
    refused = command("reconcile", "--apply")
    assert isinstance(refused.exception, LedgerError)
    assert restored.batches() == set()


@pytest.mark.parametrize("name", ["bert", "nobody-at-all"])
def test_only_an_operator_does_it(restored: TestHouse, command: Run, name: str) -> None:
    given = [name if word == "anne" else word for word in APPLY]
    refused = command(*given)
    assert isinstance(refused.exception, NotAllowed)
    assert "SOBANK_OPERATORS" in refused.exception.remedy
    assert not list((restored.settings.home / "trace").rglob("closed"))
    assert restored.batches() == set()


def test_a_file_that_is_given_by_its_path_is_not_taken_in_before_it(
    restored: TestHouse, command: Run, tmp_path: Path
) -> None:
    given = tmp_path / "tomorrow.txt"
    given.write_bytes(file_of(statement(1, DAY, 7, opening=5)))
    refused = command("ingest", given)
    assert isinstance(refused.exception, ConfigurationError)
    assert "sobank reconcile" in refused.exception.remedy
    command(*APPLY)
    assert command("ingest", given).exit_code == 0
