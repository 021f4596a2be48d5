"""Connectors and associations as their users change them, in the browser, judged by where the next statements arrive.

In the order of a working day: each test goes on from where the one before has left the cabinet.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from playwright.sync_api import expect

from tests.e2e.pages.office import Office, shown
from tests.web.site import DAY, HERE

#: One day a change, so that each is seen by the statements that come after it.
DAYS = [DAY + timedelta(days=n) for n in range(1, 12)]


def test_a_superviseur_adds_a_connector_sees_its_test_and_is_led_to_the_accounts(office: Office) -> None:
    tab = office.as_("sup")
    page = office.open(tab, "cabinets")
    page.get_by_role("link", name="Cabinet Un").first.click()
    page.get_by_role("link", name="Connecteurs").first.click()
    page.get_by_role("link", name="Ajouter").first.click()
    page.get_by_role("link", name="Choisir Fulll").click()
    page.get_by_label("Connexion Airflow").fill("sobank_cab001_fulll")
    page.get_by_role("button", name="Ajouter et tester").click()
    expect(page.get_by_text("La connexion fonctionne.")).to_be_visible()
    assert office.partner.inbox.final() == {}
    page.get_by_role("link", name="Associer des comptes").click()
    expect(page.get_by_label("Associer à")).to_have_value("fulll")


def test_a_collaborateur_is_offered_no_connector_to_add_and_is_refused_if_he_asks_all_the_same(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "cabinets")
    page.get_by_role("link", name="Cabinet Un").first.click()
    page.get_by_role("link", name="Connecteurs").first.click()
    expect(page.get_by_text("fulll").first).to_be_visible()
    expect(page.get_by_role("link", name="Ajouter")).to_have_count(0)
    tab.goto(f"{office.home.url}/sobank/cabinets/{HERE}/connectors/new")
    expect(tab.get_by_text("Votre profil ne permet pas cette action")).to_be_visible()
    answer = office.ask("collab", "POST", f"/api/v1/cabinets/{HERE}/connectors", json={"name": "x", "partner": "fulll"})
    assert answer.status_code == 403


def test_one_account_is_given_a_connector_in_the_list_and_its_next_statement_goes_there(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "accounts")
    page.get_by_role("combobox", name=f"Connecteur du compte {shown(2)}").select_option("fulll")
    page.get_by_role("button", name=f"Changer le connecteur du compte {shown(2)}").click()
    expect(page.get_by_role("status")).to_be_visible()
    deliver(office, DAYS[0])
    assert office.at_partner(DAYS[0]) == {2}
    assert office.in_folders("global", DAYS[0]) >= {6}


def test_a_selection_is_foreseen_then_associated_at_once(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "accounts")
    for n in (4, 6):
        page.get_by_label(f"Sélectionner le compte {shown(n)}").check()
    page.get_by_label("Associer à").select_option("fulll")
    page.get_by_role("button", name="Aperçu pour la sélection (2)").click()
    expect(page.get_by_role("heading", name="Aperçu : associer des comptes à fulll")).to_be_visible()
    assert office.at_partner(DAYS[0]) == {2}
    page.get_by_role("button", name="Associer ces 2 comptes").click()
    expect(page.get_by_role("heading", name="Compte rendu")).to_be_visible()
    deliver(office, DAYS[1])
    assert office.at_partner(DAYS[1]) == {2, 4, 6}


def test_an_account_associated_before_its_mandate_is_approved_flows_by_itself_after(office: Office) -> None:
    tab = office.as_("sup")
    page = office.open(tab, "accounts")
    page.get_by_role("combobox", name=f"Connecteur du compte {shown(3)}").select_option("fulll")
    page.get_by_role("button", name=f"Changer le connecteur du compte {shown(3)}").click()
    expect(page.get_by_role("status")).to_be_visible()
    deliver(office, DAYS[2])
    assert 3 not in office.at_partner(DAYS[2])
    page.get_by_role("link", name=shown(3)).click()
    for step in ("Signé", "Envoyé à la banque", "En traitement à la banque", "Approuvé"):
        page.get_by_label("Étape franchie").select_option(label=step)
        page.get_by_role("button", name="Noter l'étape").click()
        expect(page.locator("#mandate + p .step-name")).to_have_text(step)
    deliver(office, DAYS[3])
    assert 3 in office.at_partner(DAYS[2])
    assert 3 in office.at_partner(DAYS[3])


def test_when_every_account_is_associated_there_is_no_global_file_and_the_page_says_why(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "accounts")
    page.get_by_label("Associer à").select_option("fulll")
    page.get_by_role("button", name="Tout associer : aperçu pour tout le cabinet").click()
    page.get_by_role("button", name=re.compile(r"^Associer ces \d+ comptes$")).click()
    expect(page.get_by_role("heading", name="Compte rendu")).to_be_visible()
    deliver(office, DAYS[4])
    assert office.at_partner(DAYS[4]) == {1, 2, 3, 4, 6}
    assert office.in_folders(f"global/{HERE}", DAYS[4]) == set()
    page = office.open(tab, "statements")
    page.get_by_role("link", name=f"{DAYS[4]:%d/%m/%Y}").first.click()
    expect(page.get_by_role("heading", name="Pas de fichier global ce jour")).to_be_visible()
    expect(page.get_by_text("associés").first).to_be_visible()


def test_a_dissociated_account_goes_to_the_global_file_again(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "accounts")
    page.get_by_label(f"Sélectionner le compte {shown(6)}").check()
    page.get_by_label("Associer à").select_option(label="Aucun connecteur")
    page.get_by_role("button", name="Aperçu pour la sélection (1)").click()
    page.get_by_role("button", name="Dissocier ce compte").click()
    expect(page.get_by_role("heading", name="Compte rendu")).to_be_visible()
    deliver(office, DAYS[5])
    assert 6 not in office.at_partner(DAYS[5])
    assert 6 in office.in_folders(f"global/{HERE}", DAYS[5])


def test_deleting_a_connector_in_use_is_refused_with_figures_and_cutting_it_entirely_is_offered(office: Office) -> None:
    tab = office.as_("sup")
    tab.goto(f"{office.home.url}/sobank/cabinets/{HERE}/connectors")
    tab.get_by_role("link", name="Supprimer fulll").click()
    expect(tab.get_by_text("Ce connecteur ne peut pas être supprimé.")).to_be_visible()
    expect(tab.get_by_text("comptes associés y sont rattachés")).to_be_visible()
    tab.get_by_label("Motif").fill("fin du contrat")
    tab.get_by_role("button", name="Couper entièrement").click()
    expect(tab.get_by_role("status")).to_be_visible()
    expect(tab.get_by_role("link", name="Supprimer fulll")).to_have_count(0)
    deliver(office, DAYS[6])
    assert office.at_partner(DAYS[6]) == set()
    assert office.in_folders(f"global/{HERE}", DAYS[6]) == {1, 2, 3, 4, 6}
    page = office.open(office.as_("sup"), "journal")
    expect(page.get_by_text("fin du contrat").first).to_be_visible()


def deliver(office: Office, day: date) -> None:
    """A statement of each account of the cabinet whose mandate was not revoked arrives, and the day is run."""
    office.receive(day, 1, 2, 3, 4, 6, 11, 12)
    office.deliver(day)
