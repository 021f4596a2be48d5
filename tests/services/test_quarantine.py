"""What is set aside is released or rejected by a named person with a reason, and never by itself (S8, S10, D3, D4)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.registry import Profile
from sobank.domain.roles import Operator
from sobank.errors import NotAllowed, NotFound, RegistryError
from sobank.formats.cfonb120_write import render
from sobank.services.decide_quarantine import QuarantineReport, reject_statements, release_statements
from sobank.store import schema
from sobank.store.quarantine import Quarantine, QuarantineChange
from sobank.store.quarantine_list import QuarantineFilter, quarantine_page, quarantine_sheet, reason_counts
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement

DAY = date(2026, 3, 3)
OPERATOR = Operator("anne")
LATER = NOW + timedelta(hours=1)


def _release(house: TestHouse, ids: Sequence[int], *, why: str, actor: str = OPERATOR) -> QuarantineReport:
    return release_statements(Quarantine(house.database), ids, actor=actor, reason=why, now=LATER)


def _reject(house: TestHouse, ids: Sequence[int], *, why: str, actor: str = OPERATOR) -> QuarantineReport:
    return reject_statements(Quarantine(house.database), ids, actor=actor, reason=why, now=LATER)


def _why_not(report: QuarantineReport) -> str:
    """Why the one statement was refused; nothing was decided."""
    assert report.decided == ()
    (refused,) = report.refused
    return refused.reason


def _listed(house: TestHouse, user: str | None = None, **wanted: Any) -> list[int]:
    rows = quarantine_page(house.database, QuarantineFilter(user=user, **wanted)).rows
    return [row.statement_id for row in rows]


def _set_aside(house: TestHouse, *reasons: str) -> list[int]:
    rows = quarantine_page(house.database, QuarantineFilter(user=None)).rows
    assert [reason for row in rows for reason in row.reasons] == list(reasons)
    return [row.statement_id for row in rows]


def test_a_released_unbalanced_statement_leaves_with_the_next_run_although_the_rule_still_fails(
    house: TestHouse,
) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999)))
    ids = _set_aside(house, "unbalanced")
    _release(house, ids, why="bank confirmed")
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
    _release(house, ids, why="registered")
    house.run(DAY)
    assert list(house.delivered()) == ["partners/fizen/CAB1/SOBANK_CAB1_fizen_20260303_001.cfonb.txt"]


def test_a_released_statement_whose_account_is_still_unknown_is_set_aside_again(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    _release(house, _set_aside(house, "unknown_account"), why="try")
    house.run(DAY)
    assert house.reasons() == [(1, "unknown_account")]
    assert house.delivered() == {}


@pytest.fixture
def moved(house: TestHouse) -> TestHouse:
    """Statement 1, unbalanced, of CAB1, whose account CAB2 has registered since; sam is a member of CAB1 alone."""
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999)))
    house.register(Cabinet("CAB2", accounts={1: ("approved", "fizen")}))
    with house.database.write() as connection:
        connection.execute(sa.insert(schema.memberships).values(user="sam", cabinet_id=1, profile=Profile.SUPERVISEUR))
    return house


def _close(house: TestHouse, table: sa.Table, id_: int = 1) -> None:
    with house.database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == id_).values(closed_at=NOW))


def _cabinet_of(house: TestHouse, statement_id: int) -> int | None:
    query = sa.select(schema.accounts.c.cabinet_id).join(
        schema.statements, schema.statements.c.account_id == schema.accounts.c.id
    )
    with house.database.read() as connection:
        return connection.scalar(query.where(schema.statements.c.id == statement_id))


@pytest.mark.parametrize(
    ("closed", "reason"), [(schema.accounts, "account_closed"), (schema.cabinets, "cabinet_closed")]
)
def test_what_a_member_releases_stays_his_cabinets_although_another_has_taken_its_account_over(
    moved: TestHouse, closed: sa.Table, reason: str
) -> None:
    _close(moved, closed)
    _release(moved, [1], why="ok", actor="sam")
    moved.run(DAY)
    assert (_cabinet_of(moved, 1), moved.reasons(), moved.delivered()) == (1, [(1, reason)], {})
    assert [event[2] for event in _events(moved)] == [1]


@pytest.mark.parametrize("closed", [schema.accounts, schema.cabinets])
def test_an_operator_releases_it_to_the_cabinet_that_has_taken_it_over_and_both_journals_tell(
    moved: TestHouse, closed: sa.Table
) -> None:
    _close(moved, closed)
    _release(moved, [1], why="they have it now")
    assert _events(moved) == [("anne", "operator", 1, "statement:1"), ("anne", "operator", 2, "statement:1")]
    moved.run(DAY)
    assert list(moved.delivered()) == ["partners/fizen/CAB2/SOBANK_CAB2_fizen_20260303_001.cfonb.txt"]


def test_while_two_open_cabinets_claim_its_account_a_statement_stays_where_it_is_whoever_releases_it(
    moved: TestHouse,
) -> None:
    with moved.database.write() as connection:
        connection.execute(sa.update(schema.statements).values(account_id=2))
    _release(moved, [1], why="try")
    moved.run(DAY)
    assert (_cabinet_of(moved, 1), moved.reasons()) == (2, [(1, "claimed_by_two_cabinets")])
    _close(moved, schema.accounts, 2)
    _release(moved, [1], why="CAB2 gave it up")
    moved.run(DAY)
    assert list(moved.delivered()) == ["partners/fizen/CAB1/SOBANK_CAB1_fizen_20260303_001.cfonb.txt"]


def test_the_cabinet_that_registered_an_unknown_account_finds_its_release_in_its_journal(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}, closed=True))
    house.register(Cabinet("CAB2", accounts={1: ("approved", "fizen")}))
    _release(house, _set_aside(house, "unknown_account"), why="registered")
    assert _events(house) == [("anne", "operator", None, "statement:1"), ("anne", "operator", 2, "statement:1")]
    assert _cabinet_of(house, 1) == 2


def test_a_conflict_is_released_only_once_the_other_statement_is_given_up(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999, label="WRONG")))
    house.take_in(file_of(statement(1, DAY, 5, closing=999, label="RIGHT")))
    first, second = _listed(house)
    assert f"other content (statement {first})" in _why_not(_release(house, [first, second], why="both"))
    assert _listed(house) == [first, second]
    _reject(house, [first], why="wrong one")
    _release(house, [second], why="right one")
    house.run(DAY)
    (sent,) = house.delivered().values()
    assert b"RIGHT" in sent
    assert b"WRONG" not in sent


def test_of_two_statements_that_contradict_each_other_two_persons_at_once_release_one(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    for label in ("ONE", "OTHER"):
        house.take_in(file_of(statement(1, DAY, 5, closing=999, label=label)))
    look, both = QuarantineChange.rivals, Barrier(2)

    def looked_together(change: QuarantineChange, ids: Sequence[int]) -> dict[int, int]:
        found = look(change, ids)
        with suppress(BrokenBarrierError):  # who has to wait for the other never comes here meanwhile
            both.wait(timeout=0.5)
        return found

    monkeypatch.setattr(QuarantineChange, "rivals", looked_together)
    with ThreadPoolExecutor(2) as persons:
        reports = list(persons.map(lambda id_: _release(house, [id_], why="right"), _listed(house)))
    assert sorted(report.applied for report in reports) == [False, True]


def test_a_conflict_with_a_delivered_statement_cannot_be_released(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, label="FIRST")))
    house.run(DAY)
    house.take_in(file_of(statement(1, DAY, 5, label="OTHER")))
    assert "on its way" in _why_not(_release(house, _set_aside(house, "conflict"), why="send"))
    assert house.reasons() == [(1, "conflict")]


@pytest.mark.parametrize(("actor", "named"), [("sam", False), ("both", True), (OPERATOR, True)])
def test_who_may_not_see_the_statement_on_its_way_is_not_told_its_number(
    house: TestHouse, actor: str, named: bool
) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, label="FIRST")))
    house.run(DAY)
    house.register(Cabinet("CAB2", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, label="OTHER")))
    leads = [{"user": user, "cabinet_id": id_} for user, id_ in (("sam", 2), ("both", 2), ("both", 1))]
    with house.database.write() as connection:
        rows = [lead | {"profile": Profile.SUPERVISEUR} for lead in leads]
        connection.execute(sa.insert(schema.memberships), rows)
        second = schema.statements.c.id == 2
        connection.execute(sa.update(schema.statements).where(second).values(account_id=2))
    why = _why_not(_release(house, [2], why="send", actor=actor))
    assert "the same statement with other content" in why
    assert ("(statement 1)" in why) is named


def test_a_statement_without_readable_balances_cannot_be_released(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    data = file_of(statement(1, DAY, 5))
    house.take_in(data[: 2 * 121])
    assert "readable balance" in _why_not(_release(house, _set_aside(house, "unclosed"), why="send"))


def drifted(n: int, day: date) -> bytes:
    """A stream without line ends whose last movement has no header: a piece that counts for no movement."""
    stream = bytearray(render(statement(n, day, 100, 50)))
    stream[240 + 21 : 240 + 32] = b" " * 11
    return bytes(stream)


def test_a_statement_with_a_piece_that_is_no_record_cannot_be_released(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", "fizen")}))
    house.take_in(drifted(1, DAY))
    house.take_in(file_of(statement(2, DAY, 5, closing=999)))
    refused = _why_not(_release(house, [1, 2], why="send"))
    assert "a piece that is no record" in refused
    assert "ask the bank to send it again" in refused
    house.run(DAY)
    assert (house.delivered(), house.reasons()) == ({}, [(1, "drift"), (2, "unbalanced")])
    _reject(house, [1], why="sent again")


def test_a_statement_of_which_a_short_record_was_filled_up_leaves(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    records = render(statement(1, DAY, 100, closing=999))
    house.take_in(records[:239] + records[240:])
    assert quarantine_sheet(house.database, 1, user=None).warnings == ("drift",)
    assert _release(house, _set_aside(house, "unbalanced"), why="bank confirmed").applied


def test_a_rejected_statement_never_leaves_and_stays_counted(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, closing=999)))
    _reject(house, _set_aside(house, "unbalanced"), why="bank error")
    house.run(DAY)
    assert house.delivered() == {}
    assert house.statuses() == {1: "rejected"}


@pytest.mark.parametrize(("actor", "why"), [("", "why"), ("anne", " ")])
def test_a_decision_without_name_or_reason_is_refused(sqlite_house: TestHouse, actor: str, why: str) -> None:
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    ids = _set_aside(sqlite_house, "unknown_account")
    with pytest.raises(RegistryError, match="a name and a reason"):
        _reject(sqlite_house, ids, actor=Operator(actor), why=why)
    assert sqlite_house.statuses() == {1: "quarantined"}


def test_each_decision_leaves_an_event_with_who_why_and_no_full_iban(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    _reject(house, _set_aside(house, "unknown_account"), why="not ours")
    with house.database.read() as connection:
        event = connection.execute(sa.select(schema.audit_events)).mappings().one()
    assert (event["actor"], event["role"], event["cabinet_id"]) == ("anne", "operator", None)
    assert (event["action"], event["reason"]) == ("quarantine.rejected", "not ours")
    assert "00000000001" not in str(dict(event))


def test_ids_that_are_not_in_quarantine_change_nothing(house: TestHouse) -> None:
    house.take_in(file_of(statement(1, DAY, 5)))
    (known,) = _set_aside(house, "unknown_account")
    with pytest.raises(NotFound, match="nothing was changed"):
        _reject(house, [known, 12345], why="x")
    assert house.statuses() == {1: "quarantined"}


@pytest.fixture
def two(house: TestHouse) -> TestHouse:
    """Unbalanced statements 1 (of CAB1) and 2 (of CAB2), 3 of an account that nobody knows; sam leads CAB2."""
    house.register(
        Cabinet("CAB1", accounts={1: ("approved", "fizen")}), Cabinet("CAB2", accounts={2: ("approved", "fizen")})
    )
    house.take_in(file_of(*(statement(n, DAY, 5, closing=7, label=f"LABEL {n}") for n in (1, 2, 3))))
    with house.database.write() as connection:
        for user, profile in (("sam", Profile.SUPERVISEUR), ("cleo", Profile.COLLABORATEUR)):
            connection.execute(sa.insert(schema.memberships).values(user=user, cabinet_id=2, profile=profile))
    return house


def _events(house: TestHouse) -> list[tuple[str, str | None, int | None, str]]:
    c = schema.audit_events.c
    query = sa.select(c.actor, c.role, c.cabinet_id, c.subject).where(c.action.like("quarantine.%")).order_by(c.id)
    with house.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


@pytest.mark.parametrize("decide", [_release, _reject])
def test_what_is_not_the_persons_is_told_as_if_it_were_not_there_and_changes_nothing(
    two: TestHouse, decide: Any
) -> None:
    said = set()
    for actor, ids in (("sam", [1]), ("sam", [3]), ("sam", [2, 1]), ("nobody", [2]), ("anne", [3]), ("sam", [4711])):
        with pytest.raises(NotFound, match="nothing was changed") as refused:
            decide(two, ids, why="x", actor=actor)
        said.add((refused.value.what, refused.value.remedy))
    assert len(said) == 1
    with pytest.raises(NotAllowed, match="collaborateur"):
        decide(two, [2], why="x", actor="cleo")
    assert _listed(two) == [1, 2, 3]
    assert _events(two) == []


def test_several_are_decided_at_once_each_in_the_role_that_the_person_has_there(two: TestHouse) -> None:
    with two.database.write() as connection:
        connection.execute(sa.insert(schema.memberships).values(user="sam", cabinet_id=1, profile="administrateur"))
    assert _reject(two, [2, 1, 1], why="bank error", actor="sam").decided == (1, 2)
    assert _events(two) == [
        ("sam", "administrateur", 1, "statement:1"),
        ("sam", "superviseur", 2, "statement:2"),
    ]
    assert _reject(two, [3], why="not ours").decided == (3,)
    assert _events(two)[-1] == ("anne", "operator", None, "statement:3")


def test_the_list_is_of_the_persons_cabinets_and_counts_what_it_shows(two: TestHouse) -> None:
    assert _listed(two) == [1, 2, 3]
    assert _listed(two, "anne") == [1, 2]
    assert _listed(two, "sam") == _listed(two, "cleo") == [2]
    assert _listed(two, "nobody") == []
    assert _listed(two, "anne", cabinet="CAB2") == [2]
    assert _listed(two, "sam", cabinet="CAB1") == []
    assert _listed(two, reason="unknown_account") == [3]
    assert _listed(two, day=DAY + timedelta(days=1)) == []
    found = quarantine_page(two.database, QuarantineFilter(user=None), page=2, size=2)
    assert ([row.statement_id for row in found.rows], found.total, found.pages) == ([3], 3, 2)
    assert quarantine_page(two.database, QuarantineFilter(user=None), size=999).size == 200
    assert reason_counts(two.database, QuarantineFilter(user="anne", reason="gap")) == {"unbalanced": 2}
    everything = reason_counts(two.database, QuarantineFilter(user=None))
    assert everything == {"unbalanced": 3, "unknown_account": 1}


def test_one_is_shown_with_what_is_wrong_and_its_movements_to_who_may_see_it(two: TestHouse) -> None:
    sheet = quarantine_sheet(two.database, 2, user="cleo")
    assert (sheet.statement.reasons, sheet.errors) == (("unbalanced",), ("unbalanced",))
    assert (sheet.statement.opening, sheet.statement.sum, sheet.statement.closing) == (0, 5, 7)
    assert sheet.statement.off_by == 2
    assert [(move.amount, move.label) for move in sheet.movements] == [(5, "LABEL 2")]
    for user, statement_id in (("cleo", 1), ("cleo", 3), ("anne", 3), (None, 4711)):
        with pytest.raises(NotFound, match="no such statement in quarantine"):
            quarantine_sheet(two.database, statement_id, user=user)


def test_a_conflict_is_shown_beside_the_statement_that_it_contradicts(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5, label="FIRST")), name="first.txt")
    house.run(DAY)
    house.take_in(file_of(statement(1, DAY, 5, label="OTHER")))
    for user in (None, "anne"):
        (rival,) = quarantine_sheet(house.database, *_set_aside(house, "conflict"), user=user).rivals
        assert (rival.bank_file, rival.status) == ("first.txt", "decided")
