"""The statements of an account and the days of a cabinet, read alike from both databases (A10, S9, D3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from sobank.domain.balance_chain import Balances, chained
from sobank.domain.delivery import BatchState
from sobank.domain.global_file_day import Absent, DayFigures
from sobank.store import schema
from sobank.store.account_sheet import account_sheet, statement_of_account
from sobank.store.global_files import GlobalFiles
from tests.builders import Cabinet, TestHouse, file_of, iban_of, named, statement
from tests.web.site import DAY

NEXT = DAY + timedelta(days=1)


def account(house: TestHouse, n: int) -> int:
    """Number of the row of the n-th account."""
    with house.database.read() as connection:
        query = sa.select(schema.accounts.c.id).where(schema.accounts.c.iban == iban_of(n))
        return int(connection.execute(query).scalar_one())


def world(house: TestHouse) -> None:
    """A: fizen takes 1, none takes 2, 3 waits for its mandate, 4 has lost its own, 5 comes late. B has one account."""
    told: dict[int, tuple[str | None, str | None]] = dict.fromkeys((2, 5), ("approved", None))
    told |= {1: ("approved", "fizen"), 3: ("signed", None), 4: ("revoked", None)}
    house.register(Cabinet("A", accounts=told), Cabinet("B", accounts={11: ("approved", None)}))
    house.take_in(file_of(*(statement(n, DAY, 100, -30, opening=500) for n in (1, 2, 3, 4, 11))), name=named(DAY))
    house.run(DAY)
    house.take_in(file_of(statement(5, DAY, 7)), name=named(DAY, 2))


def test_a_sheet_tells_of_each_statement_where_it_is(house: TestHouse) -> None:
    world(house)
    found = {n: account_sheet(house.database, account(house, n), user="anne").page.rows[0] for n in (1, 2, 3, 4, 5)}
    leaving = {n: (row.batch.connector, row.batch.state) if row.batch else None for n, row in found.items()}
    assert leaving == {1: ("fizen", BatchState.DELIVERED), 2: (None, BatchState.DELIVERED), 3: None, 4: None, 5: None}
    assert {n: row.status for n, row in found.items() if n > 2} == {3: "pending", 4: "quarantined", 5: "pending"}
    assert found[4].reasons == ("mandate_revoked",)
    assert (found[1].opening, found[1].credit, found[1].debit, found[1].closing) == (500, 100, -30, 570)


def test_what_was_given_up_says_by_whom_and_is_in_no_chain(house: TestHouse) -> None:
    world(house)
    s, q = schema.statements, schema.quarantine
    closing: dict[str, Any] = {"resolution": "rejected", "resolved_by": "anne", "resolution_reason": "faux"}
    with house.database.write() as connection:
        mine = sa.select(s.c.id).where(s.c.account_id == account(house, 4))
        connection.execute(sa.update(q).where(q.c.statement_id.in_(mine)).values(closed_at=q.c.opened_at, **closing))
        connection.execute(sa.update(s).where(s.c.account_id == account(house, 4)).values(status="rejected"))
    row = account_sheet(house.database, account(house, 4), user=None).page.rows[0]
    assert row.rejection is not None
    assert (row.rejection.by, row.rejection.why, row.reasons, row.balances) == ("anne", "faux", (), None)


def test_a_page_knows_the_balances_before_it(house: TestHouse) -> None:
    world(house)
    days = [DAY + timedelta(days=n) for n in range(1, 8)]
    house.take_in(file_of(*(statement(1, day, opening=570) for day in days)), name=named(days[-1], 3))
    found = account_sheet(house.database, account(house, 1), user=None, page=1, size=2)
    assert [row.business_date for row in found.page.rows] == [days[-1], days[-2]]
    assert (found.page.total, found.page.pages) == (8, 4)
    assert [older.closing_date for older in found.older] == days[-3:-8:-1]
    assert account_sheet(house.database, account(house, 1), user=None, page=4, size=2).older == ()


def test_statements_are_shown_to_members_of_their_cabinet_alone(house: TestHouse) -> None:
    world(house)
    mine = account(house, 1)
    assert account_sheet(house.database, mine, user="stranger").page.rows == ()
    one = account_sheet(house.database, mine, user=None).page.rows[0].id
    assert statement_of_account(house.database, mine, one, user="anne") is not None
    assert statement_of_account(house.database, mine, one, user="stranger") is None
    assert statement_of_account(house.database, account(house, 2), one, user=None) is None


def test_a_day_counts_every_statement_of_a_cabinet_once(house: TestHouse) -> None:
    world(house)
    a, b = GlobalFiles(house.database, user="anne").listed([DAY], None)
    assert a.figures == DayFigures(
        accounts=5, associated=1, to_partners=1, to_global=1, waiting=1, undecided=1, set_aside=1
    )
    assert (b.cabinet, b.figures) == ("B", DayFigures(accounts=1, to_global=1))
    assert a.figures.received == 5
    (file,) = a.files
    assert (file.n_statements, file.n_entries, file.n_records, file.size) == (1, 2, 4, 4 * 122)
    assert [(one.currency, one.decimals, one.debit, one.credit) for one in file.sums] == [("EUR", 2, -30, 100)]
    assert file.written


def test_a_file_that_was_given_up_is_none_and_its_statements_are_where_they_are(house: TestHouse) -> None:
    world(house)
    with house.database.write() as connection:
        connection.execute(sa.update(schema.batches).values(state="rejected"))
    assert not GlobalFiles(house.database, user=None).listed([DAY], ["A"])[0].files


def test_days_and_cabinets_are_those_of_the_one_who_asks(house: TestHouse) -> None:
    world(house)
    house.take_in(file_of(statement(11, NEXT, 7)), name=named(NEXT, 3))
    files = GlobalFiles(house.database, user="anne")
    assert files.days(["A"], until=None) == [DAY]
    assert files.days(None, until=None) == [NEXT, DAY]
    assert files.days(None, until=DAY) == [DAY]
    stranger = GlobalFiles(house.database, user="stranger")
    assert stranger.days(None, until=None) == stranger.listed([DAY], None) == stranger.listed([DAY], ["A"]) == []


def test_many_cabinets_are_listed_by_the_page(house: TestHouse) -> None:
    house.register(*(Cabinet(f"C{n:03d}", accounts={}) for n in range(103)))
    files = GlobalFiles(house.database, user=None)
    first, second = (files.listed([DAY], None, page=n) for n in (1, 2))
    assert [one.cabinet for one in first + second] == [f"C{n:03d}" for n in range(103)]
    assert (len(first), len(second)) == (100, 3)
    assert {one.figures.absent for one in first} == {Absent.NO_ACCOUNT}


def test_a_statement_out_of_its_chain_is_told_from_those_in_it() -> None:
    days = [DAY + timedelta(days=n) for n in range(4)]
    told = [(0, 10), (10, 20), (25, 30)]
    balances = [
        Balances(id=n, opening_date=days[n], opening=opening, closing_date=days[n + 1], closing=closing)
        for n, (opening, closing) in enumerate(told)
    ]
    assert [(link.before, link.gap) for link in chained(reversed(balances))] == [(None, False), (10, False), (20, True)]


def test_the_reason_of_an_absence_is_the_first_that_is_true() -> None:
    assert DayFigures(accounts=2, associated=2, undecided=1).absent is Absent.ALL_ASSOCIATED
    assert DayFigures(accounts=2, undecided=1, waiting=1, set_aside=1).absent is Absent.NOT_YET_RUN
    assert DayFigures(accounts=2, waiting=1, set_aside=1, to_partners=1).absent is Absent.WAITING
    assert DayFigures(accounts=2, rejected=1, to_partners=1).absent is Absent.SET_ASIDE
    assert DayFigures(accounts=2, to_partners=1).absent is Absent.TO_PARTNERS
    assert DayFigures(accounts=2, associated=1).absent is Absent.NO_STATEMENT
    assert DayFigures(accounts=2, associated=2, to_global=1).absent is None
