"""What the dashboard counts: every statement of a day once, where it is now, on both databases, for who may see it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import Claim, Happening
from sobank.store import schema
from sobank.store.bank_news import BankNews, bank_news
from sobank.store.dashboard import Cell, Dashboard, Figures
from tests.builders import NOW, Cabinet, TestHouse, file_of, iban_of, named, statement

MONDAY, TUESDAY, WEDNESDAY = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)


def member_of(house: TestHouse, cabinet: str) -> str:
    """A user who is a member of that cabinet alone."""
    user = f"of-{cabinet}"
    with house.database.write() as connection:
        number = connection.scalar(sa.select(schema.cabinets.c.id).where(schema.cabinets.c.code == cabinet))
        connection.execute(sa.insert(schema.memberships).values(user=user, cabinet_id=number, profile="collaborateur"))
    return user


@pytest.fixture
def week(house: TestHouse) -> TestHouse:
    """Monday delivered, with one unbalanced and one unknown; Tuesday sealed but not sent; Wednesday only received."""
    house.register(
        Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None), 3: ("draft", "fizen")}),
        Cabinet("CAB2", ("inqom",), accounts={4: ("approved", "inqom"), 5: ("approved", "inqom")}),
    )
    bad, unknown = statement(5, MONDAY, 7, closing=1), statement(9, MONDAY, 3)
    told = [statement(n, MONDAY, 1000 * n, -10) for n in (1, 2, 3, 4)]
    house.take_in(file_of(*told, bad, unknown), name=named(MONDAY))
    house.run(MONDAY)
    house.take_in(file_of(statement(1, TUESDAY, 50), statement(4, TUESDAY, 60)), name=named(TUESDAY))
    house.decide(TUESDAY)
    house.take_in(file_of(statement(1, WEDNESDAY, 70)), name=named(WEDNESDAY))
    return house


def test_each_statement_is_counted_once_where_it_is_now(week: TestHouse) -> None:
    cells = Dashboard(week.database, user=None).cells([MONDAY, TUESDAY, WEDNESDAY])
    assert set(cells) == {
        Cell(day=MONDAY, partner="fizen", delivered=1),
        Cell(day=MONDAY, partner=None, delivered=1),
        Cell(day=MONDAY, partner="inqom", delivered=1, quarantined=1),
        Cell(day=MONDAY, partner=None, known=False, quarantined=1),
        Cell(day=TUESDAY, partner="fizen", under_way=1),
        Cell(day=TUESDAY, partner="inqom", under_way=1),
        Cell(day=WEDNESDAY, partner="fizen", undecided=1),
    }


def test_a_member_counts_his_cabinets_alone(week: TestHouse) -> None:
    mine = Dashboard(week.database, user=member_of(week, "CAB2"))
    assert mine.partners() == ("inqom",)
    assert {(cell.day, cell.partner) for cell in mine.cells([MONDAY, TUESDAY, WEDNESDAY])} == {
        (MONDAY, "inqom"), (TUESDAY, "inqom"),
    }  # fmt: skip
    book = mine.book(MONDAY)
    assert book.received == Figures(statements=2, credit=4007, debit=-10)
    assert book.partners == Figures(statements=1, credit=4000, debit=-10)
    nobody = Dashboard(week.database, user="nobody")
    assert (nobody.partners(), nobody.cells([MONDAY]), nobody.book(MONDAY).received) == ((), (), Figures())
    assert bank_news(week.database, since=MONDAY, days=[], user="nobody") == ()


def test_a_batch_that_waits_for_a_person_is_held_and_one_that_failed_is_late(week: TestHouse) -> None:
    first, second = week.ledger.open_batches()
    for batch, happening in ((first, Happening.DOUBTFUL), (second, Happening.NO_ANSWER)):
        claim = week.ledger.claim(batch.id, worker="w", now=NOW, lease=timedelta(seconds=1))
        assert isinstance(claim, Claim)
        week.ledger.record(batch.id, claim.fence, happening, now=NOW, message="?")
    cells = {cell.partner: cell for cell in Dashboard(week.database, user=None).cells([TUESDAY])}
    assert cells["fizen"] == Cell(day=TUESDAY, partner="fizen", held=1)
    assert (cells["inqom"].late, cells["inqom"].held) == (1, 0)


def test_a_day_is_reconciled_in_count_and_to_the_cent(week: TestHouse) -> None:
    book = Dashboard(week.database, user=None).book(MONDAY)
    assert book.received == Figures(statements=6, credit=10_000 + 7 + 3, debit=-40)
    assert book.partners == Figures(statements=2, credit=5000, debit=-20)
    assert book.global_files == Figures(statements=1, credit=2000, debit=-10)
    assert book.quarantined == Figures(statements=2, credit=10, debit=0)
    assert book.pending == Figures(statements=1, credit=3000, debit=-10)
    assert (book.waiting, book.undecided, book.under_way) == (1, 0, 0)
    assert book.balances
    assert book.holds


def test_a_day_whose_amounts_no_64_bits_hold_together_is_reconciled_to_the_cent(week: TestHouse) -> None:
    most, least = 2**63 - 1, -(2**63)
    with week.database.write() as connection:
        for table in (schema.statements, schema.batches):
            connection.execute(sa.update(table).values(credit=most, debit=least))
    book = Dashboard(week.database, user=None).book(MONDAY)
    assert book.received == Figures(statements=6, credit=6 * most, debit=6 * least)
    assert book.partners == Figures(statements=2, credit=2 * most, debit=2 * least)


def test_a_day_does_not_hold_while_something_is_on_its_way_undecided_or_one_cent_off(week: TestHouse) -> None:
    reader = Dashboard(week.database, user=None)
    on_its_way, undecided = reader.book(TUESDAY), reader.book(WEDNESDAY)
    assert (on_its_way.balances, on_its_way.under_way, on_its_way.holds) == (True, 2, False)
    assert (undecided.balances, undecided.undecided, undecided.holds) == (True, 1, False)
    with week.database.write() as connection:
        connection.execute(sa.update(schema.batches).values(credit=schema.batches.c.credit + 1))
    assert not reader.book(MONDAY).balances
    assert not reader.book(MONDAY).holds


def test_a_statement_that_the_next_run_sets_aside_is_undecided_not_waiting(week: TestHouse) -> None:
    accounts: dict[int, tuple[str | None, str | None]] = {3: ("draft", None)}
    week.register(Cabinet("CAB3", accounts=accounts))
    book = Dashboard(week.database, user=None).book(MONDAY)
    assert (book.waiting, book.undecided) == (0, 1)


def test_days_are_the_newest_with_statements_and_none_that_lies_far_back_or_ahead(week: TestHouse) -> None:
    reader = Dashboard(week.database, user=None)
    assert reader.days(until=WEDNESDAY, most=14) == (WEDNESDAY, TUESDAY, MONDAY)
    assert reader.days(until=WEDNESDAY, most=2) == (WEDNESDAY, TUESDAY)
    assert reader.days(until=TUESDAY, most=14) == (TUESDAY, MONDAY)
    week.take_in(file_of(statement(1, MONDAY - timedelta(days=100), 1)), name="old.txt")
    assert reader.days(until=WEDNESDAY, most=14) == (WEDNESDAY, TUESDAY, MONDAY)
    assert reader.days(until=MONDAY - timedelta(days=1), most=14) == (MONDAY - timedelta(days=100),)


def test_banks_that_are_silent_come_first_with_their_last_news(week: TestHouse) -> None:
    with week.database.write() as connection:
        for n, name in ((1, "Banque A"), (2, "Banque B"), (4, "Banque A"), (5, None)):
            account = schema.accounts.c.iban == iban_of(n)
            connection.execute(sa.update(schema.accounts).where(account).values(bank_name=name))
    found = bank_news(week.database, since=WEDNESDAY, days=[WEDNESDAY, TUESDAY, MONDAY], user=None)
    assert found == (
        BankNews(bank="30004", accounts=1, silent=1, last=MONDAY),
        BankNews(bank="Banque B", accounts=1, silent=1, last=MONDAY),
        BankNews(bank="Banque A", accounts=2, silent=1, last=WEDNESDAY),
    )
    assert bank_news(week.database, since=WEDNESDAY, days=[TUESDAY], user=None)[0].last is None
    ((mine,)) = bank_news(week.database, since=TUESDAY, days=[], user=member_of(week, "CAB1"))[:1]
    assert (mine.bank, mine.accounts, mine.silent) == ("Banque B", 1, 1)
