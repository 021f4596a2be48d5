"""*Journal*: who sees which events, in which words, and whether the chain of them holds."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import Happening
from sobank.domain.roles import Action
from sobank.store import audit, schema
from sobank.web import journal_words
from sobank.web.language import english
from tests.builders import NOW
from tests.web.site import COLLABORATEUR, HERE, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site


def words(text: str) -> str:
    """What a person reads: no tags, one space between words."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()


def noted(site: Site, n: int = 1, **event: Any) -> None:
    """Add events to the trail of CAB001."""
    with site.house.database.write() as connection:
        cabinet = connection.scalar(sa.select(schema.cabinets.c.id).where(schema.cabinets.c.code == HERE))
        whole = {"before": None, "after": None, "cabinet_id": cabinet, "reason": None} | event
        audit.record_many(connection, [whole] * n, at=NOW, actor="sup", role="superviseur")


@pytest.mark.parametrize(
    ("user", "sees"),
    [(SUPERVISEUR, {HERE}), (STRANGER, {THERE}), (OPERATOR, {HERE, THERE}), (NOBODY, set()), (COLLABORATEUR, set())],
)
def test_a_visitor_sees_the_events_of_the_cabinets_that_he_leads(site: Site, user: str, sees: set[str]) -> None:
    shown = site.as_(user).get("/journal")
    assert shown.status_code == 200
    for cabinet in (HERE, THERE):
        assert (f"cabinet:{cabinet}" in shown.text) is (cabinet in sees)


def test_an_empty_filter_is_no_filter_and_a_day_that_is_none_is_told(site: Site) -> None:
    lead = site.as_(SUPERVISEUR)
    assert lead.get("/journal?cabinet=&actor=&first=&last=&before=").text.count("<tr>") > 2
    assert lead.get("/journal?first=hier").status_code == 422
    assert lead.get("/journal?before=0").status_code == 422
    assert lead.get("/journal?first=0001-01-01&last=9999-12-31").status_code == 200


@pytest.mark.parametrize(
    ("event", "read"),
    [
        (
            {"action": "account.associate", "subject": "account:7 FR76 **** … 1117", "before": {"connector": None},
             "after": {"connector": "fizen"}},
            "Compte associé CAB001 Compte FR76 **** … 1117 connecteur : aucun → devient fizen",
        ),
        (
            {"action": "connector.delete", "subject": "connector:CAB001/fizen", "reason": "changement de logiciel",
             "before": {"partner": "fizen", "settings": {"folder": "/a", "encryption": {"age": ["age1x", "age1y"]}}}},
            "Connecteur supprimé CAB001 Connecteur fizen partenaire : fizen réglages : dossier de dépôt : /a ;"
            " chiffrement : clés age : age1x, age1y changement de logiciel",
        ),
        (
            {"action": "mandate.step", "subject": "account:7 FR76 **** … 1117",
             "before": {"step": "signed", "since": "2026-03-01T23:30:00+00:00"},
             "after": {"step": "approved", "since": "2026-03-05T10:00:00+00:00"}},
            "étape : Signé → devient Approuvé depuis le : 02/03/2026 00:30 → devient 05/03/2026 11:00",
        ),
        (
            {"action": "quarantine.released", "subject": "statement:9", "before": {"status": "quarantined"},
             "after": {"status": "pending"}, "reason": "confirmé par la banque"},
            "Relevé libéré CAB001 Relevé 9 état : en quarantaine → devient à livrer confirmé par la banque",
        ),
        (
            {"action": "cabinet.change", "subject": "cabinet:CAB001", "before": {"closed": False, "siret": None},
             "after": {"closed": True, "siret": ""}},
            "Cabinet modifié CAB001 Cabinet CAB001 clos : non → devient oui siret : aucun → devient aucun",
        ),
        (
            {"action": "rocket.launch", "subject": "rocket:1", "after": {"height": 3}},
            "rocket.launch CAB001 rocket:1 height : 3",
        ),
    ],
)  # fmt: skip
def test_an_event_is_read_in_french_without_braces(site: Site, event: dict[str, Any], read: str) -> None:
    noted(site, **event)
    shown = site.as_(SUPERVISEUR).get("/journal").text
    assert read in words(shown)
    assert "{" not in shown
    assert "French" not in words(site.as_(SUPERVISEUR, language="en").get("/journal").text)


def test_what_an_event_is_about_is_one_click_away(site: Site) -> None:
    noted(site, action="batch.retry", subject="batch:12")
    noted(site, action="dossier.add", subject="dossier:CAB001/D 1/2")
    noted(site, action="account.download", subject="account:FR76 **** … 1117")
    shown = site.as_(SUPERVISEUR).get("/journal").text
    assert '<a href="/deliveries/12">Envoi 12</a>' in shown
    assert '<a href="/cabinets/CAB001/dossiers/D%201/2">Dossier D 1/2</a>' in shown
    assert f'<a href="/accounts/{site.account(1)}">' in shown
    assert "Compte **** … 1117" not in shown


def test_every_action_that_people_and_batches_leave_behind_has_a_name() -> None:
    left = {str(action) for action in Action} - {
        Action.SEE, Action.SEE_AUDIT, Action.DECIDE_QUARANTINE, Action.DECIDE_DELIVERY, Action.START_BACKFILL,
        Action.RECONCILE,
    }  # fmt: skip
    left |= {f"batch.{happening.value}" for happening in Happening if happening.value.endswith("_by_person")}
    assert left <= set(journal_words.ACTIONS)
    assert {action.partition(".")[0] for action in journal_words.ACTIONS} == set(journal_words.KINDS)


def test_every_word_of_the_tables_has_its_english() -> None:
    for table in journal_words.TABLES:
        assert set(table.values()) <= set(english())


def test_filters_keep_what_is_asked_for_and_can_be_undone(site: Site) -> None:
    noted(site, action="batch.retry", subject="batch:12")
    lead = site.as_(SUPERVISEUR)
    assert "Envoi relancé</td>" in lead.get("/journal?action=batch.retry").text
    assert "Envoi relancé</td>" in lead.get("/journal?action=batch").text
    assert "Envoi relancé</td>" not in lead.get("/journal?action=connector").text
    assert '<option value="batch.retry" selected>' in lead.get("/journal?action=batch.retry").text
    assert "Tout montrer" in lead.get("/journal?actor=sup").text
    assert "Tout montrer" not in lead.get("/journal").text
    assert "Aucun événement ne correspond." in lead.get("/journal?actor=nobody").text


def test_a_long_trail_is_read_page_by_page_with_its_filters(site: Site) -> None:
    noted(site, n=250, action="batch.retry", subject="batch:12")
    lead, address, seen = site.as_(SUPERVISEUR), "/journal?action=batch.retry", []
    while address:
        shown = lead.get(address).text
        found = [int(n) for n in re.findall(r'<td class="n">(\d+)</td>', shown)]
        assert len(found) <= 100
        seen += found
        following = re.search(r'rel="next" href="([^"]+)"', shown)
        address = html.unescape(following[1]) if following else ""
    assert (len(seen), seen) == (250, sorted(seen, reverse=True))


def test_an_operator_verifies_the_whole_chain(site: Site) -> None:
    assert "Vérifier tout le journal" in site.as_(OPERATOR).get("/journal").text
    before = site.fingerprint()
    shown = site.as_(OPERATOR).post("/journal/verify")
    assert shown.status_code == 200
    assert re.search(r"Le journal est intact\. \d\d événements, chacun tel qu'il a été écrit\.", words(shown.text))
    assert site.fingerprint() == before


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (sa.update(schema.audit_events).where(schema.audit_events.c.id == 3).values(actor="x"),
         "rompu à l'événement 3. Il a été modifié, ou celui d'avant. Les 2 événements avant lui sont"),
        (sa.delete(schema.audit_events).where(schema.audit_events.c.id == 2),
         "rompu à l'événement 2. Un événement a été retiré. 1 événement avant lui est"),
    ],
)  # fmt: skip
def test_the_first_event_that_was_touched_is_named(site: Site, harm: sa.Executable, told: str) -> None:
    with site.house.database.write() as connection:
        for change in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_events_no_{change}")
        connection.execute(harm)
    assert told in words(site.as_(OPERATOR).post("/journal/verify").text)


def test_who_is_no_operator_is_not_told_of_the_chain_of_all_cabinets(site: Site) -> None:
    for user in (SUPERVISEUR, COLLABORATEUR, NOBODY):
        assert "Vérifier tout le journal" not in site.as_(user).get("/journal").text
        assert site.as_(user).post("/journal/verify").status_code == 403
