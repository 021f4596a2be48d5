"""*Tableau de bord*: days × partners, the reconciliation of a day, missed days, banks; each within what one may see."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
from fastapi.testclient import TestClient

from sobank.domain.day import BANK_ZONE
from sobank.domain.delivery import Claim, Happening
from sobank.web.language import english
from sobank.web.pages import backfill
from sobank.web.pages.dashboard import WEEKDAYS, expected_day, over_day
from tests.builders import NOW, file_of, named, statement
from tests.web.airflow import PretendAirflow, pretend_airflow
from tests.web.site import COLLABORATEUR, DAY, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, Site

NEXT, LATER = DAY + timedelta(days=1), DAY + timedelta(days=3)
TOKEN = {"authorization": "Bearer his-own"}


def words(text: str) -> str:
    """What a person reads: no tags, one space between words."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()


def row(text: str, name: str) -> str:
    """The row of a table whose heading begins with a name, as a person reads it."""
    return next(words(one) for one in re.findall(r"<tr>.*?</tr>", text, re.S) if words(one).startswith(name))


def squares(text: str, place: str) -> list[str]:
    """The cells of a place of the map, without what only screen readers read."""
    seen = re.sub(r'<span class="hidden-text">.*?</span>', "", text)
    (found,) = re.findall(rf'<tr><th scope="row">{place}</th>(.*?)</tr>', seen, re.S)
    return [words(cell) for cell in re.findall(r"<td.*?</td>", found, re.S)]


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendAirflow]:
    with pretend_airflow() as (url, found):
        monkeypatch.setenv("SOBANK_AIRFLOW_URL", url)
        yield found


@pytest.fixture
def week(delivered: Site) -> Site:
    """DAY delivered; the day after and the third day after received, and taken by no run."""
    for day in (NEXT, LATER):
        delivered.house.take_in(file_of(statement(1, day, 5), statement(11, day, 7)), name=named(day))
    return delivered


def operator(site: Site) -> TestClient:
    """An operator who is signed in to Airflow too."""
    found = site.as_(OPERATOR)
    found.headers.update(TOKEN)
    return found


def test_the_map_counts_every_statement_by_day_and_partner_and_says_the_worst_without_colours(week: Site) -> None:
    shown = week.as_(OPERATOR).get("/dashboard").text
    assert squares(shown, "Fizen") == ["✔ 2", "! 2", "! 2"]
    assert squares(shown, "Inqom") == ["✔ 1", "·", "·"]
    assert squares(shown, "Fichier global") == ["✔ 2 Q 2", "·", "·"]
    assert squares(shown, "Compte inconnu") == ["Q 1", "·", "·"]
    assert '<td class="bad"><a href="/deliveries?partner=global&amp;first=2026-03-02&amp;last=2026-03-02">' in shown
    assert '<td class="bad"><a href="/quarantine?first=2026-03-02&amp;last=2026-03-02">' in shown
    assert '<td class="warn"><a href="/deliveries?partner=fizen&amp;first=2026-03-03&amp;last=2026-03-03">' in shown
    assert "2 relevés livrés" in words(shown)
    assert "lun. 02/03" in words(shown)


def test_a_batch_that_a_person_must_decide_on_is_the_worst_of_its_day(week: Site) -> None:
    week.house.decide(NEXT)
    (batch, *_) = week.house.ledger.open_batches()
    claim = week.house.ledger.claim(batch.id, worker="w", now=NOW, lease=timedelta(seconds=1))
    assert isinstance(claim, Claim)
    week.house.ledger.record(batch.id, claim.fence, Happening.DOUBTFUL, now=NOW, message="?")
    shown = week.as_(OPERATOR).get("/dashboard").text
    assert squares(shown, "Fizen")[1] == "! 1 R 1"
    assert "1 relevé retenu, à décider" in words(shown)


@pytest.mark.parametrize(
    ("user", "received", "places"),
    [
        (OPERATOR, "9", {"Fizen", "Inqom", "Fichier global", "Compte inconnu"}),
        (COLLABORATEUR, "6", {"Fizen", "Inqom", "Fichier global"}),
        (STRANGER, "2", {"Fizen", "Fichier global"}),
    ],
)
def test_a_visitor_counts_what_is_of_his_cabinets(delivered: Site, user: str, received: str, places: set[str]) -> None:
    shown = delivered.as_(user).get("/dashboard").text
    assert row(shown, "Reçus des banques").split()[3] == received
    assert {place for place in ("Fizen", "Inqom", "Fichier global", "Compte inconnu")
            if f'<th scope="row">{place}</th><' in shown.replace("\n", "").replace("    ", "")} == places  # fmt: skip


def test_who_is_a_member_of_no_cabinet_is_told_so_and_not_that_everything_is_accounted_for(delivered: Site) -> None:
    shown = words(delivered.as_(NOBODY).get("/dashboard").text)
    assert "Vous n'êtes membre d'aucun cabinet." in shown
    assert "Le compte y est" not in shown


def test_a_day_that_is_delivered_is_accounted_for_to_the_cent(delivered: Site) -> None:
    shown = delivered.as_(SUPERVISEUR).get("/dashboard").text
    assert "Rapprochement du 02/03/2026" in words(shown)
    assert "Le compte y est." in words(shown)
    assert row(shown, "Reçus des banques") == "Reçus des banques 6 622,25 −100,00"
    assert row(shown, "Partenaires") == "Partenaires 2 246,90 −40,00"
    assert row(shown, "Quarantaine") == "Quarantaine 2 128,45 −20,00"
    assert row(shown, "En attente").startswith("En attente dont 1 de leur mandat et 0 de leur tournée 1 ")


def test_a_day_that_no_run_took_is_not_accounted_for_and_any_day_can_be_looked_at(week: Site) -> None:
    shown = words(week.as_(SUPERVISEUR).get("/dashboard").text)
    assert "Rapprochement du 05/03/2026 ! Le compte n'y est pas encore." in shown
    assert "1 relevé n'est affecté nulle part : aucune tournée ne l'a pris." in shown
    assert "Le compte y est." in words(week.as_(SUPERVISEUR).get(f"/dashboard?day={DAY}").text)
    week.house.decide(LATER)
    sealed = words(week.as_(SUPERVISEUR).get("/dashboard").text)
    assert "1 relevé est dans un envoi qui n'est pas arrivé." in sealed


def test_an_empty_database_says_what_will_make_something_appear(site: Site) -> None:
    for user in (SUPERVISEUR, OPERATOR):
        assert "dès qu'un fichier bancaire arrive" in words(site.as_(user).get("/dashboard?day=2026-03-02").text)


def test_banks_that_are_silent_come_with_their_last_day(week: Site) -> None:
    shown = week.as_(SUPERVISEUR).get("/dashboard").text
    bank = next(words(one) for one in re.findall(r"<tr>.*?</tr>", shown, re.S) if "muette" in one)
    assert bank.split()[-5:] == ["05/03/2026", "4", "4", "✘", "muette"]


@pytest.mark.parametrize(
    ("now", "over", "expected"),
    [
        (datetime(2026, 3, 3, 12, 59, tzinfo=BANK_ZONE), date(2026, 3, 1), date(2026, 2, 27)),
        (datetime(2026, 3, 3, 13, 0, tzinfo=BANK_ZONE), date(2026, 3, 2), date(2026, 3, 2)),
        (datetime(2026, 3, 7, 14, 0, tzinfo=BANK_ZONE), date(2026, 3, 6), date(2026, 3, 6)),
        (datetime(2026, 3, 9, 9, 0, tzinfo=BANK_ZONE), date(2026, 3, 7), date(2026, 3, 6)),
    ],
)
def test_a_bank_is_expected_to_have_sent_the_last_working_day_whose_run_is_due(
    now: datetime, over: date, expected: date
) -> None:
    assert over_day(now, time(13)) == over
    assert expected_day(over) == expected


def test_missed_days_are_those_that_airflow_has_not_run_or_whose_statements_came_after(
    week: Site, airflow: PretendAirflow
) -> None:
    airflow.ran = {LATER}
    shown = operator(week).get("/dashboard").text
    assert airflow.tokens == {"Bearer his-own"}
    assert [words(one) for one in re.findall(r"<tr><td><input.*?</tr>", shown, re.S)] == [
        "lun. 02/03/2026 0 aucune tournée ; ses relevés sont partis avec celle d'un autre jour",
        "mar. 03/03/2026 2 aucune tournée",
        "jeu. 05/03/2026 2 arrivés après la tournée du jour ; la prochaine les prendra",
    ]
    assert "2 jours manqués" in words(shown)
    ticked = re.findall(r'name="day" value="([^"]+)" id="[^"]+" checked', shown)
    assert ticked == [str(DAY), str(NEXT)], "the next run takes what came late by itself"


def test_the_session_of_the_browser_is_as_good_as_a_token(week: Site, airflow: PretendAirflow) -> None:
    browser = week.as_(OPERATOR)
    browser.cookies.set("_token", "from-the-cookie")
    assert "aucune tournée" in browser.get("/dashboard").text
    assert airflow.tokens == {"Bearer from-the-cookie"}


def test_airflow_is_not_asked_for_who_may_not_start_a_backfill(week: Site, airflow: PretendAirflow) -> None:
    for user in (SUPERVISEUR, COLLABORATEUR, NOBODY):
        visitor = week.as_(user)
        visitor.headers.update(TOKEN)
        assert "Jours manqués" not in visitor.get("/dashboard").text
        for path in ("/dashboard/backfill/preview", "/dashboard/backfill"):
            assert visitor.post(path, data={"day": str(NEXT)}).status_code == 403
    assert airflow.tokens == set()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "not an address", "http://user:hush@127.0.0.1:1", "http://host:hush"]
)
def test_an_airflow_that_is_away_is_told_and_the_rest_is_shown(
    week: Site, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("SOBANK_AIRFLOW_URL", url)
    shown = operator(week).get("/dashboard")
    assert shown.status_code == 200
    assert "Airflow n'a pas répondu" in words(shown.text)
    assert "hush" not in shown.text
    assert [words(one) for one in re.findall(r"<tr><td><input.*?</tr>", shown.text, re.S)] == [
        "mar. 03/03/2026 2 relevés non affectés", "jeu. 05/03/2026 2 relevés non affectés",
    ]  # fmt: skip
    for path in ("/dashboard/backfill/preview", "/dashboard/backfill"):
        refused = operator(week).post(path, data={"day": str(NEXT)})
        assert refused.status_code == 502
        assert "Airflow refuse, ou ne répond pas." in words(refused.text)
        assert not [secret for secret in ("his-own", "hush") if secret in refused.text]


def test_without_a_session_of_airflow_nothing_is_asked_in_somebody_elses_name(
    week: Site, airflow: PretendAirflow
) -> None:
    refused = week.as_(OPERATOR).post("/dashboard/backfill", data={"day": str(NEXT)})
    assert (refused.status_code, airflow.tokens) == (409, set())
    assert "Votre session Airflow n'est pas connue ici" in words(refused.text)


def test_exactly_the_days_that_were_missed_are_shown_then_run(week: Site, airflow: PretendAirflow) -> None:
    airflow.ran = {DAY, DAY + timedelta(days=2)}
    days = {"day": [str(NEXT), str(LATER)]}
    plan = operator(week).post("/dashboard/backfill/preview", data=days)
    assert "mar. 03/03/2026 , jeu. 05/03/2026 laissées telles quelles" in words(plan.text)
    assert "Lancer le rattrapage de 2 jours" in words(plan.text)
    assert airflow.started == []
    started = operator(week).post("/dashboard/backfill", data=days)
    assert (started.status_code, started.headers["location"]) == (303, "/dashboard?note=backfill_started&n=2")
    assert airflow.started == [(NEXT, LATER, "none")]
    assert airflow.tokens == {"Bearer his-own"}
    assert "Rattrapage de 2 jours lancé" in words(operator(week).get(started.headers["location"]).text)


def test_days_apart_take_several_backfills_and_the_page_says_that_airflow_runs_one_at_a_time(
    week: Site, airflow: PretendAirflow
) -> None:
    days = {"day": [str(NEXT), str(LATER)]}
    plan = words(operator(week).post("/dashboard/backfill/preview", data=days).text)
    assert "Airflow n'en fait qu'un à la fois" in plan
    assert "Lancer le rattrapage de 1 jour" in plan
    started = operator(week).post("/dashboard/backfill", data=days)
    assert started.headers["location"] == "/dashboard?note=backfill_partly&n=1"
    assert airflow.started == [(NEXT, NEXT, "completed")]


@pytest.mark.parametrize(
    ("standing", "told"),
    [
        ({"paused": True}, "est en pause dans Airflow"),
        ({"under_way": 1}, "Un rattrapage est déjà en cours"),
        ({"refuses": 403}, "Airflow refuse, ou ne répond pas."),
    ],
)
def test_what_airflow_would_not_run_is_not_started_and_told_in_french(
    week: Site, airflow: PretendAirflow, standing: dict[str, int], told: str
) -> None:
    for name, value in standing.items():
        setattr(airflow, name, value)
    refused = operator(week).post("/dashboard/backfill", data={"day": str(NEXT)})
    assert refused.status_code in {409, 502}
    assert told in words(refused.text)
    assert airflow.started == []
    plan = operator(week).post("/dashboard/backfill/preview", data={"day": str(NEXT)})
    assert ("Lancer le rattrapage" in plan.text) is ("refuses" in standing)


@pytest.mark.parametrize("days", [[], ["2999-01-01"], ["2020-01-01", "2026-03-03"]])
def test_days_that_make_no_sense_are_refused_in_place(week: Site, airflow: PretendAirflow, days: list[str]) -> None:
    refused = operator(week).post("/dashboard/backfill", data={"day": days})
    assert refused.status_code == 422
    assert "choisissez au moins un jour" in words(refused.text)
    assert airflow.started == []


def test_the_words_of_the_tables_have_their_english() -> None:
    assert {*WEEKDAYS, *backfill.TITLES} <= set(english())
