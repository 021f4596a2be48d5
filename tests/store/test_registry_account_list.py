"""The list of accounts (A9): search, filters, bounded pages, and the scope of a person."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.registry import MandateStep
from sobank.services.associate import Selection, associate
from sobank.store import schema as t
from sobank.store.account_list import MAX_PAGE, NO_CONNECTOR, NO_MANDATE, AccountFilter, account_page
from sobank.store.database import Database
from sobank.store.registry import Registry
from tests.services.registry_world import NOW, add, build


@pytest.fixture
def filled(database: Database) -> Database:
    build(database)
    associate(Registry(database), Selection(cabinet="CAB001", accounts=(1,)), "fizen", actor="cleo", now=NOW)
    with database.write() as connection:
        add(connection, t.mandates, [{"account_id": 1, "step": "revoked", "step_since": NOW, "current": False}])
        add(connection, t.mandates, [{"account_id": 1, "step": "approved", "step_since": NOW, "current": True}])
        connection.execute(
            sa.update(t.dossiers).where(t.dossiers.c.id == 2).values(siret="73282932000074", name="100 % Pur")
        )
    return database


def found(database: Database, **wanted: Any) -> list[int]:
    return [row.id for row in account_page(database, AccountFilter(**({"user": None} | wanted))).rows]


def test_a_row_shows_what_support_and_cabinets_look_for(filled: Database) -> None:
    row = account_page(filled, AccountFilter(user="cleo")).rows[0]
    assert (row.id, row.cabinet, row.dossier, row.company) == (1, "CAB001", "D001", "Société D001")
    assert (row.mandate, row.mandate_since, row.connector, row.closed) == (MandateStep.APPROVED, NOW, "fizen", False)


def test_a_person_sees_the_cabinets_of_which_they_are_a_member_and_no_other(filled: Database) -> None:
    assert found(filled) == [1, 2, 3, 4]
    assert found(filled, user="cleo") == [1, 2, 3]
    assert found(filled, user="zoe") == [4]
    assert found(filled, user="zoe", cabinet="CAB001") == []
    assert found(filled, user="nobody") == []


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("0000 0000 002", [2]),
        ("fr76", [1, 2, 3, 4]),
        ("société d001", [1, 2, 4]),
        ("732 829 320", [3]),
        ("100 %", [3]),
        ("%", [3]),
        ("_", []),
        ("' OR 1=1 --", []),
    ],
)
def test_search_finds_iban_company_and_siret_and_takes_signs_as_they_are(
    filled: Database, search: str, ids: list[int]
) -> None:
    assert found(filled, search=search) == ids


def test_filters_on_cabinet_mandate_and_connector(filled: Database) -> None:
    assert found(filled, cabinet="CAB002") == [4]
    assert found(filled, mandate="approved") == [1]
    assert found(filled, mandate="revoked") == []
    assert found(filled, mandate=NO_MANDATE) == [2, 3, 4]
    assert found(filled, connector="fizen") == [1]
    assert found(filled, connector=NO_CONNECTOR) == [2, 3, 4]


def test_pages_are_bounded_and_together_hold_each_account_once(filled: Database) -> None:
    pages = [account_page(filled, AccountFilter(user=None), page=n, size=3) for n in (1, 2, 3)]
    assert [[row.id for row in page.rows] for page in pages] == [[1, 2, 3], [4], []]
    assert {page.total for page in pages} == {4}
    assert account_page(filled, AccountFilter(user=None), size=10**9).size == MAX_PAGE
