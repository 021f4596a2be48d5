"""`sobank deliveries`: what has not arrived and why, and what a named person decides, each with an event (D5, A13)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.day import BANK_ZONE
from sobank.domain.delivery import Claim, Happening
from sobank.errors import DeliveryIncomplete, SobankError
from sobank.store.circuits import Circuits
from sobank.store.schema import audit_events, memberships
from tests.builders import Cabinet, TestHouse, file_of, named, statement
from tests.cli.conftest import Run

DAYS = (date(2026, 3, 3), date(2026, 3, 4))
BY = ("--by", "anne", "--why", "asked the partner")


@pytest.fixture
def house(sqlite_house: TestHouse) -> TestHouse:
    """Two days of fizen and one of inqom, sealed and not yet pushed."""
    house = sqlite_house
    house.register(Cabinet("CAB1", ("fizen", "inqom"), {1: ("approved", "fizen"), 2: ("approved", "inqom")}))
    house.take_in(
        file_of(statement(1, DAYS[0], 5, label="SECRET"), statement(2, DAYS[0], 6), statement(1, DAYS[1], 7, opening=5))
    )
    for day in DAYS:
        house.decide(day)
    return house


def listed(command: Run, *arguments: str) -> list[dict[str, Any]]:
    result = command("deliveries", "list", *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["batches"]
    return found


def ids(command: Run, *arguments: str) -> list[int]:
    return [batch["id"] for batch in listed(command, *arguments)]


def fizen(command: Run) -> list[int]:
    return ids(command, "--destination", "CAB1/fizen", "--all")


def folder_of(house: TestHouse, partner: str = "fizen") -> Path:
    return house.settings.home / "partners" / partner / "CAB1"


def held(house: TestHouse, command: Run) -> tuple[int, Path]:
    """The first batch of fizen, held because other bytes lie under its name; and those bytes."""
    folder_of(house).mkdir(parents=True)
    first = listed(command, "--destination", "CAB1/fizen")[0]
    foreign = folder_of(house) / first["file"]
    foreign.write_bytes(b"foreign")
    house.push()
    return first["id"], foreign


def events(house: TestHouse) -> list[tuple[str, str, str]]:
    c = audit_events.c
    query = sa.select(c.action, c.actor, c.reason).where(c.action.like("batch.%")).order_by(c.id)
    with house.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


def error_of(command: Run, *arguments: object) -> SobankError:
    error = command(*arguments).exception
    assert isinstance(error, SobankError)
    return error


def test_the_list_is_of_what_has_not_arrived_unless_more_is_asked_for(command: Run, house: TestHouse) -> None:
    assert [(b["destination"], b["business_date"]) for b in listed(command)] == [
        ("connector:CAB1/fizen", "2026-03-03"),
        ("connector:CAB1/fizen", "2026-03-04"),
        ("connector:CAB1/inqom", "2026-03-03"),
    ]
    house.push(DAYS[0])
    assert [b["state"] for b in listed(command)] == ["sealed"]
    assert len(listed(command, "--all")) == 3
    assert [b["state"] for b in listed(command, "--state", "delivered,held")] == ["delivered", "delivered"]
    assert len(listed(command, "--all", "--day", "2026-03-03")) == 2
    assert len(listed(command, "--all", "--from", "2026-03-04")) == 1
    assert len(listed(command, "--all", "--until", "2026-03-03", "--destination", "CAB1/inqom")) == 1
    assert listed(command, "--destination", "global:CAB1") == []


def test_a_list_comes_in_pages_and_says_which_of_how_many(command: Run, house: TestHouse) -> None:
    first, second, third = ids(command)
    assert ids(command, "--size", "2") == [first, second]
    assert ids(command, "--size", "2", "--page", "2") == [third]
    assert ids(command, "--size", "2", "--page", "3") == []
    document = json.loads(command("deliveries", "list", "--size", "2", "--json").stdout)
    assert (document["total"], document["more"], document["page"], document["size"]) == (3, False, 1, 2)
    assert "Batches: 3, page 2 of 2" in command("deliveries", "list", "--size", "2", "--page", "2").stdout
    assert "Batches: 3\n" in command("deliveries", "list").stdout
    assert command("deliveries", "list", "--size", "201").exit_code == 2


def test_the_list_is_narrowed_to_a_cabinet_a_run_and_what_a_person_may_see(command: Run, house: TestHouse) -> None:
    assert len(ids(command, "--cabinet", "CAB1")) == 3
    assert ids(command, "--cabinet", "CAB2") == []
    assert len(ids(command, "--run", "2026-03-04")) == 1
    assert len(ids(command, "--by", "anne")) == 3
    assert ids(command, "--by", "zoe") == []


def test_what_waits_for_a_person_or_is_late_is_listed_alone(command: Run, house: TestHouse) -> None:
    late, today = ids(command), datetime.now(UTC).astimezone(BANK_ZONE).date()
    house.take_in(file_of(statement(2, today, 3, opening=6)), named(today))
    house.decide(today)
    assert ids(command, "--overdue") == late
    assert len(ids(command)) == len(late) + 1


@pytest.mark.parametrize("arguments", [("--state", "lost"), ("--day", "yesterday")])
def test_a_state_or_a_day_that_is_none_is_refused(command: Run, house: TestHouse, arguments: tuple[str, ...]) -> None:
    assert error_of(command, "deliveries", "list", *arguments).exit_code == 2


def test_the_list_says_how_often_each_was_tried_and_why_it_has_not_arrived(command: Run, house: TestHouse) -> None:
    held(house, command)
    first = listed(command)[0]
    assert (first["state"], first["attempts"], first["last_outcome"]) == ("held", 1, "doubtful")
    assert "other bytes" in first["last_message"]
    said = command("deliveries", "list").stdout
    assert f"{first['id']}: try 1, " in said
    assert "Paris: other bytes" in said
    assert "sobank deliveries show ID" in said


def test_a_batch_is_shown_with_its_attempts_receipt_and_what_to_do(command: Run, house: TestHouse) -> None:
    number, _ = held(house, command)
    document = json.loads(command("deliveries", "show", number, "--json").stdout)
    assert [(a["attempt"], a["outcome"]) for a in document["attempts"]] == [(1, "doubtful")]
    assert document["reason"] == document["attempts"][0]["message"]
    assert f"deliveries release {number}" in document["next"]
    said = command("deliveries", "show", number).stdout
    assert f"What to do: ask the partner about {document['file']}" in said
    assert "SECRET" not in said + str(document)
    arrived = listed(command, "--state", "delivered")[0]
    document = json.loads(command("deliveries", "show", arrived["id"], "--json").stdout)
    assert document["receipt"]["sha256"] == arrived["sha256"]
    assert document["next"] == "nothing: it arrived"


def test_a_refusal_after_a_lost_answer_is_not_told_as_if_nothing_could_be_there(command: Run, house: TestHouse) -> None:
    number, now, lease = fizen(command)[0], datetime.now(UTC), timedelta(minutes=5)
    for ending in (Happening.NO_ANSWER, Happening.PROVED_NOT_RECEIVED):
        claim = house.ledger.claim(number, worker="w", now=now, lease=lease)
        assert isinstance(claim, Claim)
        house.ledger.mark_staged(number, claim.fence, "staged", now=now, lease=lease)
        house.ledger.record(number, claim.fence, ending, now=now, message="no")
    document = json.loads(command("deliveries", "show", number, "--json").stdout)
    assert (document["state"], "an earlier try may have left it there" in document["next"]) == ("sealed", True)
    assert "--by NAME" in document["next"]


def test_an_open_circuit_is_shown_where_its_batches_are_and_how_it_is_closed(command: Run, house: TestHouse) -> None:
    number = fizen(command)[0]
    connector = house.ledger.batch(number).connector_id
    assert connector is not None
    Circuits(house.database).open(connector, cause="the key is refused", worker="w", now=datetime.now(UTC))
    assert "circuit of connector:CAB1/fizen open since" in command("deliveries", "list").stdout
    document = json.loads(command("deliveries", "show", number, "--json").stdout)
    assert document["circuit"]["cause"] == "the key is refused"
    assert document["next"].endswith("then `sobank connectors test CAB1/fizen` closes it")


def test_a_retry_sends_the_earlier_ones_first_and_leaves_the_later_ones(command: Run, house: TestHouse) -> None:
    first, second = fizen(command)
    result = command("deliveries", "retry", first, *BY)
    assert result.exit_code == 0, result.output
    assert [b["state"] for b in listed(command, "--all")] == ["delivered", "sealed", "sealed"]
    house.take_in(file_of(statement(1, date(2026, 3, 5), 1, opening=12)))
    house.decide(date(2026, 3, 5))
    third = fizen(command)[-1]
    assert command("deliveries", "retry", third, *BY).stdout.count("delivered") == 2
    assert ids(command, "--state", "delivered") == [first, second, third]
    assert events(house) == [("batch.retry", "anne", "asked the partner")] * 2


def test_a_retry_closes_the_circuit_and_ends_with_code_10_when_it_does_not_arrive(
    command: Run, house: TestHouse
) -> None:
    first, second = fizen(command)
    in_the_way = house.settings.home / "partners" / "fizen"
    in_the_way.parent.mkdir()
    in_the_way.write_text("in the way")
    house.push()
    assert listed(command)[0]["circuit"] is not None
    error = error_of(command, "deliveries", "retry", second, *BY)
    assert isinstance(error, DeliveryIncomplete)
    assert (error.exit_code, error.subject) == (10, f"batch {second}")
    assert "Not a directory" in error.what
    in_the_way.unlink()
    assert command("deliveries", "retry", second, *BY).exit_code == 0
    assert ids(command, "--state", "delivered", "--destination", "CAB1/fizen") == [first, second]
    assert Circuits(house.database).all() == []


def test_what_is_held_or_final_cannot_be_retried(command: Run, house: TestHouse) -> None:
    number, _ = held(house, command)
    assert error_of(command, "deliveries", "retry", number, *BY).exit_code == 6
    arrived = ids(command, "--state", "delivered")[0]
    assert error_of(command, "deliveries", "retry", arrived, *BY).exit_code == 6


def test_a_held_batch_is_released_and_arrives_with_the_next_push(command: Run, house: TestHouse) -> None:
    number, foreign = held(house, command)
    foreign.unlink()
    assert command("deliveries", "release", number, *BY).exit_code == 0
    house.push()
    assert foreign.read_bytes() != b"foreign"
    assert events(house) == [("batch.released_by_person", "anne", "asked the partner")]


def test_a_held_batch_is_confirmed_and_never_sent(command: Run, house: TestHouse) -> None:
    number, foreign = held(house, command)
    foreign.unlink()
    assert "on your word" in command("deliveries", "confirm", number, *BY).stdout
    house.push()
    assert not foreign.exists()
    receipt = json.loads(command("deliveries", "show", number, "--json").stdout)["receipt"]
    assert receipt["answer"] == "confirmed by anne: asked the partner"


def test_a_held_batch_is_rejected_and_its_statements_are_in_quarantine(command: Run, house: TestHouse) -> None:
    number, foreign = held(house, command)
    assert command("deliveries", "reject", number, *BY).exit_code == 0
    assert house.reasons() == [(1, "batch_rejected")]
    assert list(folder_of(house).iterdir()) == [foreign]
    house.push()
    assert ids(command) == []


def test_of_several_each_is_decided_by_itself_and_a_refusal_gives_the_exit_code(command: Run, house: TestHouse) -> None:
    number, _ = held(house, command)
    result = command("deliveries", "reject", 4711, number, number, 4712, *BY)
    assert isinstance(result.exception, SobankError)
    assert result.exception.exit_code == 4
    assert f"batch {number} is rejected" in result.stdout
    assert "batch:4711" in result.stderr
    assert "batch:4712" in str(result.exception)
    assert events(house) == [("batch.rejected_by_person", "anne", "asked the partner")]


def test_a_batch_whose_connection_is_gone_can_be_given_up_but_not_released(command: Run, house: TestHouse) -> None:
    number, foreign = held(house, command)
    with house.database.write() as connection:
        connection.execute(sa.text("UPDATE connectors SET connection = 'gone' WHERE name = 'fizen'"))
    assert error_of(command, "deliveries", "release", number, *BY).exit_code == 2
    assert ids(command, "--state", "held") == [number]
    result = command("deliveries", "reject", number, *BY)
    assert f"batch {number} is rejected" in result.stdout
    assert isinstance(result.exception, SobankError), "its staging file lies there still, and that is said"
    assert "gone" in str(result.exception)
    assert ids(command, "--state", "rejected") == [number]
    assert foreign.exists()


@pytest.mark.parametrize("verb", ["release", "confirm", "reject"])
def test_a_decision_is_told_in_json_of_each_batch(command: Run, house: TestHouse, verb: str) -> None:
    number, foreign = held(house, command)
    foreign.unlink()
    result = command("deliveries", verb, number, 4711, *BY, "--json")
    assert isinstance(result.exception, SobankError)
    told = json.loads(result.stdout)["batches"]
    assert [(one["batch"], one["decided"]) for one in told] == [(number, True), (4711, False)]
    assert told[0]["error"] is None
    assert "no such batch" in told[1]["error"]


def test_the_decisions_on_a_batch_are_shown_to_who_may_see_the_trail(command: Run, house: TestHouse) -> None:
    number, foreign = held(house, command)
    foreign.unlink()
    done = command("deliveries", "confirm", number, *BY)
    assert done.exit_code == 0
    with house.database.write() as connection:
        connection.execute(sa.insert(memberships).values(user="cleo", cabinet_id=1, profile="collaborateur"))

    def decisions(*by: str) -> list[tuple[str, str]]:
        document = json.loads(command("deliveries", "show", number, *by, "--json").stdout)
        return [(event["actor"], event["role"]) for event in document["events"]]

    assert decisions() == decisions("--by", "anne") == [("anne", "administrateur")]
    assert decisions("--by", "cleo") == []
    assert "batch.confirmed_by_person" in command("deliveries", "show", number).stdout
    assert error_of(command, "deliveries", "show", number, "--by", "zoe").exit_code == 4


@pytest.mark.parametrize("verb", ["retry", "release", "confirm", "reject"])
def test_a_decision_needs_a_name_and_a_reason(command: Run, house: TestHouse, verb: str) -> None:
    number = fizen(command)[0]
    assert command("deliveries", verb, number).exit_code == 2
    assert error_of(command, "deliveries", verb, number, "--by", "anne", "--why", " ").exit_code == 6
    assert error_of(command, "deliveries", verb, number, "--by", " ", "--why", "x").exit_code == 4
    assert events(house) == []
