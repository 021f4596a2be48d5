"""Missed days are run from the dashboard, by Airflow's own backfill and the visitor's own right (D2)."""

from __future__ import annotations

from datetime import datetime, timedelta

from playwright.sync_api import expect

from sobank.domain.day import BANK_ZONE
from sobank.services.backfill import DELIVERY
from tests.e2e.pages.office import Office
from tests.web.site import DAY

#: A Monday whose statements nobody has run, and the bank day on which it arrives.
MISSED = DAY + timedelta(days=14)


def test_a_missed_day_is_run_by_the_button_on_the_dashboard_and_nobody_else_is_offered_it(office: Office) -> None:
    office.receive(MISSED, 11, 12)
    member = office.open(office.as_("other"), "dashboard")
    expect(member.get_by_role("heading", name="Tableau de bord")).to_be_visible()
    expect(member.get_by_role("button", name="Préparer le rattrapage de ces jours")).to_have_count(0)

    page = office.open(office.as_("admin"), "dashboard")
    days = page.locator("#missed-days")
    every = days.get_by_label("Tous les jours")
    every.check()
    every.uncheck()
    days.get_by_role("row").filter(has_text=f"{MISSED:%d/%m/%Y}").get_by_role("checkbox").check()
    page.get_by_role("button", name="Préparer le rattrapage de ces jours").click()
    page.get_by_role("button", name="Lancer le rattrapage de 1 jour").click()
    # Not the only one where Airflow, which has just been given work, is late to say what it knows.
    said = page.get_by_role("status").filter(has_text="Rattrapage de 1 jour lancé dans Airflow.")
    expect(said).to_be_visible()

    def over() -> bool:
        runs = office.airflow.api.runs(DELIVERY)
        return any(_day_of(run["logical_date"]) == MISSED and run["state"] in {"success", "failed"} for run in runs)

    office.airflow.wait(over, "end of the backfilled day", seconds=240)
    assert [_day_of(run["logical_date"]) for run in office.airflow.api.runs(DELIVERY)] == [MISSED]
    assert office.in_folders("partners/fizen/CAB002", MISSED) == {11}
    assert office.in_folders("global/CAB002", MISSED) == {12}


def _day_of(moment: str) -> object:
    return datetime.fromisoformat(moment).astimezone(BANK_ZONE).date()
