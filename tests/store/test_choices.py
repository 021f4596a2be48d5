"""What filters and forms offer: within what a person may see, and never more than can be looked through (A4)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sobank.store import schema as t
from sobank.store.choices import MOST, cabinets_to_choose, connector_names, connectors_to_choose
from sobank.store.database import Database
from tests.services.registry_world import NOW, add, build


@pytest.fixture
def filled(database: Database) -> Database:
    build(database)
    return database


def test_a_person_chooses_among_the_cabinets_that_are_his(filled: Database) -> None:
    chosen = {user: cabinets_to_choose(filled, user=user) for user in (None, "cleo", "zoe", "nobody")}
    assert {user: [one.code for one in found or ()] for user, found in chosen.items()} == {
        None: ["CAB001", "CAB002"], "cleo": ["CAB001"], "zoe": ["CAB002"], "nobody": []
    }  # fmt: skip


def test_of_more_cabinets_than_anybody_looks_through_none_is_offered(filled: Database) -> None:
    with filled.write() as connection:
        add(connection, t.cabinets, [{"code": f"M{n}", "name": "M"} for n in range(MOST - 2)])
    assert len(cabinets_to_choose(filled, user=None) or ()) == MOST
    with filled.write() as connection:
        add(connection, t.cabinets, [{"code": "ONE-MORE", "name": "M"}])
    assert cabinets_to_choose(filled, user=None) is None
    assert cabinets_to_choose(filled, user="nobody") == []


def test_of_each_cabinet_its_own_connectors_are_offered_those_taken_off_are_not(filled: Database) -> None:
    both = ("CAB001", "CAB002")
    assert connectors_to_choose(filled, both, user=None) == {"CAB001": ["fizen", "fulll"], "CAB002": ["inqom"]}
    assert connectors_to_choose(filled, both, user="zoe") == {"CAB001": [], "CAB002": ["inqom"]}
    with filled.write() as connection:
        connection.execute(sa.update(t.connectors).where(t.connectors.c.name == "fulll").values(deleted_at=NOW))
    assert connectors_to_choose(filled, {"CAB001"}, user="cleo") == {"CAB001": ["fizen"]}
    assert connectors_to_choose(filled, (), user=None) == {}


def test_names_of_connectors_are_offered_once_within_what_a_person_may_see(filled: Database) -> None:
    with filled.write() as connection:
        add(connection, t.connectors, [{"cabinet_id": 2, "partner": "fizen", "name": "fizen", "settings": {}}])
    names = {user: connector_names(filled, user=user) for user in (None, "cleo", "zoe", "nobody")}
    assert names == {
        None: ["fizen", "fulll", "inqom"], "cleo": ["fizen", "fulll"], "zoe": ["fizen", "inqom"], "nobody": []
    }  # fmt: skip
