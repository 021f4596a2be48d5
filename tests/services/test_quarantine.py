"""What is set aside is released or rejected by a named person with a reason, and never by itself (S8, S10, D3, D4)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from sobank.errors import NotFound, RegistryError
from sobank.store import schema
from sobank.store.quarantine import Quarantine
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement

DAY = date(2026, 3, 3)
LATER = NOW + timedelta(hours=1)


def _set_aside(house: TestHouse, *reasons: str) -> list[int]:
    rows = Quarantine(house.database).listed()
    assert [reason for row in rows for reason in row.reasons] == list(reasons)
    return [row.statement_id for row in rows]


def test_a_released_unbalanced_statement_leaves_with_the_next_run_although_the_rule_still_fails(
    house: TestHouse,
) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999)))
    ids = _set_aside(house, "unbalanced")
    Quarantine(house.database).release(ids, actor="anne", why="bank confirmed", now=LATER)
    house.run(DAY, judged=True)
    assert house.statuses() == {1: "decided"}
    assert len(house.delivered()) == 1


def test_a_statement_that_fails_a_contract_is_set_aside_with_the_name_of_the_rule(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 5)))
    with house.database.write() as connection:
        first = schema.statements.c.account == "00000000001"
        connection.execute(schema.statements.update().where(first).values(closing=6))
    house.run(DAY, judged=True)
    assert house.reasons() == [(1, "unbalanced")]
    assert house.statuses() == {1: "quarantined", 2: "decided"}


def test_a_released_statement_of_an_account_registered_since_finds_its_cabinet(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    ids = _set_aside(house, "unknown_account")
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    Quarantine(house.database).release(ids, actor="anne", why="registered", now=LATER)
    house.run(DAY)
    assert list(house.delivered()) == ["partners/fizen/CAB1/SOBANK_CAB1_fizen_20260303_001.cfonb.txt"]


def test_a_released_statement_whose_account_is_still_unknown_is_set_aside_again(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    Quarantine(house.database).release(_set_aside(house, "unknown_account"), actor="anne", why="try", now=LATER)
    house.run(DAY)
    assert house.reasons() == [(1, "unknown_account")]
    assert house.delivered() == {}


def test_a_conflict_is_released_only_once_the_other_statement_is_given_up(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999, label="WRONG")))
    house.take_in(file_of(statement(1, DAY, 5, closing=999, label="RIGHT")))
    first, second = (row.statement_id for row in Quarantine(house.database).listed())
    with pytest.raises(RegistryError, match="other content"):
        Quarantine(house.database).release([first, second], actor="anne", why="both", now=LATER)
    Quarantine(house.database).reject([first], actor="anne", why="wrong one", now=LATER)
    Quarantine(house.database).release([second], actor="anne", why="right one", now=LATER)
    house.run(DAY)
    (sent,) = house.delivered().values()
    assert b"RIGHT" in sent
    assert b"WRONG" not in sent


def test_a_conflict_with_a_delivered_statement_cannot_be_released(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, label="FIRST")))
    house.run(DAY)
    house.take_in(file_of(statement(1, DAY, 5, label="OTHER")))
    with pytest.raises(RegistryError, match="already on its way"):
        Quarantine(house.database).release(_set_aside(house, "conflict"), actor="anne", why="send", now=LATER)


def test_a_statement_without_readable_balances_cannot_be_released(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    data = file_of(statement(1, DAY, 5))
    house.take_in(data[: 2 * 121])
    with pytest.raises(RegistryError, match="readable balance"):
        Quarantine(house.database).release(_set_aside(house, "unclosed"), actor="anne", why="send", now=LATER)


def test_a_rejected_statement_never_leaves_and_stays_counted(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999)))
    Quarantine(house.database).reject(_set_aside(house, "unbalanced"), actor="anne", why="bank error", now=LATER)
    house.run(DAY)
    assert house.delivered() == {}
    assert house.statuses() == {1: "rejected"}


@pytest.mark.parametrize(("actor", "why"), [("", "why"), ("anne", " ")])
def test_a_decision_without_name_or_reason_is_refused(sqlite_house: TestHouse, actor: str, why: str) -> None:
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    ids = _set_aside(sqlite_house, "unknown_account")
    with pytest.raises(RegistryError, match="a name and a reason"):
        Quarantine(sqlite_house.database).reject(ids, actor=actor, why=why, now=LATER)
    assert sqlite_house.statuses() == {1: "quarantined"}


def test_each_decision_leaves_an_event_with_who_why_and_no_full_iban(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    Quarantine(house.database).reject(_set_aside(house, "unknown_account"), actor="anne", why="not ours", now=LATER)
    with house.database.read() as connection:
        event = connection.execute(sa.select(schema.audit_events)).mappings().one()
    assert (event["actor"], event["action"], event["reason"]) == ("anne", "quarantine.rejected", "not ours")
    assert "00000000001" not in str(dict(event))


def test_ids_that_are_not_in_quarantine_change_nothing(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    (known,) = _set_aside(house, "unknown_account")
    with pytest.raises(NotFound, match="nothing was changed"):
        Quarantine(house.database).reject([known, 12345], actor="anne", why="x", now=LATER)
    assert house.statuses() == {1: "quarantined"}
