"""The registry on the command line: each change as a member of the cabinet, each with one event (A2–A9, A13)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.registry import ENDED_STEPS, MandateStep, Profile
from sobank.errors import (
    ConfigurationError,
    ConnectorInUse,
    ConnectorNotOnCabinet,
    InvalidIban,
    NotAllowed,
    NotFound,
    RegistryError,
)
from sobank.store import schema as t
from sobank.store.database import Database
from tests.builders import TestHouse, iban_of
from tests.cli.conftest import Run
from tests.services.registry_world import ACCOUNTS, build, events, in_force

C1 = ("--cabinet", "CAB001")
EARLY = datetime(2026, 1, 10, 9, tzinfo=UTC)


@pytest.fixture
def database(sqlite_house: TestHouse) -> Database:
    build(sqlite_house.database)
    return sqlite_house.database


@pytest.fixture
def ibans(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(sa.select(t.accounts.c.iban).order_by(t.accounts.c.id)))


def done(command: Run, *arguments: object) -> Any:
    """What the command answers in JSON; it must succeed."""
    result = command(*arguments, "--json")
    assert result.exit_code == 0, result.output + repr(result.exception)
    return json.loads(result.stdout)


def refused(command: Run, kind: type[Exception], *arguments: object) -> str:
    """What the command says when it refuses, leaving no event."""
    result = command(*arguments)
    assert isinstance(result.exception, kind), (result.output, result.exception)
    return str(result.exception)


def whole(tables: Database) -> list[str]:
    with tables.read() as connection:
        return list(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]


def mandate(database: Database, account: int) -> str | None:
    c = t.mandates.c
    with database.read() as connection:
        step: str | None = connection.scalar(sa.select(c.step).where(c.account_id == account, c.current))
        return step


def test_adding_a_connector_shows_its_test_and_offers_the_accounts(command: Run, database: Database) -> None:
    found = done(command, "connectors", "add", "fizen-2", *C1, "--partner", "fizen", "--by", "anne")
    assert (found["connector"], found["reachable"], found["accounts"]) == ("connector:CAB001/fizen-2", True, 3)
    said = command("connectors", "add", "fizen-3", *C1, "--partner", "fizen", "--by", "anne").stdout
    assert "nothing was sent" in said
    assert "sobank accounts associate --cabinet CAB001 --connector fizen-3" in said


def test_a_connector_whose_connection_fails_is_there_and_says_why(command: Run, database: Database) -> None:
    found = done(command, "connectors", "add", "inqom", *C1, "--connection", "sobank_cab001_none", "--by", "sam")
    assert not found["reachable"]
    assert found["degraded"]
    assert done(command, "connectors", "list", *C1)[-1]["destination"] == "connector:CAB001/inqom"


@pytest.mark.parametrize(
    ("settings", "kind"),
    [(["folder"], ConfigurationError), (["api_key=x"], RegistryError), (['a={"password": "x"}'], RegistryError)],
)
def test_settings_that_cannot_be_are_refused_without_being_repeated(
    command: Run, database: Database, settings: list[str], kind: type[Exception]
) -> None:
    given = [part for text in settings for part in ("--setting", text)]
    said = refused(command, kind, "connectors", "add", "inqom", *C1, "--by", "anne", *given)
    assert "x" not in said.split()
    assert events(database) == []


def test_settings_are_kept_as_text_or_as_the_json_they_are(command: Run, database: Database) -> None:
    given = ("--setting", "folder=/in", "--setting", "keep=3", "--setting", 'hours={"from": 6}')
    done(command, "connectors", "add", "inqom", *C1, "--connection", "sobank_cab001_inqom", "--by", "anne", *given)
    (event,) = events(database)
    assert event.after["settings"] == {"folder": "/in", "keep": 3, "hours": {"from": 6}}


def test_removing_is_refused_while_accounts_hang_on_it_and_cutting_takes_them_off(
    command: Run, database: Database
) -> None:
    done(command, "accounts", "associate", *C1, "--all", "--connector", "fizen", "--by", "cleo")
    said = refused(command, ConnectorInUse, "connectors", "remove", "fizen", *C1, "--by", "anne", "--why", "left")
    assert "3 associated account" in said
    found = done(command, "connectors", "cut", "fizen", *C1, "--by", "anne", "--why", "they left Fizen")
    assert len(found["dissociated"]) == 3
    assert in_force(database) == {}
    assert [event.reason for event in events(database)[3:]] == ["they left Fizen"] * 4


def test_one_several_a_dossier_or_all_accounts_are_associated(
    command: Run, database: Database, ibans: list[str]
) -> None:
    to = (*C1, "--connector", "fizen", "--by", "cleo")
    spaced = " ".join(ibans[0][i : i + 4] for i in range(0, 27, 4))
    assert done(command, "accounts", "associate", spaced, *to)["changed"] == [1]
    assert done(command, "accounts", "associate", ibans[0], ibans[2], *to) == {
        "changed": [3], "already": [1], "refused": [], "applied": True,
    }  # fmt: skip
    assert done(command, "accounts", "associate", "--dossier", "D001", *to)["changed"] == [2]
    assert done(command, "accounts", "dissociate", "--all", *C1, "--by", "cleo")["changed"] == [1, 2, 3]
    assert "3 account(s) are now with fizen" in command("accounts", "associate", "--all", *to).stdout
    assert len(events(database)) == 9


@pytest.mark.parametrize("which", [[], ["--all", "--dossier", "D001"], ["FR7630004000010000000000147", "--all"]])
def test_which_accounts_is_said_in_one_way(command: Run, database: Database, which: list[str]) -> None:
    refused(command, ConfigurationError, "accounts", "dissociate", *which, *C1, "--by", "anne")


def test_a_preview_says_what_would_leave_the_global_file_and_changes_nothing(
    command: Run, database: Database, ibans: list[str]
) -> None:
    done(command, "accounts", "associate", ibans[0], *C1, "--connector", "fulll", "--by", "cleo")
    before = whole(database)
    wished = ("accounts", "associate", "--all", *C1, "--connector", "fizen", "--by", "cleo", "--dry-run")
    found = done(command, *wished)
    assert (found["leaving"], found["changing"], found["waiting"]) == ({"": 2, "fulll": 1}, 3, 3)
    assert not found["global_file"]
    said = command(*wished).stdout
    assert "these 2 account(s) would leave the global file for fizen from their next statement on" in said
    assert "these 1 account(s) would leave connector fulll for fizen" in said
    assert "there would be no global file any more" in said
    back = done(command, "accounts", "dissociate", "--all", *C1, "--by", "cleo", "--dry-run")
    assert (back["leaving"], back["already"], back["global_file"]) == ({"fulll": 1}, 2, True)
    assert whole(database) == before


def test_a_preview_and_the_change_refuse_alike(command: Run, database: Database, ibans: list[str]) -> None:
    to = (*C1, "--by", "cleo")
    for dry in ((), ("--dry-run",)):
        refused(command, ConnectorNotOnCabinet, "accounts", "associate", "--all", "--connector", "inqom", *to, *dry)
        refused(command, NotFound, "accounts", "dissociate", "--dossier", "D9", *to, *dry)
        refused(command, NotAllowed, "accounts", "dissociate", "--all", *C1, "--by", "zoe", *dry)
        said = refused(command, NotFound, "accounts", "dissociate", ibans[0], ibans[3], *to, *dry)
        assert "1 IBAN(s) that the cabinet has not registered" in said
        assert ibans[3] not in said
        refused(command, InvalidIban, "accounts", "dissociate", ibans[0][:-1] + "9", *to, *dry)
    assert events(database) == []


def test_a_closed_account_that_is_named_is_refused_and_nothing_changes(
    command: Run, database: Database, ibans: list[str]
) -> None:
    with database.write() as connection:
        connection.execute(sa.update(t.accounts).where(t.accounts.c.id == 1).values(closed_at=EARLY))
    to = (*C1, "--connector", "fizen", "--by", "cleo")
    for dry in ((), ("--dry-run",)):
        result = command("accounts", "associate", ibans[0], ibans[1], *to, *dry)
        assert result.exit_code == 4
        assert "account 1: the account is closed" in result.output
    assert in_force(database) == {}
    assert done(command, "accounts", "associate", "--all", *to, "--dry-run")["closed"] == 1


def test_an_added_account_is_checked_named_and_starts_as_draft(command: Run, database: Database) -> None:
    add = ("accounts", "add", iban_of(9), *C1, "--by", "cleo")
    found = done(command, *add, "--dossier", "D001")
    assert (found["bank_name"], found["mandate"], found["claimed_by"]) == ("BNP PARIBAS", "draft", 1)
    assert mandate(database, found["account"]) == "draft"
    assert [event.action for event in events(database)] == ["account.add", "mandate.step"]
    assert iban_of(9) not in str(events(database))
    assert "already" in refused(command, RegistryError, *add, "--dossier", "D002")
    refused(command, NotFound, *add, "--dossier", "D9")
    wrong = iban_of(8)[:-1] + ("0" if iban_of(8)[-1] != "0" else "1")
    refused(command, InvalidIban, "accounts", "add", wrong, *C1, "--by", "cleo", "--dossier", "D001")
    refused(command, RegistryError, *add, "--dossier", "D001", "--currency", "euro")


def test_an_account_of_two_cabinets_is_told(command: Run, database: Database, ibans: list[str]) -> None:
    found = done(command, "accounts", "add", ibans[3], *C1, "--dossier", "D001", "--by", "cleo")
    assert found["claimed_by"] == 2


def test_the_list_of_accounts_is_searched_filtered_and_scoped(
    command: Run, database: Database, ibans: list[str]
) -> None:
    done(command, "accounts", "associate", ibans[0], *C1, "--connector", "fizen", "--by", "cleo")
    assert done(command, "accounts", "list")["total"] == 4
    assert done(command, "accounts", "list", "--by", "cleo")["total"] == 3
    assert done(command, "accounts", "list", "--search", ACCOUNTS[0])["accounts"][0]["connector"] == "fizen"
    assert done(command, "accounts", "list", "--connector", "none", *C1)["total"] == 2
    assert len(done(command, "accounts", "list", "--size", "3", "--page", "2")["accounts"]) == 1
    assert "○○○○○ none" in command("accounts", "list").stdout


def test_a_mandate_takes_its_five_steps_one_by_one_each_with_its_date(
    command: Run, database: Database, ibans: list[str]
) -> None:
    for day, step in enumerate(list(MandateStep)[:5], start=5):
        found = done(command, "mandates", "set", ibans[0], step, "--date", f"2026-01-0{day}", "--by", "sam")
        assert (found["step"], found["since"][:10], found["changed"]) == (step, f"2026-01-0{day - 1}", True)
    shown = done(command, "mandates", "show", ibans[0])
    assert shown["step"] == "approved"
    assert [(step["step"], step["by"]) for step in shown["steps"]] == [(step, "sam") for step in list(MandateStep)[:5]]
    said = command("mandates", "show", ibans[0]).stdout
    assert "●●●●● approved" in said
    assert ibans[0] not in said
    why = ("--why", "le client part")
    done(command, "mandates", "set", ibans[0], "revoked", "--date", "2026-01-20", "--by", "sam", *why)
    done(command, "mandates", "set", ibans[0], "draft", "--date", "2026-01-21", "--by", "sam")
    with database.read() as connection:
        rows = connection.execute(sa.select(t.mandates.c.step, t.mandates.c.current).order_by(t.mandates.c.id)).all()
    assert [tuple(row) for row in rows] == [("revoked", False), ("draft", True)]


@pytest.mark.parametrize(
    ("step", "day", "said"),
    [
        ("approved", "2026-01-11", "draft, and cannot become approved\n  → what can follow now: signed"),
        ("signed", "2026-01-09", "it has been draft since 2026-01-10"),
        ("signed", "2999-01-01", "is to come"),
    ],
)
def test_a_step_that_does_not_follow_is_refused_with_what_can(
    command: Run, database: Database, ibans: list[str], step: str, day: str, said: str
) -> None:
    done(command, "mandates", "set", ibans[0], "draft", "--date", "2026-01-10", "--by", "sam")
    set_ = ("mandates", "set", ibans[0])
    assert said in refused(command, RegistryError, *set_, step, "--date", day, "--by", "sam")
    assert mandate(database, 1) == "draft"
    assert not done(command, *set_, "draft", "--date", "2026-01-10", "--by", "sam")["changed"]
    assert done(command, *set_, "draft", "--date", "2026-01-08", "--by", "sam")["changed"]
    assert len(events(database)) == 2


def test_a_correction_stays_on_or_after_the_day_of_the_step_before(
    command: Run, database: Database, ibans: list[str]
) -> None:
    set_ = ("mandates", "set", ibans[0])
    for step, day in (("draft", "2026-01-08"), ("draft", "2026-01-05"), ("signed", "2026-01-10")):
        done(command, *set_, step, "--date", day, "--by", "sam")
    late = refused(command, RegistryError, *set_, "signed", "--date", "2026-01-04", "--by", "sam")
    assert "it was draft since 2026-01-05" in late
    assert done(command, *set_, "signed", "--date", "2026-01-05", "--by", "sam")["changed"]
    assert len(events(database)) == 4


@pytest.mark.parametrize("step", ["draft", "signed"])
@pytest.mark.parametrize("day", ["0001-01-01", "1970-01-01", "1989-12-31"])
def test_a_day_on_which_there_were_no_such_mandates_is_refused(
    command: Run, database: Database, ibans: list[str], step: str, day: str
) -> None:
    done(command, "mandates", "set", ibans[0], "draft", "--date", "1990-01-01", "--by", "sam")
    before = whole(database)
    assert f"{day} is before 1990-01-01" in refused(
        command, RegistryError, "mandates", "set", ibans[0], step, "--date", day, "--by", "sam"
    )
    assert whole(database) == before


@pytest.mark.parametrize("why", [(), ("--why", " ")])
@pytest.mark.parametrize("step", sorted(ENDED_STEPS))
def test_a_mandate_ends_only_with_a_reason_which_is_shown(
    command: Run, database: Database, ibans: list[str], step: str, why: tuple[str, ...]
) -> None:
    for day, before in enumerate(list(MandateStep)[:4], start=5):
        done(command, "mandates", "set", ibans[0], before, "--date", f"2026-01-0{day}", "--by", "sam")
    last = ("mandates", "set", ibans[0], step, "--date", "2026-01-20", "--by", "sam")
    assert "--why TEXT" in refused(command, RegistryError, *last, *why)
    assert mandate(database, 1) == before
    done(command, *last, "--why", "le client part")
    assert done(command, "mandates", "show", ibans[0])["steps"][-1]["why"] == "le client part"
    assert "le client part" in command("mandates", "show", ibans[0]).stdout


def test_an_account_of_another_cabinet_is_as_unknown_as_one_of_none(
    command: Run, database: Database, ibans: list[str]
) -> None:
    step = ("draft", "--date", "2026-01-10", "--by", "anne")
    foreign = refused(command, NotFound, "mandates", "set", ibans[3], *step)
    absent = refused(command, NotFound, "mandates", "set", iban_of(9), *step)
    assert foreign.partition(": ")[2] == absent.partition(": ")[2]


def test_members_are_listed_set_and_removed_and_one_administrateur_stays(command: Run, database: Database) -> None:
    by = (*C1, "--by", "anne")
    assert done(command, "members", "set", "paul", "superviseur", *by)["changed"]
    assert not done(command, "members", "set", "paul", "superviseur", *by)["changed"]
    assert done(command, "members", "set", "paul", "administrateur", *by)["changed"]
    done(command, "members", "remove", "anne", *by, "--why", "left")
    members = {row["user"]: row["profile"] for row in done(command, "members", "list", *C1)}
    assert members == {"paul": Profile.ADMINISTRATEUR, "sam": Profile.SUPERVISEUR, "cleo": Profile.COLLABORATEUR}
    alone = (*C1, "--by", "paul")
    for arguments in (("remove", "paul", *alone, "--why", "x"), ("set", "paul", "collaborateur", *alone)):
        assert "only administrateur" in refused(command, RegistryError, "members", *arguments)
    refused(command, NotFound, "members", "remove", "eve", *alone, "--why", "x")
    assert [(e.action, e.subject, e.reason) for e in events(database)] == [
        ("member.set", "member:CAB001/paul", None),
        ("member.set", "member:CAB001/paul", None),
        ("member.remove", "member:CAB001/anne", "left"),
    ]


@pytest.mark.parametrize("why", ["", " "])
@pytest.mark.parametrize(
    "gone", [("connectors", "cut", "fizen"), ("connectors", "remove", "fizen"), ("members", "remove", "sam")]
)
def test_nothing_is_taken_away_without_a_reason(
    command: Run, database: Database, gone: tuple[str, ...], why: str
) -> None:
    before = whole(database)
    said = refused(command, RegistryError, *gone, *C1, "--by", "anne", "--why", why)
    assert "a name and a reason are needed" in said
    assert "--why TEXT" in said
    assert whole(database) == before
