"""*Livraisons*: who sees which batch, what is said of it, and what a named person decides of it (D5–D8, DESIGN §6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.domain.day import BANK_ZONE
from sobank.domain.delivery import BatchState, Happening
from sobank.simulator.partner_sftp import SftpPartner
from sobank.store.schema import audit_events, batches, connectors
from sobank.web.api.shapes import PREFIX
from tests.builders import NOW, file_of, named, statement
from tests.web.site import COLLABORATEUR, DAY, HERE, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site

WHY = {"reason": "vu avec le partenaire"}
#: What the partner took until last year.
OLD = "changed since"
MARKUP = "<script>alert(1)</script>"


def number(site: Site, destination: str) -> int:
    """The newest batch of a destination."""
    query = sa.select(batches.c.id).where(batches.c.destination == destination).order_by(batches.c.id.desc()).limit(1)
    with site.house.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def state(site: Site, batch: int) -> str:
    return site.house.ledger.batch(batch).state.value


def sealed(site: Site, days: int = 1) -> list[int]:
    """Batches of fizen for as many days, sealed and not sent, oldest first."""
    told = [statement(1, DAY + timedelta(days=n), 5, opening=5 * n) for n in range(days)]
    site.house.take_in(file_of(*told), name=named(DAY))
    for n in range(days):
        site.house.decide(DAY + timedelta(days=n))
    return [batch.id for batch in site.house.ledger.open_batches(destination=f"connector:{HERE}/fizen")]


def held(site: Site) -> tuple[int, Path]:
    """A batch of fizen that is held since other bytes lie under its name; where they lie."""
    (batch,) = sealed(site)
    folder = site.house.settings.home / "partners" / "fizen" / HERE
    folder.mkdir(parents=True)
    foreign = folder / site.house.ledger.batch(batch).outgoing.object_name
    foreign.write_bytes(b"foreign")
    site.house.push()
    assert state(site, batch) == BatchState.HELD
    return batch, foreign


@pytest.fixture
def partner(site: Site, tmp_path: Path) -> Iterator[SftpPartner]:
    """The server of fizen, which the house reaches by a connection of Airflow."""
    with site.house.database.write() as connection:
        connection.execute(sa.update(connectors).where(connectors.c.name == "fizen").values(connection="partner"))
    folder = tmp_path / "partner"
    folder.mkdir()
    with SftpPartner(folder) as found:
        yield found


def known(monkeypatch: pytest.MonkeyPatch, partner: SftpPartner, *, secret: str | None) -> None:
    """What Airflow says of the partner from now on."""
    login = partner.login()
    fields = {"conn_type": "sftp", "host": login.host, "port": login.port, "login": login.user, "password": secret}
    monkeypatch.setenv("AIRFLOW_CONN_PARTNER", json.dumps(fields | {"extra": dict(login.extra)}))


def events(site: Site) -> list[tuple[str, str, str, str]]:
    c = audit_events.c
    query = sa.select(c.action, c.actor, c.role, c.reason).where(c.action.like("batch.%")).order_by(c.id)
    with site.house.database.read() as connection:
        return [tuple(row) for row in connection.execute(query)]


@pytest.mark.parametrize(
    ("user", "sees"),
    [(SUPERVISEUR, {HERE}), (COLLABORATEUR, {HERE}), (STRANGER, {THERE}), (OPERATOR, {HERE, THERE}), (NOBODY, set())],
)
def test_a_visitor_sees_the_batches_of_his_cabinets(delivered: Site, user: str, sees: set[str]) -> None:
    shown = delivered.as_(user).get("/deliveries").text
    for cabinet in (HERE, THERE):
        assert (f"fichier-global_{cabinet}" in shown) is (cabinet in sees)


@pytest.mark.parametrize(
    ("query", "files"),
    [
        ("", {"fizen", "inqom", "fichier-global"}),
        ("?state=&cabinet=&partner=&first=&last=", {"fizen", "inqom", "fichier-global"}),
        ("?state=delivered&partner=inqom", {"inqom"}),
        ("?partner=global", {"fichier-global"}),
        ("?state=held", set()),
        ("?state=open", set()),
        (f"?first={DAY}&last={DAY}&partner=fizen", {"fizen"}),
        (f"?first={DAY + timedelta(days=1)}", set()),
        (f"?run_day={DAY - timedelta(days=1)}", set()),
        ("?page=2", set()),
    ],
)
def test_the_list_is_filtered(delivered: Site, query: str, files: set[str]) -> None:
    shown = delivered.as_(SUPERVISEUR).get(f"/deliveries{query}")
    assert shown.status_code == 200
    assert {name for name in ("fizen", "inqom", "fichier-global") if f"{name}_" in shown.text} == files


def test_what_waits_for_a_person_or_is_late_is_to_be_looked_at(site: Site) -> None:
    batch, _ = held(site)
    assert f"/deliveries/{batch}" in site.as_(SUPERVISEUR).get("/deliveries?state=to_act").text
    assert "1 envoi attend une personne" in site.as_(SUPERVISEUR).get("/deliveries").text
    assert "Rien à traiter" in site.as_(STRANGER).get("/deliveries?state=to_act").text


def test_programs_list_what_is_late_alone(site: Site) -> None:
    today = datetime.now(UTC).astimezone(BANK_ZONE).date()
    late = sealed(site)
    site.house.take_in(file_of(statement(2, today, 3, opening=6)), named(today))
    site.house.decide(today)
    lead = site.as_(SUPERVISEUR)
    found = {late: lead.get(f"{PREFIX}/batches?overdue={late}").json()["rows"] for late in ("true", "false")}
    assert [batch["id"] for batch in found["true"]] == late
    assert len(found["false"]) == len(late) + 1


def test_a_delivered_batch_shows_its_receipt_and_its_statements(delivered: Site) -> None:
    batch = number(delivered, f"connector:{HERE}/fizen")
    shown = delivered.as_(COLLABORATEUR).get(f"/deliveries/{batch}").text
    outgoing = delivered.house.ledger.batch(batch).outgoing
    assert shown.count(outgoing.sha256) == 2
    assert "identique au fichier scellé" in shown
    assert f"/accounts/{delivered.account(1)}" in shown
    assert "<form" not in shown


def test_decisions_are_offered_to_who_may_take_them_and_in_the_state_that_allows_them(site: Site) -> None:
    batch, _ = held(site)
    offered = site.as_(SUPERVISEUR).get(f"/deliveries/{batch}").text
    assert [f"/deliveries/{batch}/{verb}" in offered for verb in ("retry", "release", "confirm", "reject")] == [
        False, True, True, True,
    ]  # fmt: skip
    assert f"/deliveries/{batch}/release" not in site.as_(COLLABORATEUR).get(f"/deliveries/{batch}").text
    assert site.as_(COLLABORATEUR).post(f"/deliveries/{batch}/release", data=WHY).status_code == 403


@pytest.mark.parametrize(
    ("verb", "after", "event"),
    [
        ("release", BatchState.SEALED, "batch.released_by_person"),
        ("confirm", BatchState.DELIVERED, "batch.confirmed_by_person"),
        ("reject", BatchState.REJECTED, "batch.rejected_by_person"),
    ],
)
def test_a_held_batch_is_decided_by_name_and_reason(site: Site, verb: str, after: BatchState, event: str) -> None:
    batch, _ = held(site)
    answer = site.as_(SUPERVISEUR).post(f"/deliveries/{batch}/{verb}", data=WHY)
    assert (answer.status_code, state(site, batch)) == (303, after)
    assert events(site) == [(event, SUPERVISEUR, "superviseur", WHY["reason"])]
    after_page = site.as_(SUPERVISEUR).get(answer.headers["location"])
    assert 'class="note ok"' in after_page.text
    assert WHY["reason"] in after_page.text


def test_a_decision_needs_a_reason_and_a_state_that_allows_it(site: Site) -> None:
    batch, _ = held(site)
    lead = site.as_(SUPERVISEUR)
    without = lead.post(f"/deliveries/{batch}/confirm", data={"reason": "  "})
    assert (without.status_code, state(site, batch)) == (422, BatchState.HELD)
    assert "Indiquez un motif." in without.text
    lead.post(f"/deliveries/{batch}/confirm", data=WHY)
    late = lead.post(f"/deliveries/{batch}/release", data=WHY)
    assert (late.status_code, state(site, batch)) == (409, BatchState.DELIVERED)
    assert "état de l&#39;envoi a changé" in late.text
    assert len(events(site)) == 1


def test_a_retry_sends_the_earlier_batches_of_its_destination_first(site: Site) -> None:
    first, second = sealed(site, days=2)
    assert f"/deliveries/{first}" in site.as_(SUPERVISEUR).get(f"/deliveries/{second}").text
    assert site.as_(SUPERVISEUR).post(f"/deliveries/{second}/retry", data=WHY).status_code == 303
    assert (state(site, first), state(site, second)) == (BatchState.DELIVERED, BatchState.DELIVERED)
    assert events(site) == [("batch.retry", SUPERVISEUR, "superviseur", WHY["reason"])]


def test_a_retry_asks_airflow_anew_for_the_connection(
    site: Site, partner: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    (batch,), lead = sealed(site), site.as_(SUPERVISEUR)
    known(monkeypatch, partner, secret=OLD)
    lead.post(f"/deliveries/{batch}/retry", data=WHY)
    assert (state(site, batch), partner.bytes_written) == (BatchState.SEALED, 0)
    known(monkeypatch, partner, secret=partner.login().password)
    lead.post(f"/deliveries/{batch}/retry", data=WHY)
    assert (state(site, batch), len(list(partner.inbox.received()))) == (BatchState.DELIVERED, 1)


@pytest.mark.parametrize("programs", [False, True], ids=["page", "API"])
def test_a_decision_asks_airflow_anew_for_the_connection(
    site: Site, partner: SftpPartner, monkeypatch: pytest.MonkeyPatch, programs: bool
) -> None:
    (batch,), login = sealed(site), partner.login()
    with site.house.database.write() as connection:
        staged = f"sftp://{login.user}@{login.host}:{login.port}/.staged"
        connection.execute(
            sa.update(batches).where(batches.c.id == batch).values(state="held", fence=1, staging=staged)
        )
    path, body = (f"{PREFIX}/batches", {"json": WHY}) if programs else ("/deliveries", {"data": WHY})
    for secret, after in ((OLD, BatchState.HELD), (login.password, BatchState.SEALED)):
        known(monkeypatch, partner, secret=secret)
        site.as_(SUPERVISEUR).post(f"{path}/{batch}/release", **body)  # type: ignore[arg-type]
        assert state(site, batch) == after


def test_a_retry_that_fails_leaves_the_batch_and_shows_why(site: Site) -> None:
    (batch,) = sealed(site)
    folder = site.house.settings.home / "partners" / "fizen"
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    answer = site.as_(SUPERVISEUR).post(f"/deliveries/{batch}/retry", data=WHY)
    assert (answer.status_code, state(site, batch)) == (303, BatchState.SEALED)
    shown = site.as_(SUPERVISEUR).get(answer.headers["location"]).text
    assert ">Pas arrivé<" in shown
    assert "Arrivé<" not in shown


def test_what_a_partner_said_is_shown_as_text(site: Site) -> None:
    (batch,) = sealed(site)
    claim = site.house.ledger.claim(batch, worker=MARKUP, now=NOW, lease=timedelta(minutes=1))
    site.house.ledger.record(batch, claim.fence, Happening.DOUBTFUL, now=NOW, message=MARKUP)  # type: ignore[union-attr]
    shown = site.as_(SUPERVISEUR).get(f"/deliveries/{batch}").text
    assert MARKUP not in shown
    assert shown.count("&lt;script&gt;alert(1)") == 3


def test_an_abandoned_batch_can_be_tried_and_one_under_way_cannot(site: Site) -> None:
    (batch,) = sealed(site)
    site.house.ledger.claim(batch, worker="w", now=NOW, lease=timedelta(days=36500))
    assert "/retry" not in site.as_(SUPERVISEUR).get(f"/deliveries/{batch}").text
    with site.house.database.write() as connection:
        connection.execute(sa.update(batches).values(lease_until=NOW))
    assert "/retry" in site.as_(SUPERVISEUR).get(f"/deliveries/{batch}").text


def test_a_day_that_is_none_is_told(site: Site) -> None:
    assert site.as_(SUPERVISEUR).get("/deliveries?first=hier").status_code == 422
    assert site.as_(SUPERVISEUR).get("/deliveries?state=perdu").status_code == 422
