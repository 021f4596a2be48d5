"""*Fiche IBAN*: one account with its mandate, its connectors, its chain of balances and where its statements went."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from sobank.domain.day import BANK_ZONE
from sobank.store import schema
from sobank.web.api.shapes import PREFIX
from tests.builders import file_of, iban_of, named, statement
from tests.web.site import COLLABORATEUR, DAY, OPERATOR, STRANGER, SUPERVISEUR, Site

TODAY = datetime.now(UTC).astimezone(BANK_ZONE).date()
#: What account 1 closes with on DAY.
CLOSED = 110_345


def sheet(site: Site, n: int, user: str = SUPERVISEUR) -> str:
    """The page of the n-th account."""
    shown = site.as_(user).get(f"/accounts/{site.account(n)}")
    assert shown.status_code == 200
    return shown.text


def step(site: Site, n: int, user: str = SUPERVISEUR, **fields: Any) -> httpx.Response:
    """Take a step of the mandate of the n-th account."""
    return site.as_(user).post(f"/accounts/{site.account(n)}/mandate", data=fields)


def events(site: Site, action: str) -> list[Any]:
    """Audit events of an action by others than the import, oldest first."""
    c = schema.audit_events.c
    with site.house.database.read() as connection:
        query = sa.select(schema.audit_events).where(c.action == action, c.actor != "system").order_by(c.id)
        return list(connection.execute(query))


def test_an_account_shows_who_it_is_and_where_every_statement_went(delivered: Site) -> None:
    with_connector, without, draft = (sheet(delivered, n) for n in (1, 2, 3))
    grouped = "\u00a0".join(iban_of(1)[at : at + 4] for at in range(0, 27, 4))
    for part in (grouped, "Boulangerie", "BNP PARIBAS", "SOBANK_CAB001_fizen_20260302_001.cfonb.txt", "Livré"):
        assert part in with_connector
    assert f"/cabinets/CAB001/global-files/{DAY}" in without
    assert "Attend le mandat" in draft
    assert f'<input type="hidden" name="iban" value="{iban_of(1)}">' in with_connector


def test_a_statement_in_quarantine_says_why_in_the_language_of_its_reader(delivered: Site) -> None:
    assert "En quarantaine" in sheet(delivered, 6)
    assert "Ancien solde + mouvements ≠ nouveau solde" in sheet(delivered, 6)
    english = delivered.as_(SUPERVISEUR, language="en").get(f"/accounts/{delivered.account(6)}").text
    assert "In quarantine" in english


def test_a_statement_that_no_run_took_yet_waits_for_the_next_run_and_not_for_its_mandate(delivered: Site) -> None:
    next_day = DAY + timedelta(days=1)
    delivered.house.take_in(file_of(statement(1, next_day, 5, opening=CLOSED)), name=named(next_day, 2))
    assert "Partira à la prochaine tournée" in sheet(delivered, 1)
    assert "Attend le mandat" not in sheet(delivered, 1)


def test_a_statement_whose_mandate_ended_since_is_not_said_to_leave(delivered: Site) -> None:
    next_day = DAY + timedelta(days=1)
    delivered.house.take_in(file_of(statement(1, next_day, 5, opening=CLOSED)), name=named(next_day, 2))
    assert step(delivered, 1, step="revoked", on=f"{TODAY}", reason="Départ").status_code == 303
    assert "Ne partira pas" in sheet(delivered, 1)
    delivered.house.run(next_day)
    assert "En quarantaine" in sheet(delivered, 1)


def test_an_account_without_statements_says_what_to_do(site: Site) -> None:
    assert "Aucun relevé reçu pour ce compte" in sheet(site, 1)


@pytest.mark.parametrize(("opening", "broken"), [(CLOSED, False), (CLOSED + 100, True)])
def test_a_break_in_the_chain_of_balances_is_drawn_and_told_in_words(
    delivered: Site, opening: int, broken: bool
) -> None:
    next_day = DAY + timedelta(days=1)
    delivered.house.take_in(file_of(statement(1, next_day, 5, opening=opening)), name=named(next_day, 2))
    shown = sheet(delivered, 1)
    assert shown.count('class="line"') == (2 if broken else 1)
    assert ('class="broken"' in shown) is broken
    assert ("Rupture le 02/03/2026" in shown) is broken
    assert ("Chaque relevé commence au solde où le précédent finit." in shown) is not broken
    assert "2 relevés ; du plus bas au plus haut" in shown


def test_a_lead_takes_the_next_step_with_its_day_and_sees_who_noted_it(site: Site) -> None:
    done = step(site, 3, step="signed", on="2026-04-02")
    assert done.status_code == 303
    assert done.headers["location"] == f"/accounts/{site.account(3)}?note=mandate_stepped"
    shown = sheet(site, 3)
    assert "depuis le 02/04/2026" in shown
    assert "noté par sup le" in shown
    assert [(e.before["step"], e.after["step"], e.role) for e in events(site, "mandate.step")] == [
        ("draft", "signed", "superviseur")
    ]


def test_the_day_of_the_current_step_can_be_corrected(site: Site) -> None:
    assert step(site, 3, step="draft", on="2026-03-30").status_code == 303
    assert "depuis le 30/03/2026" in sheet(site, 3)


def test_a_correction_of_a_day_stays_after_the_step_before(site: Site) -> None:
    assert step(site, 3, step="signed", on="2026-04-02").status_code == 303
    draft = events(site, "mandate.step")[0].before["since"][:10]
    refused = step(site, 3, step="signed", on="2020-01-01")
    assert refused.status_code == 409
    assert "précède celle de l&#39;étape précédente" in refused.text
    assert draft > "2020-01-01"
    assert len(events(site, "mandate.step")) == 1


@pytest.mark.parametrize("on", ["0001-01-01", "1970-01-01"])
def test_a_program_is_refused_a_day_that_is_too_old(site: Site, on: str) -> None:
    path = f"{PREFIX}/accounts/{site.account(3)}/mandate"
    refused = site.as_(SUPERVISEUR).post(path, json={"step": "draft", "on": on})
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")


def test_a_mandate_ends_only_with_a_reason_which_is_kept(site: Site) -> None:
    refused = step(site, 1, step="revoked", on=f"{TODAY}", reason="  ")
    assert refused.status_code == 422
    assert "Indiquez le motif" in refused.text
    assert not events(site, "mandate.step")
    assert step(site, 1, step="revoked", on=f"{TODAY}", reason="Le client part <b>").status_code == 303
    assert events(site, "mandate.step")[0].reason == "Le client part <b>"
    assert "Le client part &lt;b&gt;" in sheet(site, 1)


def test_programs_end_a_mandate_with_a_reason_too(site: Site) -> None:
    asked, path = {"step": "revoked", "on": f"{TODAY}"}, f"{PREFIX}/accounts/{site.account(1)}/mandate"
    refused = site.as_(SUPERVISEUR).post(path, json=asked)
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert not events(site, "mandate.step")
    assert site.as_(SUPERVISEUR).post(path, json=asked | {"reason": "Le client part"}).status_code == 200
    assert events(site, "mandate.step")[0].reason == "Le client part"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"step": "approved", "on": "2026-04-02"}, 409, "ne suit pas"),
        ({"step": "signed", "on": f"{TODAY + timedelta(days=2)}"}, 409, "à venir"),
        ({"step": "signed", "on": "2020-01-01"}, 409, "précède"),
        ({"step": "signed", "on": "0001-01-01"}, 409, "trop ancienne"),
        ({"step": "draft", "on": "0"}, 409, "trop ancienne"),
        ({"step": "", "on": ""}, 422, "Choisissez l&#39;étape"),
    ],
)
def test_a_step_that_cannot_be_is_refused_in_words_and_what_was_typed_stays(
    site: Site, fields: dict[str, str], status: int, said: str
) -> None:
    refused = step(site, 3, reason="à garder", **fields)
    assert refused.status_code == status
    assert said in refused.text
    assert 'value="à garder"' in refused.text
    assert not events(site, "mandate.step")


def test_a_step_that_is_none_is_not_read(site: Site) -> None:
    assert step(site, 3, step="approuvé", on="hier").status_code == 422


def test_a_collaborateur_sees_the_mandate_and_is_not_offered_its_steps(site: Site) -> None:
    assert "Noter l" not in sheet(site, 1, COLLABORATEUR)
    assert "Changer de connecteur" in sheet(site, 1, COLLABORATEUR)
    assert step(site, 3, COLLABORATEUR, step="signed", on="2026-04-02").status_code == 403


def test_the_history_of_associations_says_from_when_until_when_and_who(site: Site) -> None:
    account = site.account(1)
    for connector in ("inqom", "-"):
        done = site.as_(COLLABORATEUR).post(
            f"/accounts/{account}/connector", data={"connector": connector, "view": "account"}
        )
        assert done.headers["location"].startswith(f"/accounts/{account}?")
    shown = sheet(site, 1)
    assert "Aucun connecteur" in shown
    assert "terminé par collab" in shown
    assert shown.index("<strong>inqom</strong>") < shown.index("<strong>fizen</strong>")


def test_statements_are_shown_in_pages_of_bounded_size(site: Site) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(52)]
    site.house.take_in(file_of(*(statement(1, day) for day in days)), name=named(days[-1]))
    account = site.account(1)
    first, second, none = (site.as_(OPERATOR).get(f"/accounts/{account}?page={n}").text for n in (1, 2, 3))
    assert (first.count("/statements/"), second.count("/statements/")) == (50, 2)
    assert "52 relevés" in first
    assert "Il n&#39;y a pas de relevé sur cette page." in none
    assert "Rupture" not in first + second


def test_an_account_of_another_cabinet_is_not_there(delivered: Site) -> None:
    mine = delivered.account(1)
    for path in (f"/accounts/{mine}", f"/accounts/{mine}/statements/1"):
        assert delivered.as_(STRANGER).get(path).status_code == 404
    assert step(delivered, 3, STRANGER, step="signed").status_code == 404
