"""What support and data engineers ask the pages, in the browser: why did it not arrive, what is held, who may look."""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import jwt
import pytest
from playwright.sync_api import ConsoleMessage, expect

from sobank.web.diagnosis_words import REMEDIES
from tests.builders import iban_of
from tests.e2e.pages.office import HOSTILE, Office, shown
from tests.web.site import DAY, HERE

#: Why the statement of an account did not arrive, and what is to be done; 30 is registered by nobody.
CAUSES = {
    "iban_unknown": (iban_of(30), REMEDIES["iban_unknown"]),
    "no_statement": (iban_of(7), REMEDIES["no_statement"]),
    "mandate_draft": (iban_of(3), REMEDIES["mandate_draft"]),
    "mandate_revoked": (iban_of(5), REMEDIES["mandate_revoked"]),
    "unbalanced": (iban_of(6), "Demandez à la banque de renvoyer le relevé corrigé"),
    "batch_held": (iban_of(4), REMEDIES["batch_held"]),
    "not_associated": (iban_of(2), REMEDIES["not_associated"]),
    "statements_stopped": (iban_of(1), REMEDIES["statements_stopped"]),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_support_gets_the_cause_what_to_do_and_a_text_to_send(office: Office, cause: str) -> None:
    number, remedy = CAUSES[cause]
    answer = office.ask("sup", "POST", "/api/v1/diagnosis", json={"iban": number})
    assert answer.json()[0]["cause"] == cause
    tab = office.as_("sup")
    page = office.open(tab, "diagnosis")
    page.get_by_label("IBAN du compte").fill(" ".join(re.findall(".{1,4}", number)))
    page.get_by_role("button", name="Diagnostiquer").click()
    expect(page.get_by_role("status")).to_contain_text(remedy)
    expect(page.get_by_label("Texte pour le support")).to_contain_text(number[-4:])


def test_an_iban_typed_wrong_is_told_in_place(office: Office) -> None:
    page = office.open(office.as_("sup"), "diagnosis")
    page.get_by_label("IBAN du compte").fill(f"{iban_of(1)[:-1]}8")
    page.get_by_role("button", name="Diagnostiquer").click()
    expect(page.get_by_role("alert")).to_contain_text("Cet IBAN n'est pas valide")


def test_an_account_that_nobody_registered_is_explained_to_operators_alone(office: Office) -> None:
    for user, sees in (("admin", True), ("sup", False)):
        page = office.open(office.as_(user), "quarantine")
        expect(page.get_by_role("heading", name="Quarantaine").first).to_be_visible()
        expect(page.get_by_text("… " + iban_of(9)[-4:])).to_have_count(1 if sees else 0)


def test_a_specific_download_gives_the_statements_of_an_account_that_is_associated(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "accounts")
    page.get_by_role("link", name=shown(1)).click()
    page.get_by_label("Format").select_option("cfonb120")
    with tab.expect_download() as downloading:
        page.get_by_role("button", name="Télécharger").click()
    content = Path(downloading.value.path()).read_bytes()
    assert content.startswith(b"01")
    assert iban_of(1)[14:25].encode() in content
    journal = office.open(office.as_("sup"), "journal")
    expect(journal.get_by_role("cell", name="collab").first).to_be_visible()


def test_a_label_with_markup_is_shown_and_does_nothing(office: Office) -> None:
    said: list[ConsoleMessage] = []
    tab = office.as_("collab")
    tab.on("dialog", lambda dialog: pytest.fail(f"a label opened a dialogue: {dialog.message}"))
    tab.on("console", lambda message: said.append(message))
    page = office.open(tab, "accounts")
    page.get_by_role("link", name=shown(1)).click()
    page.get_by_role("link", name=f"{DAY:%d/%m/%Y}").first.click()
    expect(page.get_by_text(HOSTILE).first).to_be_visible()
    expect(page.locator("img")).to_have_count(0)
    assert not [message.text for message in said if message.type == "error" and "alert" in message.text]


def test_a_held_batch_is_released_with_a_reason_and_leaves(office: Office) -> None:
    tab = office.as_("sup")
    page = office.open(tab, "deliveries")
    page.get_by_role("row").filter(has_text="inqom").get_by_role("link", name="Envoi").click()
    expect(page.get_by_text("Retenu").first).to_be_visible()
    release = page.locator("form[action$='/release']")
    release.get_by_label("Motif").fill("le partenaire a retiré son fichier")
    office.in_its_way.unlink()
    release.get_by_role("button").click()
    expect(page.get_by_role("status").first).to_be_visible()
    office.deliver(DAY)
    assert 4 in office.in_folders("partners/inqom", DAY)


def test_a_tab_on_the_dag_and_on_its_runs_shows_the_deliveries(office: Office) -> None:
    tab = office.as_("admin")
    tab.goto(f"{office.home.url}/dags/deliver_statements/plugin/sobank-dag")
    expect(tab.frame_locator("iframe").get_by_text(f"{DAY:%d/%m/%Y}").first).to_be_visible()


def test_only_a_true_token_of_today_opens_the_mounted_app(office: Office) -> None:
    token = office.token("sup")
    head, body, signature = token.split(".")
    forged = [f"{head}.{body}.{signature[:-6]}AAAAAA", f"{head}.{body}.", "x.y.z", expired(office)]
    for path in (
        "/dashboard",
        "/accounts",
        f"/cabinets/{HERE}",
        "/static/sobank.css",
        "/api/v1/openapi.json",
        "/nowhere",
    ):
        for method in ("GET", "POST"):
            for sent in (
                {},
                *({"Authorization": f"Bearer {one}"} for one in forged),
                *({"Cookie": f"_token={one}"} for one in forged),
            ):
                answer = httpx.request(method, f"{office.home.url}/sobank{path}", headers=sent, trust_env=False)
                assert answer.status_code == 401, (method, path, sent, answer.status_code)
    assert office.ask("sup", "GET", "/dashboard").status_code == 200


def expired(office: Office) -> str:
    """A token signed with Airflow's own secret, whose time is over."""
    secret = office.home.environment["AIRFLOW__API_AUTH__JWT_SECRET"]
    claims = jwt.decode(office.token("sup"), options={"verify_signature": False})
    header = jwt.get_unverified_header(office.token("sup"))
    claims |= {"iat": int(time.time()) - 7200, "nbf": int(time.time()) - 7200, "exp": int(time.time()) - 3600}
    return jwt.encode(claims, secret, algorithm=header["alg"], headers={"kid": header.get("kid", "not-used")})


def test_no_log_of_airflow_holds_an_account_number_that_was_searched_for(office: Office) -> None:
    tab = office.as_("collab")
    page = office.open(tab, "accounts")
    written = " ".join(re.findall(".{1,4}", iban_of(2)))
    page.get_by_label("IBAN, société ou siret").fill(written)
    page.get_by_role("button", name="Filtrer").click()
    expect(page.get_by_role("link", name=shown(2))).to_be_visible()
    expect(page.get_by_role("link", name=shown(1))).to_have_count(0)
    tab.wait_for_load_state("networkidle")
    assert not re.search("[0-9]{5}", tab.url.partition("?")[2])
    tab.reload()
    logs = "".join(path.read_text(errors="replace") for path in (office.home.folder / "logs").rglob("*.log"))
    assert "/sobank/accounts" in logs
    for number in (iban_of(2), written, quote(written), quote_plus(written), quote(shown(2)), quote_plus(shown(2))):
        assert number not in logs
