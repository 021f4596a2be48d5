"""*Clients*: the dossiers, the sheet of each, and *Ajouter un dossier* (A6, A9)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sobank.store import schema as t
from sobank.web.rendering import groups
from tests.builders import iban_of
from tests.web.site import COLLABORATEUR, HERE, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site

SIRET = "73282932000074"


def companies(text: str) -> set[str]:
    """Which of the three companies stand on a page."""
    return {name for name in ("Boulangerie", "Garage", "Fleuriste") if f"<td>{name}</td>" in text}


@pytest.mark.parametrize(
    ("user", "query", "seen"),
    [
        (COLLABORATEUR, {}, {"Boulangerie", "Garage"}),
        (STRANGER, {}, {"Fleuriste"}),
        (STRANGER, {"cabinet": HERE}, set()),
        (OPERATOR, {}, {"Boulangerie", "Garage", "Fleuriste"}),
        (OPERATOR, {"cabinet": THERE.lower()}, {"Fleuriste"}),
        (OPERATOR, {"search": "BOULANG"}, {"Boulangerie"}),
        (OPERATOR, {"search": "D2", "cabinet": ""}, {"Garage"}),
        (NOBODY, {}, set()),
    ],
)
def test_a_visitor_sees_the_dossiers_of_his_cabinets(
    looked: Site, user: str, query: dict[str, str], seen: set[str]
) -> None:
    assert companies(looked.as_(user).get("/dossiers", params=query).text) == seen


def test_the_list_says_how_many_accounts_of_a_dossier_are_associated(looked: Site) -> None:
    visitor = looked.as_(COLLABORATEUR)
    rows = visitor.get("/dossiers", params={"search": "Garage"}).text.partition("<tbody>")[2]
    assert '<td class="n">3</td><td class="n">1</td>' in rows
    assert "En partie" in rows


def test_the_sheet_shows_the_company_its_accounts_and_the_connectors_of_its_cabinet_only(looked: Site) -> None:
    page = looked.as_(COLLABORATEUR).get(f"/cabinets/{HERE}/dossiers/D2").text
    for text in ("Garage", "Cabinet Un", "3, dont 1 avec un connecteur", f"/cabinets/{HERE}/accounts/new?dossier=D2"):
        assert text in page
    assert {n for n in range(1, 7) if groups(iban_of(n)) in page} == {4, 5, 6}
    assert "Seuls les connecteurs du cabinet CAB001 sont proposés." in page
    assert f'action="/cabinets/{HERE}/associate/preview"' in page


def test_the_dossier_of_another_cabinet_is_answered_as_one_that_is_not_there(looked: Site) -> None:
    for path in (f"/cabinets/{HERE}/dossiers/D2", f"/cabinets/{THERE}/dossiers/D9", "/cabinets/CAB999/dossiers/D1"):
        assert looked.as_(STRANGER).get(path).status_code == 404


@pytest.mark.parametrize("reference", ["D9", "2026/17", "A & B", "É-1", "50%", "new", "a?b#c"])
def test_a_dossier_is_added_whatever_its_reference_and_its_sheet_opens(site: Site, reference: str) -> None:
    visitor = site.as_(COLLABORATEUR)
    form = {"reference": reference, "name": "Café « Chez <b> »", "siret": "732 829 320 00074"}
    answer = visitor.post(f"/cabinets/{HERE}/dossiers", data=form)
    assert answer.status_code == 303
    sheet = visitor.get(answer.headers["location"])
    assert sheet.status_code == 200
    assert "Chez &lt;b&gt;" in sheet.text
    assert SIRET in sheet.text
    assert "ajoutez son premier IBAN" in sheet.text
    listed = visitor.get("/dossiers", params={"search": reference}).text
    assert answer.headers["location"].partition("?")[0] in listed


@pytest.mark.parametrize(
    ("changed", "status", "sentence"),
    [
        ({"reference": "D1"}, 409, "Le cabinet a déjà un dossier de cette référence : Boulangerie."),
        ({"reference": " "}, 422, "Ce champ est à remplir."),
        ({"name": ""}, 422, "Ce champ est à remplir."),
        ({"name": "x" * 201}, 422, "de 200 caractères au plus"),
        ({"name": "a\x07b"}, 422, "Un texte d&#39;une ligne"),
        ({"siret": "73282932000075"}, 422, "celui-ci est faux"),
        ({"siret": "12"}, 422, "celui-ci est faux"),
    ],
)
def test_a_wrong_dossier_brings_the_form_back_with_what_is_wrong(
    looked: Site, changed: dict[str, str], status: int, sentence: str
) -> None:
    form = {"reference": "D9", "name": "Neuf", "siret": ""} | changed
    answer = looked.as_(SUPERVISEUR).post(f"/cabinets/{HERE}/dossiers", data=form)
    assert (answer.status_code, sentence in answer.text) == (status, True)


def test_a_dossier_is_only_added_by_members_of_its_cabinet_and_the_journal_says_by_whom(site: Site) -> None:
    form = {"reference": "D9", "name": "Neuf"}
    assert site.as_(STRANGER).post(f"/cabinets/{HERE}/dossiers", data=form).status_code == 404
    site.as_(COLLABORATEUR).post(f"/cabinets/{HERE}/dossiers", data=form)
    with site.house.database.read() as connection:
        newest = connection.execute(sa.select(t.audit_events).order_by(t.audit_events.c.id.desc()).limit(1)).one()
    assert (newest.actor, newest.action, newest.subject) == (COLLABORATEUR, "dossier.add", f"dossier:{HERE}/D9")
