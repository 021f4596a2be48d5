"""What the pages of deliveries and quarantine read beside lists, on both databases: within what a person may see."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.errors import NotFound
from sobank.store.batch_list import BatchFilter, batch_page
from sobank.store.batch_statements import last_bank_files, receipts, run_days, statements_of_batch
from sobank.store.quarantine_list import QuarantineFilter, quarantine_page, quarantine_rows
from sobank.store.schema import memberships, statements
from sobank.store.statement_sheet import statement_sheet
from tests.builders import Cabinet, TestHouse, file_of, iban_of, named, statement

DAYS = (date(2026, 3, 2), date(2026, 3, 3))
#: `anne` is a member of both cabinets as they are registered; `sup` of the second alone.
BOTH, ONE = "anne", "sup"


@pytest.fixture
def two(house: TestHouse) -> TestHouse:
    """Two cabinets, a day delivered and a day sealed; of the second day's statements that of 3 misses ten cents."""
    house.register(
        Cabinet("CAB1", ("fizen",), {1: ("approved", "fizen"), 3: ("approved", None)}),
        Cabinet("CAB2", ("fizen",), {2: ("approved", "fizen")}),
    )
    with house.database.write() as connection:
        cabinet = sa.text("(SELECT id FROM cabinets WHERE code = 'CAB2')")
        values = {"user": ONE, "cabinet_id": cabinet, "profile": "superviseur"}
        connection.execute(sa.insert(memberships).values(**values))
    house.take_in(file_of(statement(1, DAYS[0], 100, -30), statement(2, DAYS[0], 5)), name=named(DAYS[0]))
    house.run(DAYS[0])
    wrong = statement(3, DAYS[1], 10, 20, closing=20)
    house.take_in(file_of(statement(2, DAYS[1], 7, opening=5), wrong), name=named(DAYS[1], 2))
    house.decide(DAYS[1])
    return house


def batch(house: TestHouse, destination: str) -> int:
    states = tuple(BatchState)
    return batch_page(house.database, BatchFilter(user=None, states=states, destination=destination)).rows[0].batch.id


def of_account(house: TestHouse, n: int) -> int:
    query = sa.select(statements.c.id).where(statements.c.account == f"{n:011d}").order_by(statements.c.id.desc())
    with house.database.read() as connection:
        return int(connection.execute(query.limit(1)).scalar_one())


def test_a_statement_is_read_with_all_that_explains_it(two: TestHouse) -> None:
    sheet = statement_sheet(two.database, of_account(two, 3), user=BOTH)
    assert (sheet.iban, sheet.cabinet, sheet.status, sheet.reasons) == (
        iban_of(3),
        "CAB1",
        "quarantined",
        ("unbalanced",),
    )
    assert (sheet.opening, sheet.sum, sheet.expected, sheet.closing) == (0, 30, 30, 20)
    assert [entry.amount for entry in sheet.entries] == [10, 20]
    assert [record[:2] for record in sheet.records] == ["01", "04", "04", "07"]
    assert (sheet.records_length, sheet.batch) == (480, None)
    later = statement_sheet(two.database, of_account(two, 2), user=ONE)
    assert later.previous_closing == 5
    assert two.ledger.batch(later.batch or 0).business_date == DAYS[1]


def test_a_statement_of_another_cabinet_is_not_there(two: TestHouse) -> None:
    with pytest.raises(NotFound):
        statement_sheet(two.database, of_account(two, 3), user=ONE)


def test_statements_of_a_batch_are_shown_to_its_members_alone(two: TestHouse) -> None:
    number = batch(two, "connector:CAB1/fizen")
    shown = statements_of_batch(two.database, number, user=BOTH)
    assert [(one.iban, one.sum, one.n_entries) for one in shown.rows] == [(iban_of(1), 70, 2)]
    assert statements_of_batch(two.database, number, user=ONE).rows == ()


def test_receipts_and_days_of_runs_are_those_of_a_persons_cabinets(two: TestHouse) -> None:
    numbers = [batch(two, f"connector:{cabinet}/fizen") for cabinet in ("CAB1", "CAB2")]
    assert set(receipts(two.database, numbers, user=None)) == set(numbers)
    assert set(receipts(two.database, numbers, user=ONE)) == {numbers[1]}
    days = run_days(two.database, user=ONE)
    assert [(one.day, one.batches, one.statements) for one in days] == [
        (DAYS[1], {BatchState.SEALED: 1}, 1),
        (DAYS[0], {BatchState.DELIVERED: 1}, 1),
    ]
    assert [one.total for one in run_days(two.database, user=None, last=1)] == [1]
    assert sum(one.total for one in run_days(two.database, user=None)) == 3


def test_bank_files_tell_a_member_of_his_statements_alone(two: TestHouse) -> None:
    told = [(one.statements, one.quarantined, one.refused) for one in last_bank_files(two.database, user=None)]
    assert told == [(2, 1, 0), (2, 0, 0)]
    told = [(one.statements, one.quarantined, one.refused) for one in last_bank_files(two.database, user=ONE)]
    assert told == [(1, 0, None), (1, 0, None)]


def test_batches_are_found_by_partner_and_by_what_waits_for_a_person(two: TestHouse) -> None:
    def found(**wanted: object) -> int:
        return batch_page(two.database, BatchFilter(user=None, **wanted)).total  # type: ignore[arg-type]

    assert found(states=tuple(BatchState), partner="fizen") == 3
    assert found(states=tuple(BatchState), partner="global") == 0
    assert (found(overdue=DAYS[1]), found(overdue=date(2026, 3, 4))) == (0, 1)


def test_what_is_set_aside_is_found_between_days_and_by_number(two: TestHouse) -> None:
    number = of_account(two, 3)

    def found(**wanted: object) -> int:
        return quarantine_page(two.database, QuarantineFilter(user=None, **wanted)).total  # type: ignore[arg-type]

    assert [found(first=DAYS[1], last=DAYS[1]), found(last=DAYS[0]), found(first=date(2026, 3, 4))] == [1, 0, 0]
    assert [row.statement_id for row in quarantine_rows(two.database, QuarantineFilter(user=BOTH), [number])] == [
        number
    ]
    assert quarantine_rows(two.database, QuarantineFilter(user=ONE), [number]) == ()
