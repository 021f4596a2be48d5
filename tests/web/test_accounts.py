"""*IBAN*: the list of accounts, its search and filters, and *Ajouter un IBAN* (A9)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from sobank.domain.iban import bban, iban
from sobank.domain.registry import MandateStep
from sobank.store import schema as t
from sobank.web.rendering import groups
from tests.builders import BANK, BRANCH, account_number, iban_of
from tests.web.site import COLLABORATEUR, HERE, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site

FORM = {"dossier": "D1", "currency": "EUR"}


def shown(text: str) -> set[int]:
    """Which of the accounts 1 to 12 stand in the table of a page."""
    rows = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return {n for n in range(1, 13) if f">{groups(iban_of(n))}</a>" in rows}


@pytest.mark.parametrize(
    ("user", "seen"),
    [
        (COLLABORATEUR, {1, 2, 3, 4, 5, 6}),
        (STRANGER, {11, 12}),
        (OPERATOR, {1, 2, 3, 4, 5, 6, 11, 12}),
        (NOBODY, set()),
    ],
)
def test_a_visitor_sees_the_accounts_of_his_cabinets_with_their_numbers_whole(
    looked: Site, user: str, seen: set[int]
) -> None:
    assert shown(looked.as_(user).get("/accounts").text) == seen


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ({"search": iban_of(4)[-9:]}, {4}),
        ({"search": groups(iban_of(4)).replace("\u00a0", " ")}, {4}),
        ({"search": "garage"}, {4, 5, 6}),
        ({"search": "fleur"}, {11, 12}),
        ({"cabinet": THERE}, {11, 12}),
        ({"cabinet": THERE.lower()}, {11, 12}),
        ({"cabinet": "CAB999"}, set()),
        ({"mandate": "revoked"}, {5}),
        ({"mandate": "none"}, set()),
        ({"connector": "fizen"}, {1, 11}),
        ({"connector": "-"}, {2, 3, 5, 6, 12}),
        ({"connector": "-", "mandate": "approved", "cabinet": HERE}, {2, 6}),
        ({"search": "", "cabinet": "", "mandate": "", "connector": "", "page": ""}, {1, 2, 3, 4, 5, 6, 11, 12}),
        ({"page": "2"}, set()),
    ],
)
def test_the_list_is_searched_and_filtered(looked: Site, query: dict[str, str], seen: set[int]) -> None:
    assert shown(looked.as_(OPERATOR).get("/accounts", params=query).text) == seen


def test_a_row_says_bank_company_dossier_cabinet_five_dots_and_connector_and_leads_to_the_sheet(looked: Site) -> None:
    page = looked.as_(COLLABORATEUR).get("/accounts", params={"search": iban_of(3)}).text
    row = page.partition("<tbody>")[2].partition("</tbody>")[0]
    for text in ("BNP PARIBAS", "Boulangerie", f"/cabinets/{HERE}/dossiers/D1", f"/cabinets/{HERE}", "Brouillon"):
        assert text in row
    assert (row.count('class="full"'), row.count('class="empty"')) == (1, 4)
    assert f'href="/accounts/{looked.account(3)}"' in row
    assert '<option value="-" selected>Aucun connecteur' in row


def test_only_the_connectors_of_an_account_s_own_cabinet_are_offered_for_it(looked: Site) -> None:
    page = looked.as_(OPERATOR).get("/accounts").text
    rows = [row for row in page.split("<tr>") if "/connector" in row]
    offered = {f"/{looked.account(n)}/connector": set() for n in (1, 11)}
    for row in rows:
        for place in offered:
            if place in row:
                offered[place] = set(re.findall(r'<option value="([^"]*)"', row))
    assert list(offered.values()) == [{"fizen", "inqom", "-"}, {"fizen", "-"}]


@pytest.mark.parametrize(
    ("user", "query", "cabinet"),
    [
        (COLLABORATEUR, "", HERE),
        (STRANGER, "", THERE),
        (OPERATOR, f"?cabinet={THERE}", THERE),
        (OPERATOR, "", None),
        (NOBODY, "", None),
    ],
)
def test_a_selection_is_offered_where_the_list_is_of_one_cabinet_and_elsewhere_it_is_asked_for(
    looked: Site, user: str, query: str, cabinet: str | None
) -> None:
    page = looked.as_(user).get(f"/accounts{query}").text
    assert ('name="accounts"' in page) is (cabinet is not None)
    if cabinet:
        assert f'action="/cabinets/{cabinet}/associate/preview"' in page
        assert f"Seuls les connecteurs du cabinet {cabinet} sont proposés." in page
    elif user == OPERATOR:
        assert "Choisissez un cabinet pour sélectionner des comptes" in page


def test_another_s_cabinet_is_not_there_for_the_filter(looked: Site) -> None:
    theirs = looked.as_(STRANGER).get("/accounts", params={"cabinet": HERE}).text
    nowhere = looked.as_(STRANGER).get("/accounts", params={"cabinet": "CAB999"}).text
    assert theirs.replace(HERE, "X") == nowhere.replace("CAB999", "X")


def test_a_long_list_comes_in_pages_that_hold_each_account_once(site: Site) -> None:
    with site.house.database.write() as connection:
        dossier = connection.execute(sa.select(t.dossiers.c.id, t.dossiers.c.cabinet_id).limit(1)).one()
        rows = []
        for n in range(1000, 1060):
            number = bban(BANK, BRANCH, account_number(n))
            rows.append({"iban": iban(number), "bban": number, "currency": "EUR", "dossier_id": dossier.id})
        connection.execute(sa.insert(t.accounts), [row | {"cabinet_id": dossier.cabinet_id} for row in rows])
    pages = [site.as_(SUPERVISEUR).get("/accounts", params={"page": n, "cabinet": HERE}).text for n in (1, 2)]
    found = [re.findall(r'name="accounts" value="(\d+)"', page) for page in pages]
    assert [len(numbers) for numbers in found] == [50, 16]
    assert len({*found[0], *found[1]}) == 66
    assert f"?cabinet={HERE}&amp;page=2" in pages[0] or f"?page=2&amp;cabinet={HERE}" in pages[0]
    assert 'rel="next"' not in pages[1]


def test_a_number_that_is_typed_with_spaces_is_added_with_its_bank_and_a_draft_mandate(site: Site) -> None:
    typed = FORM | {"iban": groups(iban_of(7)).replace("\u00a0", " ").lower()}
    answer = site.as_(COLLABORATEUR).post(f"/cabinets/{HERE}/accounts", data=typed)
    number = site.account(7)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/accounts/{number}/added")
    page = site.as_(COLLABORATEUR).get(f"/accounts/{number}/added").text
    assert "BNP PARIBAS" in page
    assert "Brouillon" in page
    assert "Un autre cabinet" not in page
    with site.house.database.read() as connection:
        steps = connection.scalars(sa.select(t.mandates.c.step).where(t.mandates.c.account_id == number)).all()
    assert steps == [MandateStep.DRAFT]


def test_an_account_that_another_cabinet_has_too_is_added_and_it_is_said(site: Site) -> None:
    site.as_(COLLABORATEUR).post(f"/cabinets/{HERE}/accounts", data=FORM | {"iban": iban_of(11)})
    with site.house.database.read() as connection:
        query = sa.select(sa.func.max(t.accounts.c.id)).where(t.accounts.c.iban == iban_of(11))
        added = connection.scalar(query)
    page = site.as_(COLLABORATEUR).get(f"/accounts/{added}/added").text
    assert "Un autre cabinet a déclaré ce compte." in page
    assert THERE not in page


_RIGHT = iban_of(7)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (_RIGHT[:-1] + str((int(_RIGHT[-1]) + 1) % 10), "La clé RIB"),
        ("FR" + f"{(int(_RIGHT[2:4]) + 1) % 100:02d}" + _RIGHT[4:], "Les deux chiffres de contrôle (après FR)"),
        (_RIGHT[:-1], "celui-ci en a 26"),
        ("DE89370400440532013000", "Seuls les comptes de France"),
        ("FR76-" + _RIGHT[4:], "que des chiffres et des lettres"),
        ("", "Recopiez l&#39;IBAN"),
        ("FR76" + "É" * 23, "que des chiffres et des lettres"),
    ],
)
def test_a_wrong_number_brings_the_form_back_with_what_is_wrong_and_what_was_typed(
    looked: Site, typed: str, sentence: str
) -> None:
    answer = looked.as_(COLLABORATEUR).post(f"/cabinets/{HERE}/accounts", data=FORM | {"iban": typed})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert f'value="{typed}"' in answer.text


@pytest.mark.parametrize(
    ("changed", "status", "sentence"),
    [
        ({"iban": iban_of(4)}, 409, "Le cabinet a déjà ce compte, au dossier D2."),
        ({"dossier": "D9"}, 422, "pas de dossier de cette référence"),
        ({"dossier": ""}, 422, "Dites à quel dossier"),
        ({"currency": "EURO"}, 422, "Une devise a trois lettres"),
    ],
)
def test_what_the_registry_refuses_is_said_beside_its_field(
    looked: Site, changed: dict[str, str], status: int, sentence: str
) -> None:
    answer = looked.as_(COLLABORATEUR).post(f"/cabinets/{HERE}/accounts", data=FORM | {"iban": _RIGHT} | changed)
    assert (answer.status_code, sentence in answer.text) == (status, True)


def test_a_closed_cabinet_takes_no_account_and_no_dossier(site: Site) -> None:
    with site.house.database.write() as connection:
        closing = sa.update(t.cabinets).where(t.cabinets.c.code == HERE).values(closed_at=sa.func.now())
        connection.execute(closing)
    visitor = site.as_(SUPERVISEUR)
    for path, form in (("accounts", FORM | {"iban": _RIGHT}), ("dossiers", {"reference": "D9", "name": "Neuf"})):
        answer = visitor.post(f"/cabinets/{HERE}/{path}", data=form)
        assert (answer.status_code, "Le cabinet est clos" in answer.text) == (409, True)


@pytest.mark.parametrize(("to", "form"), [("account", "accounts/new"), ("dossier", "new-dossier")])
def test_who_has_several_cabinets_says_first_in_which_one_to_add(looked: Site, to: str, form: str) -> None:
    assert looked.as_(OPERATOR).get("/choose-cabinet", params={"to": to}).status_code == 200
    for user, query in ((OPERATOR, {"to": to, "cabinet": HERE.lower()}), (COLLABORATEUR, {"to": to})):
        answer = looked.as_(user).get("/choose-cabinet", params=query)
        assert answer.headers["location"] == f"/cabinets/{HERE}/{form}"
        assert looked.as_(user).get(answer.headers["location"]).status_code == 200
    foreign = looked.as_(STRANGER).get("/choose-cabinet", params={"to": to, "cabinet": HERE})
    assert f"Aucun cabinet {HERE} parmi les vôtres." in foreign.text


def test_with_many_cabinets_a_code_is_typed(site: Site) -> None:
    with site.house.database.write() as connection:
        connection.execute(sa.insert(t.cabinets), [{"code": f"M{n}", "name": f"M{n}"} for n in range(60)])
    page = site.as_(OPERATOR).get("/accounts").text
    assert '<input name="cabinet"' in page
    assert '<select name="cabinet"' in site.as_(SUPERVISEUR).get("/accounts").text


def test_who_is_a_member_of_nothing_is_told_so_and_offered_nothing(looked: Site) -> None:
    for path in ("/accounts", "/dossiers", "/choose-cabinet"):
        page = looked.as_(NOBODY).get(path).text
        assert "Vous n&#39;êtes membre d&#39;aucun cabinet." in page
        assert "<form" not in page


def test_who_comes_from_a_new_connector_finds_it_chosen_in_the_form_of_the_bulk_change(looked: Site) -> None:
    for path in (f"/accounts?cabinet={HERE}&offer=inqom", f"/cabinets/{HERE}/dossiers/D1?offer=inqom"):
        form = looked.as_(SUPERVISEUR).get(path).text.partition("/associate/preview")[2].partition("</form>")[0]
        assert re.findall(r'value="([^"]*)" selected', form) == ["inqom"]
