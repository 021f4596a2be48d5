"""A list too long to be counted and sorted: its pages are the same accounts in the same order, whatever the way there.

The bound is made small enough for a few accounts to exceed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.iban import bban, iban
from sobank.errors import NotFound
from sobank.store import account_search, listing
from sobank.store import schema as t
from sobank.store.account_list import NO_CONNECTOR, NO_MANDATE, AccountFilter, AccountRow, account_page
from sobank.store.account_search import AccountSearch
from sobank.store.database import Database
from tests.services.registry_world import NOW, add

BOUND, REACHED = 6, 5
#: Codes, references and, within a dossier, IBANs do not ascend as ids do: who sorts by ids is found out.
CODES = ("CAB003", "CAB001", "CAB004", "CAB002")
USERS = {"one": [1], "two": [1, 4], "none": []}


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    for module in (listing, account_search):
        monkeypatch.setattr(module, "COUNTED", BOUND)
    monkeypatch.setattr(listing, "WALKED", REACHED)
    cabinets = [{"code": code, "name": code} for code in CODES]
    places = [(cabinet, dossier) for cabinet in range(1, 5) for dossier in (3, 1, 2)]
    dossiers = [
        {"cabinet_id": c, "reference": f"D{d}", "name": f"Café {c}{d}", "siret": f"7328293200{c}{d}74"}
        for c, d in places
    ]
    numbers = [bban("30004", "00001", f"{n * 17 % 41:011d}") for n in range(1, 41)]
    accounts = [
        {"dossier_id": n % 12 + 1, "cabinet_id": places[n % 12][0], "iban": iban(key), "bban": key, "currency": "EUR"}
        for n, key in enumerate(numbers)
    ]
    steps = [
        {"account_id": n, "step": ("draft", "approved")[n % 3 > 0], "step_since": NOW, "current": True}
        for n in range(1, 41) if n % 5
    ]  # fmt: skip
    named = [{"cabinet_id": c, "partner": "fizen", "name": "fizen", "settings": {}} for c in range(1, 5)]
    taken = [
        {"account_id": n, "connector_id": account["cabinet_id"], "since": NOW, "decided_by": "anne"}
        for n, account in enumerate(accounts, start=1) if n % 4
    ]  # fmt: skip
    with database.write() as connection:
        for table, rows in (
            (t.cabinets, cabinets), (t.dossiers, dossiers), (t.accounts, accounts), (t.mandates, steps),
            (t.connectors, named), (t.associations, taken),
        ):  # fmt: skip
            add(connection, table, rows)
        members = [
            {"user": user, "cabinet_id": cabinet, "profile": "superviseur"}
            for user, theirs in USERS.items() for cabinet in theirs
        ]  # fmt: skip
        add(connection, t.memberships, members)
    return database


def everything(database: Database) -> list[AccountRow]:
    """Every account in the order of the list, sorted here and not by a database."""
    ids = range(1, 41)
    with database.read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(t.accounts)) == len(ids)
    rows = [row for code in CODES for row in _all_pages(database, AccountFilter(user=None, cabinet=code))]
    return sorted(rows, key=lambda row: (row.cabinet, row.dossier, row.iban, row.id))


def _all_pages(database: Database, wanted: AccountFilter, *, size: int = 3) -> list[AccountRow]:
    page = account_page(database, wanted, size=size)
    found = list(page.rows)
    while page.after is not None:
        page = account_page(database, wanted, size=size, after=page.after)
        found += page.rows
        assert len(found) <= 40, "pages come again"
    return found


def _matches(row: AccountRow, wanted: dict[str, Any]) -> bool:
    text = wanted.get("search", "")
    theirs = {CODES[cabinet - 1] for cabinet in USERS.get(wanted.get("user") or "", range(1, 5))}
    return (
        row.cabinet in theirs
        and (text in row.iban or text in row.company.lower().replace("é", "e") or text in (row.siret or ""))
        and wanted.get("cabinet") in {None, row.cabinet}
        and wanted.get("dossier") in {None, row.dossier}
        and wanted.get("mandate") in {None, row.mandate or NO_MANDATE}
        and wanted.get("connector") in {None, row.connector or NO_CONNECTOR}
    )


WISHES: list[dict[str, Any]] = [
    {},
    {"user": "one"},
    {"user": "two"},
    {"user": "none"},
    {"cabinet": "CAB002"},
    {"user": "two", "dossier": "D1"},
    {"mandate": "approved"},
    {"mandate": "draft", "user": "two"},
    {"mandate": NO_MANDATE},
    {"connector": "fizen"},
    {"connector": NO_CONNECTOR},
    {"connector": "fizen", "mandate": "approved", "user": "one"},
    {"search": "cafe"},
    {"search": "cafe", "user": "one"},
    {"search": "FR76", "user": "two"},
    {"search": "7328293", "mandate": "approved"},
    {"search": "cafe 12"},
    {"search": "nothing"},
]


def test_going_on_from_page_to_page_meets_every_match_once_in_order(filled: Database) -> None:
    all_rows = everything(filled)
    for wish in WISHES:
        expected = [row for row in all_rows if _matches(row, wish)]
        wanted = AccountFilter(**({"user": None} | wish))
        assert _all_pages(filled, wanted) == expected, wish
        first = account_page(filled, wanted, size=3)
        assert (first.total, first.more) == (min(len(expected), BOUND), len(expected) > BOUND), wish


def test_pages_by_number_are_the_same_as_far_as_they_reach(filled: Database) -> None:
    all_rows = everything(filled)
    for wish in WISHES:
        expected = [row for row in all_rows if _matches(row, wish)]
        wanted = AccountFilter(**({"user": None} | wish))
        pages = [account_page(filled, wanted, page=n, size=4) for n in range(1, 5)]
        reached = expected[:REACHED] if len(expected) > BOUND else expected
        assert [row for page in pages for row in page.rows] == reached, wish
        assert {page.pages for page in pages} == {max(1, -(-len(reached) // 4))}, wish


def test_nobody_goes_on_from_an_account_of_another_cabinet(filled: Database) -> None:
    for unseen in (2, 99):
        with pytest.raises(NotFound, match="start from the first page"):
            account_page(filled, AccountFilter(user="one"), after=unseen * 3 + 1)


def test_a_search_on_postgresql_asks_the_indexes_of_parts_of_texts(fresh_postgres_url: Callable[[], str]) -> None:
    database = Database(fresh_postgres_url())
    search = AccountSearch(scope=None, conditions=(), text="732 boulangerie", sqlite=False)
    asked = search.ids().compile(database.engine, compile_kwargs={"literal_binds": True})
    with database.read() as connection:
        for other_way in ("seqscan", "indexscan"):  # which a few rows make cheaper
            connection.exec_driver_sql(f"SET LOCAL enable_{other_way} = off")
        plan = "\n".join(row[0] for row in connection.execute(sa.text(f"EXPLAIN {asked}")))
    database.close()
    for index in ("accounts_iban", "dossiers_siret", "dossiers_name_folded"):
        assert f"ix_{index}_trigrams" in plan
