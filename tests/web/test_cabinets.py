"""*Cabinets*: whose they are, the sheet of one, and its identity (A13)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sobank.store.cabinet_list import cabinet_seen
from sobank.store.schema import audit_events, cabinets
from tests.web.site import (
    ADMINISTRATEUR,
    COLLABORATEUR,
    HERE,
    NOBODY,
    OPERATOR,
    STRANGER,
    SUPERVISEUR,
    THERE,
    Site,
)
from tests.web.test_connectors import text_of

SIRET = "73282932000074"
SHEET = f"/cabinets/{HERE}"
GOOD = {"name": "Cabinet Un & Fils", "siret": "732 829 320 00074", "address": "12 rue des Lilas\r\n69003 Lyon"}


@pytest.mark.parametrize(
    ("user", "sees"), [(COLLABORATEUR, {HERE}), (STRANGER, {THERE}), (OPERATOR, {HERE, THERE}), (NOBODY, set())]
)
def test_a_visitor_sees_his_cabinets_alone(site: Site, user: str, sees: set[str]) -> None:
    shown = site.as_(user).get("/cabinets")
    for cabinet in (HERE, THERE):
        assert (f'href="/cabinets/{cabinet}"' in shown.text) is (cabinet in sees)
    assert ("Vous n'êtes membre d'aucun cabinet" in text_of(shown)) is (not sees)


@pytest.mark.parametrize(
    ("search", "sees"), [("deux", {THERE}), ("cab001", {HERE}), ("rien", set()), ("", {HERE, THERE})]
)
def test_cabinets_are_searched_by_code_and_name(site: Site, search: str, sees: set[str]) -> None:
    shown = site.as_(OPERATOR).get("/cabinets", params={"search": search, "page": ""})
    assert {c for c in (HERE, THERE) if f'href="/cabinets/{c}"' in shown.text} == sees
    assert ("Aucun cabinet ne correspond." in text_of(shown)) is (not sees)


def test_a_long_list_has_pages(site: Site) -> None:
    with site.house.database.write() as connection:
        connection.execute(sa.insert(cabinets), [{"code": f"Z{n:03}", "name": f"Z {n}"} for n in range(60)])
    first, second = (site.as_(OPERATOR).get("/cabinets", params={"page": n}).text for n in (1, 2))
    assert 'rel="next"' in first
    assert "page=2" in first
    assert "Z059" not in first
    assert "Z059" in second
    assert 'rel="next"' not in second


def test_the_sheet_shows_the_identity_and_the_figures(site: Site) -> None:
    site.as_(SUPERVISEUR).post(f"{SHEET}/edit", data=GOOD | {"software": "Quadra\nSilae"})
    said = text_of(site.as_(COLLABORATEUR).get(SHEET))
    for words in ("Cabinet Un & Fils", HERE, SIRET, "12 rue des Lilas", "69003 Lyon", "Quadra, Silae"):
        assert words in said
    assert "2 associés à un connecteur" in said
    assert "IBAN 6" in said


@pytest.mark.parametrize("user", [ADMINISTRATEUR, SUPERVISEUR, OPERATOR])
def test_a_lead_changes_the_identity_as_one_event(site: Site, user: str) -> None:
    lead = site.as_(user)
    assert f'href="{SHEET}/edit"' in lead.get(SHEET).text
    assert 'value="Cabinet Un"' in lead.get(f"{SHEET}/edit").text
    changed = lead.post(f"{SHEET}/edit", data=GOOD)
    assert "La fiche du cabinet est modifiée." in text_of(lead.get(changed.headers["location"]))
    found = cabinet_seen(site.house.database, HERE, user=None)
    assert found is not None
    assert (found.name, found.siret) == ("Cabinet Un & Fils", SIRET)
    same = lead.post(f"{SHEET}/edit", data=GOOD)
    assert "Rien n'a changé" in text_of(lead.get(same.headers["location"]))
    with site.house.database.read() as connection:
        query = sa.select(audit_events.c.actor).where(audit_events.c.action == "cabinet.edit")
        assert list(connection.scalars(query)) == [user]


def test_a_collaborateur_is_offered_no_change_and_makes_none(site: Site) -> None:
    assert "/edit" not in site.as_(COLLABORATEUR).get(SHEET).text
    before = site.fingerprint()
    assert site.as_(COLLABORATEUR).get(f"{SHEET}/edit").status_code == 403
    assert site.as_(COLLABORATEUR).post(f"{SHEET}/edit", data=GOOD).status_code == 403
    assert site.fingerprint() == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "raison sociale"),
        ({"siret": "73282932000075"}, "siret n'est pas valide"),
        ({"address": "x" * 501}, "500 caractères"),
        ({"software": "\n".join(f"Logiciel {n}" for n in range(21))}, "20 au plus"),
    ],
)
def test_what_cannot_be_is_told_beside_what_was_typed(site: Site, typed: dict[str, str], said: str) -> None:
    before = site.fingerprint()
    answer = site.as_(SUPERVISEUR).post(f"{SHEET}/edit", data=GOOD | typed)
    assert (answer.status_code, said in text_of(answer)) == (422, True)
    assert "12 rue des Lilas" in answer.text or "address" in typed
    assert site.fingerprint() == before


def test_an_operator_adds_a_cabinet_and_goes_on_to_its_members(site: Site) -> None:
    lead = site.as_(OPERATOR)
    assert 'href="/new-cabinet"' in lead.get("/cabinets").text
    assert lead.get("/new-cabinet").status_code == 200
    for code, said in (("cab 3", "Le numéro client est fait"), (HERE, "déjà pris")):
        answer = lead.post("/cabinets", data=GOOD | {"code": code})
        assert (answer.status_code, said in text_of(answer)) == (422, True)
    added = lead.post("/cabinets", data=GOOD | {"code": "CAB003"})
    assert added.headers["location"].startswith("/cabinets/CAB003/members?")
    assert "Ajoutez ses collaborateurs." in text_of(lead.get(added.headers["location"]))


def test_nobody_else_adds_a_cabinet(site: Site) -> None:
    assert "/new-cabinet" not in site.as_(ADMINISTRATEUR).get("/cabinets").text
    assert site.as_(ADMINISTRATEUR).get("/new-cabinet").status_code == 403
    assert site.as_(ADMINISTRATEUR).post("/cabinets", data=GOOD | {"code": "CAB003"}).status_code == 403
    assert cabinet_seen(site.house.database, "CAB003", user=None) is None
