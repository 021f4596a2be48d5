"""*Associer*: in place, a selection, a dossier, a cabinet; first a preview, then all or nothing (A4–A7, A10)."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.store import schema as t
from tests.services.registry_world import in_force
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

PREVIEW, CHANGE = f"/cabinets/{HERE}/associate/preview", f"/cabinets/{HERE}/associate"


def connectors(site: Site) -> dict[int, str]:
    """Connector by n of the account; accounts without are absent."""
    names = in_force(site.house.database)
    return {n: names[site.account(n)] for n in (1, 2, 3, 4, 5, 6, 11, 12) if site.account(n) in names}


def wish(site: Site, connector: str, *accounts: int) -> dict[str, Any]:
    """The form of a selection."""
    return {"scope": "selection", "connector": connector, "accounts": [site.account(n) for n in accounts]}


def confirmed(page: str) -> dict[str, Any]:
    """The fields that a preview sends when it is confirmed."""
    form = re.search(r'action="[^"]*/associate">(.*?)</form>', page, re.DOTALL)
    assert form is not None, "nothing to confirm"
    found: dict[str, Any] = {"accounts": []}
    for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form[1]):
        if name == "accounts":
            found["accounts"].append(value)
        else:
            found[name] = value
    return found


START = {1: "fizen", 4: "inqom", 11: "fizen"}


@pytest.mark.parametrize("user", [ADMINISTRATEUR, SUPERVISEUR, COLLABORATEUR, OPERATOR])
def test_every_profile_changes_the_connector_of_an_account_from_the_list_and_comes_back_to_the_same_list(
    site: Site, user: str
) -> None:
    place = f"/accounts/{site.account(2)}/connector?cabinet={HERE}&connector=-&page=1&note=x"
    answer = site.as_(user).post(place, data={"connector": "inqom"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/accounts?")
    assert {f"cabinet={HERE}", "connector=-", "page=1", "note=account_associated"} <= set(
        answer.headers["location"].partition("?")[2].split("&")
    )
    assert connectors(site) == START | {2: "inqom"}
    assert "Le compte est associé" in site.as_(user).get(answer.headers["location"]).text


@pytest.mark.parametrize(
    ("view", "back"),
    [("account", "/accounts/{n}?"), ("dossier", f"/cabinets/{HERE}/dossiers/D1?"), ("list", "/accounts?")],
)
def test_no_connector_dissociates_and_leads_back_to_where_it_was_asked(site: Site, view: str, back: str) -> None:
    number = site.account(1)
    answer = site.as_(COLLABORATEUR).post(
        f"/accounts/{number}/connector", data={"connector": "-", "view": view, "dossier": "D1"}
    )
    assert answer.headers["location"].startswith(back.format(n=number))
    assert "note=account_dissociated" in answer.headers["location"]
    assert connectors(site) == {4: "inqom", 11: "fizen"}


@pytest.mark.parametrize(("connector", "status"), [("fulll", 409), ("", 422), ("none", 409), ("Aucun connecteur", 409)])
def test_a_connector_that_is_not_on_the_cabinet_is_refused_with_those_that_are(
    looked: Site, connector: str, status: int
) -> None:
    for path, form in (
        (f"/accounts/{looked.account(1)}/connector", {"connector": connector}),
        (PREVIEW, wish(looked, connector, 1)),
        (CHANGE, wish(looked, connector, 1) | {"expected": 1}),
    ):
        answer = looked.as_(SUPERVISEUR).post(path, data=form)
        assert answer.status_code == status
        assert "Rien n&#39;a été changé." in answer.text
        assert set(re.findall(r'<option value="([a-z-]+)"', answer.text)) == {"fizen", "inqom", "-"}


def test_a_preview_says_what_would_leave_what_and_changes_nothing(looked: Site) -> None:
    page = looked.as_(COLLABORATEUR).post(PREVIEW, data=wish(looked, "inqom", 1, 2, 3, 4)).text
    assert "Ces 2 comptes quitteraient le fichier global pour inqom à partir de leur prochain relevé." in page
    assert "Un compte quitterait fizen pour inqom à partir de son prochain relevé." in page
    assert "1 compte est déjà ainsi" in page
    assert "L&#39;un d&#39;eux n&#39;a pas de mandat approuvé" in page
    assert "Associer ces 3 comptes" in page


def test_a_confirmed_selection_changes_in_one_step_and_is_reported(site: Site) -> None:
    visitor = site.as_(COLLABORATEUR)
    form = confirmed(visitor.post(PREVIEW, data=wish(site, "inqom", 1, 2, 4)).text)
    answer = visitor.post(CHANGE, data=form)
    assert answer.status_code == 303
    report = visitor.get(answer.headers["location"]).text
    assert "2 comptes sont maintenant associés à inqom." in report
    assert "1 compte l&#39;était déjà" in report
    assert "vont au fichier global" in report
    assert connectors(site) == {1: "inqom", 2: "inqom", 4: "inqom", 11: "fizen"}


def test_tout_associer_leaves_no_global_file_and_says_so_before_and_after(site: Site) -> None:
    visitor = site.as_(SUPERVISEUR)
    preview = visitor.post(PREVIEW, data={"scope": "cabinet", "connector": "fizen"}).text
    assert "il n&#39;y aurait plus de fichier global" in preview
    answer = visitor.post(CHANGE, data=confirmed(preview))
    assert "il n&#39;y a pas de fichier global" in visitor.get(answer.headers["location"]).text
    assert connectors(site) == dict.fromkeys((1, 2, 3, 4, 5, 6, 11), "fizen")
    back = visitor.post(PREVIEW, data=wish(site, "-", 1)).text
    assert "aurait de nouveau un fichier global" in back


def test_a_whole_dossier_is_dissociated_and_the_report_leads_back_to_it(site: Site) -> None:
    visitor = site.as_(COLLABORATEUR)
    form = confirmed(visitor.post(PREVIEW, data={"scope": "dossier", "dossier": "D2", "connector": "-"}).text)
    answer = visitor.post(CHANGE, data=form)
    report = visitor.get(answer.headers["location"]).text
    assert "1 compte est maintenant sans connecteur." in report
    assert f'href="/cabinets/{HERE}/dossiers/D2"' in report
    assert connectors(site) == {1: "fizen", 11: "fizen"}


def test_a_selection_over_two_cabinets_is_refused_whole_and_explained_to_who_may_know(looked: Site) -> None:
    form = wish(looked, "inqom", 2, 11)
    for path in (PREVIEW, CHANGE):
        told = looked.as_(OPERATOR).post(path, data=form | {"expected": 1})
        assert told.status_code == 409
        assert f"La sélection porte sur plusieurs cabinets : {THERE} en plus de {HERE}." in told.text
        member = looked.as_(SUPERVISEUR).post(path, data=form | {"expected": 1})
        assert member.status_code == 409
        assert f"1 compte de la sélection n&#39;est pas du cabinet {HERE}." in member.text
        assert THERE not in member.text
        assert "Fleuriste" not in member.text


def test_a_closed_account_of_a_selection_is_refused_and_of_a_dossier_left_alone(site: Site) -> None:
    with site.house.database.write() as connection:
        closing = sa.update(t.accounts).where(t.accounts.c.id == site.account(2)).values(closed_at=sa.func.now())
        connection.execute(closing)
    visitor = site.as_(SUPERVISEUR)
    refused = visitor.post(PREVIEW, data=wish(site, "inqom", 2, 3))
    assert (refused.status_code, "1 compte de la sélection est clos" in refused.text) == (409, True)
    assert visitor.post(f"/accounts/{site.account(2)}/connector", data={"connector": "inqom"}).status_code == 409
    whole = visitor.post(PREVIEW, data={"scope": "dossier", "dossier": "D1", "connector": "inqom"}).text
    assert "1 compte clos reste comme il est." in whole
    assert connectors(site) == START


@pytest.mark.parametrize(
    "form",
    [
        {"scope": "selection", "connector": "inqom"},
        {"scope": "dossier", "connector": "inqom"},
        {"scope": "cabinet"},
        {"scope": "everything", "connector": "inqom"},
        {"connector": "inqom"},
        {},
        {"scope": "selection", "connector": "inqom", "accounts": [str(n) for n in range(1, 400)]},
        {"scope": "selection", "connector": "inqom", "accounts": ["-1"]},
    ],
    ids=str,
)
def test_what_is_left_out_never_means_all(looked: Site, form: dict[str, Any]) -> None:
    for path in (PREVIEW, CHANGE):
        assert looked.as_(SUPERVISEUR).post(path, data=form | {"expected": "6"}).status_code == 422


def test_what_has_changed_since_the_preview_is_shown_again_before_anything_is_done(site: Site) -> None:
    visitor = site.as_(SUPERVISEUR)
    form = confirmed(visitor.post(PREVIEW, data={"scope": "cabinet", "connector": "inqom"}).text)
    site.as_(COLLABORATEUR).post(f"/accounts/{site.account(2)}/connector", data={"connector": "inqom"})
    before = site.fingerprint()
    again = visitor.post(CHANGE, data=form)
    assert (again.status_code, "La situation a changé entre-temps" in again.text) == (409, True)
    assert site.fingerprint() == before
    assert visitor.post(CHANGE, data=confirmed(again.text)).status_code == 303
    assert visitor.post(CHANGE, data=form | {"expected": ""}).status_code == 200
    assert set(connectors(site).items()) >= {(n, "inqom") for n in range(1, 7)}


def test_an_empty_dossier_has_nothing_to_associate_and_an_unknown_one_neither(site: Site) -> None:
    visitor = site.as_(SUPERVISEUR)
    visitor.post(f"/cabinets/{HERE}/dossiers", data={"reference": "D9", "name": "Neuf"})
    for dossier in ("D9", "D404"):
        answer = visitor.post(PREVIEW, data={"scope": "dossier", "dossier": dossier, "connector": "inqom"})
        assert (answer.status_code, "Ce dossier n&#39;a aucun compte." in answer.text) == (409, True)


@pytest.mark.parametrize("user", [STRANGER, NOBODY])
def test_who_is_no_member_changes_nothing_and_learns_nothing(looked: Site, user: str) -> None:
    for path in (PREVIEW, CHANGE, f"/accounts/{looked.account(1)}/connector"):
        answer = looked.as_(user).post(path, data=wish(looked, "fizen", 1) | {"expected": 1})
        assert answer.status_code == 404
    assert looked.as_(user).get(f"{CHANGE}/report").status_code == 404


def test_a_change_is_in_the_journal_with_who_made_it(site: Site) -> None:
    site.as_(COLLABORATEUR).post(f"/accounts/{site.account(2)}/connector", data={"connector": "inqom"})
    with site.house.database.read() as connection:
        newest = connection.execute(sa.select(t.audit_events).order_by(t.audit_events.c.id.desc()).limit(1)).one()
    assert (newest.actor, newest.role, newest.action) == (COLLABORATEUR, "collaborateur", "account.associate")
    assert newest.after == {"connector": "inqom"}
