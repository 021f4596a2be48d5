"""The tab *Livraisons* on a DAG and on its runs."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection

from sobank.web.app import build
from sobank.web.visitor import Visitor
from tests.web.site import DAY, HERE, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site

OF_DAG = "/deliveries/of-dag"
#: As Airflow names its runs: the moment after which one may run, with what an address must write otherwise.
RUN = "backfill__2026-03-02T23:00:00+00:00"


@pytest.mark.parametrize(("user", "sees"), [(SUPERVISEUR, {HERE}), (STRANGER, {THERE}), (OPERATOR, {HERE, THERE})])
def test_the_delivery_shows_its_last_days_and_the_batches_of_the_last(
    delivered: Site, user: str, sees: set[str]
) -> None:
    shown = delivered.as_(user).get(f"{OF_DAG}/deliver_statements").text
    assert f"?day={DAY}" in shown
    assert {cabinet for cabinet in (HERE, THERE) if f"fichier-global_{cabinet}" in shown} == sees
    assert "Aucun envoi ce jour-là" in delivered.as_(user).get(f"{OF_DAG}/deliver_statements?day=2026-01-01").text


@pytest.mark.parametrize(
    ("user", "statements", "told"), [(SUPERVISEUR, 6, False), (STRANGER, 2, False), (OPERATOR, 9, True)]
)
def test_the_ingest_shows_its_last_files_as_far_as_they_are_the_visitors(
    delivered: Site, user: str, statements: int, told: bool
) -> None:
    shown = delivered.as_(user).get(f"{OF_DAG}/ingest_bank_files").text
    assert f'<td class="n">{statements}</td>' in shown
    assert ("Enregistrements refusés" in shown) is told


def test_another_dag_says_that_it_delivers_nothing(delivered: Site) -> None:
    for path in ("example", "example/runs/manual__now"):
        assert "ne livre pas de relevés" in delivered.as_(SUPERVISEUR).get(f"{OF_DAG}/{path}").text


def asking(site: Site, days: dict[tuple[str, str], date]) -> TestClient:
    """A visitor of a site whose Airflow knows these runs."""

    async def identify(connection: HTTPConnection) -> Visitor:
        return Visitor(name=SUPERVISEUR)

    return TestClient(build(lambda: site.house, identify, run_day=lambda dag, run: days.get((dag, run))))


def test_a_run_shows_the_batches_of_the_day_that_airflow_knows_of_it(delivered: Site) -> None:
    visitor = asking(delivered, {("deliver_statements", RUN): DAY})
    shown = visitor.get(f"{OF_DAG}/deliver_statements/runs/{quote(RUN, safe='')}").text
    assert f"Livraisons du {DAY:%d/%m/%Y}" in shown
    assert f"fichier-global_{HERE}" in shown
    assert RUN in shown
    assert "Choisissez le jour" not in shown


def test_of_a_run_whose_day_is_not_known_the_day_can_be_chosen(delivered: Site) -> None:
    visitor = asking(delivered, {("deliver_statements", RUN): DAY - timedelta(days=1)})
    path = f"{OF_DAG}/deliver_statements/runs/manual__now"
    assert "Choisissez le jour" in visitor.get(path).text
    assert f"fichier-global_{HERE}" in visitor.get(f"{path}?day={DAY}").text
