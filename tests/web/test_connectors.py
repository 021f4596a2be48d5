"""*Connecteurs*: adding one ends with its test and the accounts; taking one off says what hangs on it (A2, A3)."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import asyncssh
import pytest
import sqlalchemy as sa

from sobank.domain.sink import ConnectionReport
from sobank.partners.explain import SETTINGS
from sobank.simulator.partner_sftp import SftpPartner
from sobank.store.circuits import Circuits
from sobank.store.connector_list import ListedConnector, connectors_on
from sobank.store.schema import audit_events, batches
from sobank.web.connector_words import FIELDS, shown
from sobank.web.language import Language
from tests.builders import NOW
from tests.web.site import ADMINISTRATEUR, COLLABORATEUR, HERE, OPERATOR, SUPERVISEUR, Site

LIST = f"/cabinets/{HERE}/connectors"
FIZEN = f"{LIST}/fizen"


def text_of(answer: Any) -> str:
    """What a person reads: no tags, spaces as one."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text))).strip()


def on_cabinet(site: Site) -> dict[str, ListedConnector]:
    return {one.name: one for one in connectors_on(site.house.database, cabinet=HERE)}


def events(site: Site) -> list[tuple[str, str, str | None, str | None]]:
    c = audit_events.c
    with site.house.database.read() as connection:
        rows = connection.execute(sa.select(c.action, c.actor, c.role, c.reason).order_by(c.id))
        return [tuple(row) for row in rows if row.action.startswith(("connector.", "circuit."))]


def waiting(site: Site, *, fence: int) -> None:
    """The delivered batch of fizen is open again; it was attempted `fence` times."""
    with site.house.database.write() as connection:
        of_fizen = batches.c.destination == f"connector:{HERE}/fizen"
        connection.execute(
            sa.update(batches).where(of_fizen).values(state="sealed", fence=fence, receipt=None, staging=None)
        )


@pytest.mark.parametrize("user", [ADMINISTRATEUR, SUPERVISEUR, OPERATOR])
def test_a_lead_adds_a_connector_sees_its_test_and_goes_on_to_the_accounts(site: Site, user: str) -> None:
    lead = site.as_(user)
    assert f'href="{LIST}/new"' in lead.get(LIST).text
    assert "partner=myunisoft" in lead.get(f"{LIST}/new").text
    assert 'value="fulll"' in lead.get(f"{LIST}/new?partner=fulll").text
    added = lead.post(LIST, data={"partner": "fulll", "name": "fulll", "connection": ""})
    assert added.status_code == 200
    assert "La connexion fonctionne. Rien n'a été envoyé." in text_of(added)
    assert "Dépôt en une fois, sans jamais remplacer un fichier" in text_of(added)
    assert f'href="/accounts?cabinet={HERE}&amp;offer=fulll"' in added.text
    assert on_cabinet(site)["fulll"].partner == "fulll"
    assert events(site)[-1][:2] == ("connector.add", user)


def test_a_collaborateur_sees_connectors_and_is_offered_no_change_of_them(site: Site) -> None:
    shown_to_him = site.as_(COLLABORATEUR).get(LIST)
    assert "fizen" in shown_to_him.text
    assert f"{LIST}/new" not in shown_to_him.text
    assert "/remove" not in shown_to_him.text
    assert "<form" not in shown_to_him.text
    before = site.fingerprint()
    changes = (LIST, f"{FIZEN}/test", f"{FIZEN}/remove", f"{FIZEN}/cut")
    for path in changes:
        given = {"partner": "fulll", "name": "fulll", "reason": "x"}
        assert site.as_(COLLABORATEUR).post(path, data=given).status_code == 403
    assert site.fingerprint() == before


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "Fizen 2"}, "lettres minuscules"),
        ({"name": "fizen"}, "déjà un connecteur de ce nom"),
        ({"connection": "fizen_sftp"}, "commence par sobank_cab001_"),
        ({"connection": "sobank_cab002_fizen"}, "commence par sobank_cab001_"),
        ({"connection": "", "folder": "/srv/global/CAB002"}, "laissez-le vide"),
        ({"further": "api_key=hunter2"}, "semble être un secret"),
        ({"further": "hunter2"}, "CLÉ=VALEUR"),
        ({"recipients": "AGE-SECRET-KEY-1HUNTER2"}, "secret"),
        ({"recipients": "age1wrong"}, "clé de chiffrement"),
        ({"connection": "sobank_cab001_/../sobank_cab002_fizen"}, "commence par sobank_cab001_"),
        ({"further": "pause=1e999"}, "n'est ni un texte"),
        ({"further": f"pause={'[' * 4000}{']' * 4000}"}, "CLÉ=VALEUR"),
        ({"further": f"pause={'[' * 9}{']' * 9}"}, "n'est ni un texte"),
    ],
)
def test_what_cannot_be_is_told_in_french_beside_what_was_typed(site: Site, typed: dict[str, str], said: str) -> None:
    before = site.fingerprint()
    given = {"partner": "fizen", "name": "fizen-2", "connection": "sobank_cab001_fizen", "folder": "in"} | typed
    answer = site.as_(SUPERVISEUR).post(LIST, data=given)
    assert (answer.status_code, said in text_of(answer)) == (422, True)
    for value in given.values():
        assert html.escape(value) in answer.text
    assert site.fingerprint() == before


def test_an_operator_may_name_any_connection(site: Site) -> None:
    given = {"partner": "fizen", "name": "fizen-2", "connection": "shared_by_all", "folder": "CAB001"}
    answer = site.as_(OPERATOR).post(LIST, data=given)
    assert "Airflow n'a pas cette connexion" in text_of(answer)
    found = on_cabinet(site)["fizen-2"]
    assert (found.connection, found.settings) == ("shared_by_all", {"folder": "CAB001"})
    assert "shared_by_all Dossier de dépôt : CAB001" in text_of(site.as_(COLLABORATEUR).get(LIST))
    assert events(site)[-1][2] == "operator"


def test_settings_are_kept_by_the_kind_of_sink_and_as_typed(site: Site) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode().strip()
    given = {
        "partner": "myunisoft", "name": "compta", "connection": "sobank_cab001_mu", "society_id": "12", "bucket": "no",
        "recipients": f"{key}\n\n", "further": 'keep = 3\r\nhours={"from": 6}',
    }  # fmt: skip
    assert site.as_(SUPERVISEUR).post(LIST, data=given).status_code == 200
    assert on_cabinet(site)["compta"].settings == {
        "society_id": "12", "keep": 3, "hours": {"from": 6}, "encryption": {"age": [key]},
    }  # fmt: skip


def test_a_partner_that_is_in_no_catalogue_is_not_found(site: Site) -> None:
    assert site.as_(SUPERVISEUR).get(f"{LIST}/new?partner=cegid").status_code == 404
    assert site.as_(SUPERVISEUR).post(LIST, data={"partner": "cegid", "name": "cegid"}).status_code == 404


def test_a_test_that_works_puts_a_stopped_connector_back_into_service(site: Site) -> None:
    circuits = Circuits(site.house.database)
    circuits.open(on_cabinet(site)["fizen"].id, cause="the key is refused", worker="w", now=NOW)
    assert "Arrêté" in text_of(site.as_(COLLABORATEUR).get(LIST))
    answer = site.as_(SUPERVISEUR).post(f"{FIZEN}/test")
    assert "il est remis en service" in text_of(answer)
    assert events(site)[-1] == ("circuit.close", SUPERVISEUR, "superviseur", "Test de connexion réussi")
    assert circuits.all() == []


def test_a_test_asks_airflow_anew_each_time_and_sends_nothing(
    site: Site, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "partner").mkdir()
    lead = site.as_(SUPERVISEUR)
    with SftpPartner(tmp_path / "partner") as partner:
        login = partner.login()

        def known_by(host_key: object) -> None:
            fields = {"conn_type": "sftp", "host": login.host, "port": login.port, "login": login.user,
                      "password": login.password, "extra": {"host_key": host_key}}  # fmt: skip
            monkeypatch.setenv("AIRFLOW_CONN_SOBANK_CAB001_SFTP", json.dumps(fields))

        known_by(asyncssh.generate_private_key("ssh-ed25519").export_public_key("openssh").decode())
        given = {"partner": "fulll", "name": "fulll", "connection": "sobank_cab001_sftp"}
        failed = lead.post(LIST, data=given)
        assert "ne présente pas la clé attendue" in text_of(failed)
        assert str(login.password) not in failed.text
        assert "fulll" in on_cabinet(site)
        known_by(login.extra["host_key"])
        assert "La connexion fonctionne." in text_of(lead.post(f"{LIST}/fulll/test"))
        assert (partner.bytes_written, list(partner.inbox.received())) == (0, [])


def test_deleting_is_refused_with_the_figures_and_cutting_is_offered(delivered: Site) -> None:
    waiting(delivered, fence=0)
    lead = delivered.as_(SUPERVISEUR)
    before = delivered.fingerprint()
    for answer, status in (
        (lead.get(f"{FIZEN}/remove"), 200),
        (lead.post(f"{FIZEN}/remove", data={"reason": "x"}), 409),
    ):
        assert answer.status_code == status
        assert "1 compte associé et 1 envoi non terminé y sont rattachés." in text_of(answer)
        assert "1 compte n'a plus de connecteur" in text_of(answer)
        assert "1 envoi, jamais tenté, est retiré" in text_of(answer)
        assert f'action="{FIZEN}/cut"' in answer.text
        assert f'action="{FIZEN}/remove"' not in answer.text
    assert delivered.fingerprint() == before


def test_cutting_asks_for_a_reason_then_dissociates_deletes_and_says_so(site: Site) -> None:
    lead = site.as_(SUPERVISEUR)
    before = site.fingerprint()
    assert lead.post(f"{FIZEN}/cut", data={"reason": " "}).status_code == 422
    assert site.fingerprint() == before
    gone = lead.post(f"{FIZEN}/cut", data={"reason": "fin de contrat"})
    assert gone.status_code == 303
    assert "Le connecteur est coupé : 1 compte n'a plus de connecteur." in text_of(lead.get(gone.headers["location"]))
    assert set(on_cabinet(site)) == {"inqom"}
    assert events(site)[-1] == ("connector.cut", SUPERVISEUR, "superviseur", "fin de contrat")


def test_cutting_is_not_offered_while_an_attempted_batch_is_not_final_and_is_refused(delivered: Site) -> None:
    waiting(delivered, fence=1)
    lead = delivered.as_(SUPERVISEUR)
    before = delivered.fingerprint()
    for answer, status in ((lead.get(f"{FIZEN}/remove"), 200), (lead.post(f"{FIZEN}/cut", data={"reason": "x"}), 409)):
        assert answer.status_code == status
        assert "1 envoi a déjà été tenté et n'est pas terminé" in text_of(answer)
        assert f'action="{FIZEN}/cut"' not in answer.text
    assert delivered.fingerprint() == before


def test_a_connector_on_which_nothing_hangs_is_deleted_for_a_reason(site: Site) -> None:
    lead = site.as_(SUPERVISEUR)
    lead.post(LIST, data={"partner": "fulll", "name": "fulll"})
    assert "peut être supprimé" in text_of(lead.get(f"{LIST}/fulll/remove"))
    assert lead.post(f"{LIST}/fulll/remove", data={}).status_code == 422
    assert "fulll" in on_cabinet(site)
    gone = lead.post(f"{LIST}/fulll/remove", data={"reason": "essai"})
    assert "Le connecteur est supprimé." in text_of(lead.get(gone.headers["location"]))
    assert events(site)[-1] == ("connector.delete", SUPERVISEUR, "superviseur", "essai")


def test_a_connector_that_is_not_on_the_cabinet_is_not_found(site: Site) -> None:
    lead = site.as_(SUPERVISEUR)
    assert lead.get(f"{LIST}/fulll/remove").status_code == 404
    for change in ("test", "remove", "cut"):
        assert lead.post(f"{LIST}/fulll/{change}", data={"reason": "x"}).status_code == 404


def test_every_setting_that_a_kind_of_sink_knows_has_its_field() -> None:
    assert {name for names in SETTINGS.values() for name in names} == set(FIELDS)


def test_what_has_no_words_of_ours_is_shown_as_the_sink_said_it() -> None:
    report = ConnectionReport(reachable=True, capabilities=("OpenSSH_9.2", "12 MiB free"), degraded=("no fsync: why",))
    found = shown(report, Language("fr"))
    assert found.able == ("OpenSSH_9.2", "Espace libre\u00a0: 12 Mio")
    assert found.degraded[0].startswith("Écriture non confirmée")
