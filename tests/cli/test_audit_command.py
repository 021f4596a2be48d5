"""`sobank audit`: what the trail says, and that a row touched behind our back is named with exit code 9 (A13)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.errors import ConfigurationError
from sobank.services.associate import Selection, associate, dissociate
from sobank.store.database import Database
from sobank.store.registry import Registry
from sobank.store.schema import audit_events
from tests.builders import TestHouse
from tests.cli.conftest import Run
from tests.services.registry_world import build

#: The Paris day has begun, the UTC day has not.
NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def database(sqlite_house: TestHouse) -> Database:
    build(sqlite_house.database)
    registry = Registry(sqlite_house.database)
    associate(registry, Selection(cabinet="CAB001", accounts=(1,)), "fizen", actor="cleo", now=NOON)
    dissociate(registry, Selection(cabinet="CAB001", accounts=(1,)), actor="anne", now=NIGHT)
    associate(registry, Selection(cabinet="CAB002", accounts=(4,)), "inqom", actor="zoe", now=NIGHT)
    return sqlite_house.database


def listed(command: Run, *arguments: str) -> list[int]:
    result = command("audit", "list", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return [row["id"] for row in json.loads(result.stdout)]


@pytest.mark.parametrize(
    ("arguments", "due"),
    [
        ([], [3, 2, 1]),
        (["--cabinet", "CAB001"], [2, 1]),
        (["--actor", "zoe"], [3]),
        (["--action", "account"], [3, 2, 1]),
        (["--action", "account.dissociate"], [2]),
        (["--action", "acc"], []),
        (["--subject", "account:4"], [3]),
        (["--from", "2026-03-03"], [3, 2]),
        (["--until", "2026-03-02"], [1]),
        (["--from", "0001-01-01", "--until", "9999-12-31"], [3, 2, 1]),
        (["--from", "9999-12-31"], []),
        (["--until", "0001-01-01"], []),
        (["--from", "2026-03-03", "--cabinet", "CAB001"], [2]),
        (["--limit", "1"], [3]),
    ],
)
def test_events_are_found_by_what_they_say(
    command: Run, database: Database, arguments: list[str], due: list[int]
) -> None:
    assert listed(command, *arguments) == due


def test_people_see_who_did_what_to_what_and_no_full_iban(command: Run, database: Database) -> None:
    said = command("audit", "list").stdout
    assert "cleo" in said
    assert "collaborateur" in said
    assert "connector=fizen" in said
    assert "00000000001" not in said


def test_a_trail_that_holds_says_so_and_gives_its_last_hash_to_note(command: Run, database: Database) -> None:
    found = json.loads(command("audit", "verify", "--json").stdout)
    assert (found["holds"], found["events"], found["broken"]) == (True, 3, None)
    result = command("audit", "verify", "--known", found["last"])
    assert result.exit_code == 0
    assert found["last"] in result.stdout
    assert command("audit", "verify", "--known", "3:" + "00" * 32).exit_code == 9


@pytest.mark.parametrize("wrong", ["3", "x:00", "3:zz", "0:" + "00" * 32])
def test_a_noted_hash_that_is_none_is_refused(command: Run, database: Database, wrong: str) -> None:
    assert isinstance(command("audit", "verify", "--known", wrong).exception, ConfigurationError)


def test_what_is_said_is_shown_as_it_was_written(command: Run, database: Database) -> None:
    cut = ("connectors", "cut", "inqom", "--cabinet", "CAB002", "--by", "zoe", "--why", ":100: [/b]")
    assert command(*cut).exit_code == 0
    assert ":100: [/b]" in command("audit", "list").stdout


def test_a_row_changed_behind_our_back_is_named_with_exit_code_9(command: Run, database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_events_no_update")
        connection.execute(sa.update(audit_events).where(audit_events.c.id == 2).values(actor="zoe"))
    result = command("audit", "verify", "--json")
    found: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == 9
    assert (found["events"], found["broken"]["event"], found["broken"]["difference"]) == (1, 2, "changed")
    assert "broken at event 2 (changed)" in command("audit", "verify").stdout
