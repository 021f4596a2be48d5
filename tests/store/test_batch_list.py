"""The list of batches and one of them, as a member of some cabinets sees them and as the operator does (DESIGN §8)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.roles import Operator
from sobank.errors import NotFound
from sobank.services.held import confirm_held
from sobank.store import schema
from sobank.store.batch_list import BatchFilter, batch_page, batch_sheet
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement

DAYS = (date(2026, 3, 3), date(2026, 3, 4))
EVERY = tuple(BatchState)


@pytest.fixture
def two(house: TestHouse) -> TestHouse:
    """Two days of CAB1 (fizen) and of CAB2 (its global file), the second not pushed. anne has both, sam CAB2."""
    house.register(
        Cabinet("CAB1", accounts={1: ("approved", "fizen")}), Cabinet("CAB2", accounts={2: ("approved", None)})
    )
    with house.database.write() as connection:
        connection.execute(sa.insert(schema.memberships).values(user="sam", cabinet_id=2, profile="collaborateur"))
    for day, push in zip(DAYS, (True, False), strict=True):
        house.take_in(file_of(*(statement(n, day, 5) for n in (1, 2))), name=f"{day}.txt")
        house.decide(day)
        if push:
            house.push()
    return house


def found(house: TestHouse, user: str | None = None, **wanted: Any) -> list[tuple[str, int]]:
    """Kind of destination and day of the month of each batch of the first page."""
    rows = batch_page(house.database, BatchFilter(user=user, **wanted)).rows
    return [(one.batch.kind, one.batch.business_date.day) for one in rows]


def test_a_member_finds_the_batches_of_his_cabinets_and_the_operator_all(two: TestHouse) -> None:
    assert found(two, states=EVERY) == [("connector", 3), ("connector", 4), ("global", 3), ("global", 4)]
    assert found(two, "anne", states=EVERY) == found(two, states=EVERY)
    assert found(two, "sam", states=EVERY) == [("global", 3), ("global", 4)]
    assert found(two, "nobody", states=EVERY) == []
    assert found(two, "sam", states=EVERY, cabinet="CAB1") == []
    assert found(two, "sam", states=EVERY, destination="connector:CAB1/fizen") == []


def test_what_is_looked_for_narrows_the_list(two: TestHouse) -> None:
    assert found(two) == [("connector", 4), ("global", 4)]
    assert found(two, states=(BatchState.DELIVERED,)) == [("connector", 3), ("global", 3)]
    assert found(two, states=EVERY, first=DAYS[1]) == found(two, states=EVERY, run_day=DAYS[1]) == found(two)
    assert found(two, states=EVERY, last=DAYS[0], cabinet="CAB2") == [("global", 3)]
    assert found(two, states=EVERY, newest_first=True) == [
        ("connector", 4), ("global", 4), ("connector", 3), ("global", 3),
    ]  # fmt: skip


def test_the_list_comes_in_pages_of_bounded_size(two: TestHouse) -> None:
    wanted = BatchFilter(user=None, states=EVERY)
    page = batch_page(two.database, wanted, page=2, size=3)
    assert (len(page.rows), page.total, page.pages, page.more) == (1, 4, 2, False)
    assert batch_page(two.database, wanted, size=999).size == 200
    assert batch_page(two.database, wanted, page=-1, size=0).rows == batch_page(two.database, wanted, size=1).rows


def test_one_is_shown_with_attempts_receipt_and_decisions_to_who_may_see_them(two: TestHouse) -> None:
    (mine,) = batch_page(two.database, BatchFilter(user=None, cabinet="CAB2")).rows
    number = mine.batch.id
    two.push(DAYS[0])
    with two.database.write() as connection:
        held = sa.update(schema.batches).where(schema.batches.c.id == number).values(state="held", fence=1)
        connection.execute(held)
    sink = two.sink_of(mine.batch)
    confirm_held(two.ledger, sink, number, actor=Operator("support"), reason="seen there", now=NOW)
    sheet = batch_sheet(two.database, number, user="anne")
    assert sheet.standing.receipt is not None
    assert sheet.standing.receipt["answer"] == "confirmed by support: seen there"
    assert [(e.actor, e.role, e.action) for e in sheet.events] == [
        ("support", "operator", "batch.confirmed_by_person"),
    ]  # fmt: skip
    assert batch_sheet(two.database, number, user=None).events == sheet.events
    assert batch_sheet(two.database, number, user="sam").events == ()
    (sent,) = batch_page(two.database, BatchFilter(user="sam", states=EVERY, last=DAYS[0])).rows
    assert [a.outcome for a in batch_sheet(two.database, sent.batch.id, user="sam").attempts] == ["arrived"]


def test_a_batch_of_another_cabinet_is_not_there(two: TestHouse) -> None:
    theirs = batch_page(two.database, BatchFilter(user=None, cabinet="CAB1")).rows[0].batch.id
    said = set()
    for number in (theirs, 4711):
        with pytest.raises(NotFound) as refused:
            batch_sheet(two.database, number, user="sam")
        said.add(str(refused.value).replace(str(number), "N"))
    assert len(said) == 1
