"""Cabinets, dossiers and the history of an account, as the pages show them, each within what a person may see."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sobank.domain.registry import MandateStep
from sobank.services.associate import Selection, associate, dissociate
from sobank.services.step_mandate import step_mandate
from sobank.store import schema as t
from sobank.store.account_history import association_history, mandate_history
from sobank.store.account_list import account_seen
from sobank.store.cabinet_list import cabinet_seen, cabinets_seen
from sobank.store.database import Database
from sobank.store.dossier_list import dossier_seen, dossiers_seen
from sobank.store.registry import Registry
from sobank.store.registry_edit import RegistryEditor
from tests.services.registry_world import NOW, build

STRANGERS = ("zoe", "nobody")


@pytest.fixture
def filled(database: Database) -> Database:
    build(database)
    c, d = t.cabinets.c, t.dossiers.c
    with database.write() as connection:
        told = {"address": "1 rue de la Paix", "production_software": ["Quadra", "Ibiza"], "siret": "73282932000074"}
        connection.execute(sa.update(t.cabinets).where(c.id == 1).values(name="Générale d’Expertise", **told))
        connection.execute(
            sa.update(t.dossiers).where(d.id == 2).values(name="ÉLECTRICITÉ Noël", siret="55208131766522")
        )
        connection.execute(sa.update(t.accounts).where(t.accounts.c.id == 2).values(closed_at=NOW))
        connection.execute(sa.update(t.connectors).where(t.connectors.c.id == 2).values(deleted_at=NOW))
    return database


def test_a_cabinet_is_shown_with_its_identity_and_what_it_has(filled: Database) -> None:
    found = cabinet_seen(filled, "CAB001", user="cleo")
    assert found is not None
    assert (found.name, found.siret, found.address) == ("Générale d’Expertise", "73282932000074", "1 rue de la Paix")
    assert found.production_software == ("Quadra", "Ibiza")
    assert (found.accounts, found.dossiers, found.connectors, found.members, found.closed) == (2, 2, 1, 3, False)
    other = cabinet_seen(filled, "CAB002", user=None)
    assert other is not None
    assert (other.address, other.production_software) == (None, ())


def test_what_is_another_cabinets_reads_as_if_it_did_not_exist(filled: Database) -> None:
    for user in STRANGERS:
        assert cabinet_seen(filled, "CAB001", user=user) is None is cabinet_seen(filled, "NONE", user=user)
        assert dossier_seen(filled, "CAB001", "D001", user=user) is None
        assert account_seen(filled, 1, user=user) is None is account_seen(filled, 99, user=user)
        assert mandate_history(filled, 1, user=user) == [] == association_history(filled, 1, user=user)
        assert dossiers_seen(filled, user=user, cabinet="CAB001").total == 0


@pytest.mark.parametrize(
    ("user", "search", "codes"),
    [
        (None, "", ["CAB001", "CAB002"]),
        ("cleo", "", ["CAB001"]),
        ("zoe", "", ["CAB002"]),
        (None, "generale", ["CAB001"]),
        (None, "732 829", ["CAB001"]),
        (None, "cab00", ["CAB001", "CAB002"]),
        ("zoe", "generale", []),
    ],
)
def test_cabinets_are_searched_by_code_name_and_siret(
    filled: Database, user: str | None, search: str, codes: list[str]
) -> None:
    page = cabinets_seen(filled, user=user, search=search)
    assert [row.code for row in page.rows] == codes
    assert (page.total, page.more) == (len(codes), False)


def test_a_dossier_is_shown_with_its_accounts_and_how_many_are_associated(filled: Database) -> None:
    associate(Registry(filled), Selection(cabinet="CAB001", accounts=(1,)), "fizen", actor="cleo", now=NOW)
    found = dossiers_seen(filled, user="anne").rows
    assert [(row.reference, row.accounts, row.associated) for row in found] == [("D001", 1, 1), ("D002", 1, 0)]
    assert dossier_seen(filled, "CAB001", "D001", user="anne") == found[0]
    assert [row.cabinet for row in dossiers_seen(filled, user=None).rows] == ["CAB001", "CAB001", "CAB002"]


@pytest.mark.parametrize(
    ("search", "ids"), [("electricite", [2]), ("ÉLEC", [2]), ("noe", [2]), ("552 081", [2]), ("D002", [2]), ("xx", [])]
)
def test_a_dossier_is_found_by_name_without_accents_by_siret_and_by_reference(
    filled: Database, search: str, ids: list[int]
) -> None:
    assert [row.id for row in dossiers_seen(filled, user=None, search=search).rows] == ids


def test_dossiers_come_in_pages_that_hold_each_once(filled: Database) -> None:
    pages = [dossiers_seen(filled, user=None, page=n, size=2) for n in (1, 2, 3)]
    assert [[row.id for row in page.rows] for page in pages] == [[1, 2], [3], []]
    assert {(page.total, page.pages) for page in pages} == {(3, 2)}


def test_the_history_of_an_account_says_who_decided_what_and_when(filled: Database) -> None:
    registry, one, later = Registry(filled), Selection(cabinet="CAB001", accounts=(1,)), NOW + timedelta(days=3)
    associate(registry, one, "fizen", actor="cleo", now=NOW)
    dissociate(registry, one, actor="sam", now=later)
    again = later + timedelta(days=1)
    associate(registry, one, "fizen", actor="anne", now=again)
    told = [
        (e.connector, e.since, e.decided_by, e.until, e.ended_by) for e in association_history(filled, 1, user="cleo")
    ]
    assert told == [("fizen", NOW, "cleo", later, "sam"), ("fizen", again, "anne", None, None)]
    with filled.read() as connection:
        iban = connection.scalar(sa.select(t.accounts.c.iban).where(t.accounts.c.id == 1))
    step_mandate(RegistryEditor(filled), iban=str(iban), step=MandateStep.DRAFT, on=NOW.date(), actor="sam", now=later)
    assert [(s.step, s.actor) for s in mandate_history(filled, 1, user="cleo")] == [("draft", "sam")]
    account = account_seen(filled, 1, user="cleo")
    assert account is not None
    assert (account.connector, account.mandate) == ("fizen", MandateStep.DRAFT)
