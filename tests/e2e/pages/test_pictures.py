"""Every page as a picture, light and dark, in French: made by the tests, to be looked at by a person."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.builders import iban_of
from tests.e2e.pages.office import PAGES, Office
from tests.web.site import HERE

#: Sheets behind the pages of the menu, by the name of their picture.
SHEETS = {
    "cabinet": f"/cabinets/{HERE}",
    "connecteurs": f"/cabinets/{HERE}/connectors",
    "collaborateurs": f"/cabinets/{HERE}/members",
    "dossier": f"/cabinets/{HERE}/dossiers/D1",
    "fiche-iban": "/accounts/1",
    "releves-du-jour": f"/cabinets/{HERE}/global-files/2026-03-02",
    "envoi": "/deliveries/1",
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_menu_wears_the_theme_of_airflow(
    office: Office, pictures: Path, page: str, theme: str
) -> None:
    tab = office.as_("admin", theme=theme)
    frame = office.open(tab, page)
    expect(frame.get_by_role("heading", level=1)).to_be_visible()
    expect(frame.locator("html")).to_have_attribute("lang", "fr")
    expect(frame.locator("html")).to_have_class("dark" if theme == "dark" else "")
    assert frame.locator("body").evaluate("body => body.scrollWidth <= window.innerWidth")
    tab.screenshot(path=pictures / f"{page}-{theme}.png")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sheet", SHEETS)
def test_every_sheet_fits_its_window(office: Office, pictures: Path, sheet: str, theme: str) -> None:
    tab = office.as_("sup", theme=theme)
    tab.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    tab.goto(f"{office.home.url}/sobank{SHEETS[sheet]}")
    expect(tab.get_by_role("heading", level=1)).to_be_visible()
    assert tab.locator("body").evaluate("body => body.scrollWidth <= window.innerWidth")
    tab.screenshot(path=pictures / f"{sheet}-{theme}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_answer_of_the_diagnosis_fits_its_window(office: Office, pictures: Path, theme: str) -> None:
    tab = office.as_("sup", theme=theme)
    tab.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    tab.goto(f"{office.home.url}/sobank/diagnosis")
    tab.get_by_label("IBAN du compte").fill(iban_of(6))
    tab.get_by_role("button", name="Diagnostiquer").click()
    expect(tab.get_by_role("status")).to_be_visible()
    tab.screenshot(path=pictures / f"diagnostic-reponse-{theme}.png", full_page=True)
