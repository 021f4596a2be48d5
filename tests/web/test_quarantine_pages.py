"""*Quarantaine*: who sees what is set aside, the failing rule shown on the statement, and decisions on one or many."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.statement import Entry
from sobank.store import standing
from sobank.store.schema import accounts, audit_events, quarantine, statements
from tests.builders import NOW, account_number, file_of, iban_of, named, statement
from tests.services.test_quarantine import drifted
from tests.web.site import (
    COLLABORATEUR,
    DAY,
    HERE,
    NOBODY,
    OPERATOR,
    STRANGER,
    SUPERVISEUR,
    THERE,
    Site,
)

WHY = {"reason": "vu avec la banque"}
NEXT = DAY + timedelta(days=1)
MARKUP = "<img src=x onerror=alert(1)>"


def of(site: Site, reason: str) -> int:
    """The newest statement that is set aside for a reason."""
    query = sa.select(quarantine.c.statement_id).where(quarantine.c.reason == reason, quarantine.c.closed_at.is_(None))
    with site.house.database.read() as connection:
        return int(connection.execute(query.order_by(quarantine.c.id.desc()).limit(1)).scalar_one())


def status(site: Site, number: int) -> str:
    with site.house.database.read() as connection:
        return str(connection.execute(sa.select(standing.status()).where(statements.c.id == number)).scalar_one())


def events(site: Site) -> list[tuple[Any, ...]]:
    c = audit_events.c
    query = sa.select(c.action, c.subject, c.actor, c.role, c.reason).where(c.action.like("quarantine.%"))
    with site.house.database.read() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(c.id))]


def unbalanced(site: Site, *numbers: int, day: date = NEXT) -> list[int]:
    """Statements of these accounts that miss their closing balance by one cent; their ids."""
    site.house.take_in(file_of(*(statement(n, day, 500, closing=501) for n in numbers)), name=named(day, 7))
    with site.house.database.read() as connection:
        query = sa.select(statements.c.id).where(statements.c.business_date == day).order_by(statements.c.id)
        return list(connection.scalars(query))


@pytest.mark.parametrize(
    ("user", "reasons"),
    [
        (SUPERVISEUR, {"unbalanced", "mandate_revoked"}),
        (COLLABORATEUR, {"unbalanced", "mandate_revoked"}),
        (OPERATOR, {"unbalanced", "mandate_revoked", "unknown_account"}),
        (STRANGER, set()),
        (NOBODY, set()),
    ],
)
def test_a_visitor_sees_what_is_set_aside_of_his_cabinets_and_operators_what_is_nobodys(
    delivered: Site, user: str, reasons: set[str]
) -> None:
    shown = delivered.as_(user).get("/quarantine").text
    assert {
        code for code in ("unbalanced", "mandate_revoked", "unknown_account") if f'value="{code}"' in shown
    } == reasons
    assert ("La quarantaine est vide" in shown) is (user == STRANGER)
    assert ("membre d&#39;aucun cabinet" in shown) is (user == NOBODY)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 2),
        ("?reason=&cabinet=&first=&last=", 2),
        ("?reason=unbalanced", 1),
        ("?reason=nothing", 0),
        (f"?cabinet={HERE}", 2),
        (f"?cabinet={THERE}", 0),
        (f"?first={DAY}&last={DAY}", 2),
        (f"?first={NEXT}", 0),
        ("?page=2", 0),
    ],
)
def test_the_list_is_filtered(delivered: Site, query: str, found: int) -> None:
    shown = delivered.as_(SUPERVISEUR).get(f"/quarantine{query}")
    assert shown.status_code == 200
    assert shown.text.count('name="statements"') == found


def test_an_unbalanced_statement_shows_what_is_missing(delivered: Site) -> None:
    shown = delivered.as_(COLLABORATEUR).get(f"/quarantine/{of(delivered, 'unbalanced')}").text
    balance = shown.split("équilibre du relevé")[1].split("</table>")[0]
    for amount in ("0,00", "5,00", "0,01", "−4,99"):
        assert f"{amount}\u00a0€" in balance
    assert "Solde d&#39;ouverture + écritures = solde de clôture" in shown
    assert "<form" not in shown


def test_movements_that_fail_a_rule_are_marked_with_what_the_rule_found(site: Site) -> None:
    old = Entry(amount=100, booking_date=date(1975, 1, 1), value_date=DAY, label="ANCIEN")
    good = Entry(amount=-30, booking_date=DAY, value_date=DAY, label=MARKUP)
    site.house.take_in(file_of(statement(1, DAY, 70, closing=70, entries=(good, old))), name=named(DAY))
    site.house.decide(DAY, judged=True)
    shown = site.as_(SUPERVISEUR).get(f"/quarantine/{of(site, 'booking_day_implausible')}").text
    rows = {n: shown.split(f'<tr id="entry-{n}"')[1].split("</tr>")[0] for n in (0, 1)}
    assert ("differs" in rows[0], "differs" in rows[1]) == (False, True)
    assert "01/01/1975" in rows[1].split("booking_day_implausible")[1]
    assert "de 01/01/1980 à 31/12/2079" in " ".join(shown.split())
    assert MARKUP not in shown
    assert "&lt;img src=x onerror" in shown


def test_records_that_belong_to_another_account_are_marked(site: Site) -> None:
    lines = file_of(statement(1, DAY, 700, -30)).split(b"\n")
    lines[1] = lines[1][:21] + account_number(2).encode() + lines[1][32:]
    site.house.take_in(b"\n".join(lines), name=named(DAY))
    shown = site.as_(SUPERVISEUR).get(f"/quarantine/{of(site, 'account_differs')}").text
    assert shown.count("autre compte</span>") == 1


def test_two_versions_of_a_statement_are_shown_side_by_side(delivered: Site) -> None:
    other = statement(1, DAY, 12_000, -1_655, opening=100_000)
    delivered.house.take_in(file_of(other), name=named(DAY, 8))
    shown = delivered.as_(SUPERVISEUR).get(f"/quarantine/{of(delivered, 'conflict')}").text
    compared = shown.split("autre version")[1].split("</table>")[0]
    assert compared.count("diffère") == 2
    for amount in ("120,00", "123,45"):
        assert f"{amount}\u00a0€" in compared
    assert "parti dans l&#39;envoi" in compared


def test_an_unknown_account_is_masked_and_says_how_to_add_it(delivered: Site) -> None:
    number = of(delivered, "unknown_account")
    shown = delivered.as_(OPERATOR).get(f"/quarantine/{number}").text
    assert account_number(9) not in shown.split("CFONB 120")[0]
    assert "Ajouter un IBAN" in shown
    assert delivered.as_(SUPERVISEUR).get(f"/quarantine/{number}").status_code == 404


def test_one_statement_is_released_or_rejected_by_name_and_reason(delivered: Site) -> None:
    lead = delivered.as_(SUPERVISEUR)
    first, second = of(delivered, "unbalanced"), of(delivered, "mandate_revoked")
    released = lead.post(f"/quarantine/{first}/release", data=WHY)
    rejected = lead.post(f"/quarantine/{second}/reject", data=WHY)
    assert (released.status_code, rejected.status_code) == (303, 303)
    assert (status(delivered, first), status(delivered, second)) == ("pending", "rejected")
    assert events(delivered) == [
        ("quarantine.released", f"statement:{first}", SUPERVISEUR, "superviseur", WHY["reason"]),
        ("quarantine.rejected", f"statement:{second}", SUPERVISEUR, "superviseur", WHY["reason"]),
    ]
    after = lead.get(released.headers["location"]).text
    assert "Le relevé est libéré" in after
    assert WHY["reason"] in after.split("Décisions passées")[1]


def test_what_cannot_be_decided_is_said_on_the_sheet_and_changes_nothing(delivered: Site) -> None:
    lead, number = delivered.as_(SUPERVISEUR), of(delivered, "unbalanced")
    assert "Indiquez un motif." in lead.post(f"/quarantine/{number}/release", data={"reason": ""}).text
    assert delivered.as_(COLLABORATEUR).post(f"/quarantine/{number}/release", data=WHY).status_code == 403
    assert status(delivered, number) == "quarantined"
    lead.post(f"/quarantine/{number}/reject", data=WHY)
    late = lead.post(f"/quarantine/{number}/release", data=WHY)
    assert (late.status_code, status(delivered, number)) == (409, "rejected")
    assert "plus en quarantaine" in late.text
    delivered.house.take_in(file_of(statement(1, DAY, 12_000, -1_655, opening=100_000)), name=named(DAY, 8))
    rival = of(delivered, "conflict")
    refused = lead.post(f"/quarantine/{rival}/release", data=WHY)
    assert (refused.status_code, status(delivered, rival)) == (409, "quarantined")
    assert "déjà en route ou livré" in refused.text
    assert f'value="{WHY["reason"]}"' in refused.text


def test_a_statement_with_a_piece_that_is_no_record_offers_no_release_and_refuses_it(site: Site) -> None:
    site.house.take_in(drifted(1, DAY), name=named(DAY))
    number, lead = of(site, "drift"), site.as_(SUPERVISEUR)
    shown = lead.get(f"/quarantine/{number}").text
    assert "Un solde, une date ou un morceau est illisible" in shown
    assert "libérez-le" not in shown
    assert '<button class="main" disabled>Libérer' in shown
    refused = lead.post(f"/quarantine/{number}/release", data=WHY)
    assert refused.status_code == 409
    assert "Demandez à la banque de le renvoyer" in refused.text
    asked = lead.post(f"/quarantine/of/{HERE}/decide", data={"statements": number, "verdict": "release"} | WHY)
    assert asked.status_code == 409
    assert "un solde, une date ou un morceau est illisible." in asked.text
    (told,) = lead.post(f"/api/v1/quarantine/{number}/release", json=WHY).json()["refused"]
    assert "ask the bank to send it again" in told["reason"]
    assert status(site, number) == "quarantined"


def test_many_are_previewed_then_decided_all_together(site: Site) -> None:
    chosen, lead = unbalanced(site, 1, 2, 4), site.as_(SUPERVISEUR)
    before = site.fingerprint()
    asked = lead.post(f"/quarantine/of/{HERE}/preview", data={"statements": chosen[:2]})
    assert (asked.status_code, asked.text.count('name="statements"')) == (200, 2)
    assert site.fingerprint() == before
    answer = lead.post(f"/quarantine/of/{HERE}/decide", data={"statements": chosen[:2], "verdict": "reject"} | WHY)
    assert answer.status_code == 303
    assert [status(site, number) for number in chosen] == ["rejected", "rejected", "quarantined"]
    assert "2 relevés sont rejetés" in lead.get(answer.headers["location"]).text
    assert len(events(site)) == 2


def test_all_that_a_filter_finds_can_be_decided_on(delivered: Site) -> None:
    unbalanced(delivered, 1, 2)
    asked = {"every": "true", "reason_code": "unbalanced", "first": str(NEXT), "last": ""}
    shown = delivered.as_(SUPERVISEUR).post(f"/quarantine/of/{HERE}/preview", data=asked).text
    assert shown.count('name="statements"') == 2


@pytest.mark.parametrize(("given", "code"), [({}, 422), ({"statements": 1}, 422), ({"statements": 10**6} | WHY, 409)])
def test_a_decision_on_none_or_on_what_is_gone_is_not_taken(delivered: Site, given: dict[str, Any], code: int) -> None:
    before = delivered.fingerprint()
    assert delivered.as_(SUPERVISEUR).post(f"/quarantine/of/{HERE}/decide", data=given).status_code == code
    assert delivered.fingerprint() == before


def test_with_one_refusal_none_is_released_and_the_page_names_it(delivered: Site) -> None:
    delivered.house.take_in(file_of(statement(1, DAY, 12_000, -1_655, opening=100_000)), name=named(DAY, 8))
    rival, other = of(delivered, "conflict"), of(delivered, "unbalanced")
    given = {"statements": [rival, other], "verdict": "release"} | WHY
    refused = delivered.as_(SUPERVISEUR).post(f"/quarantine/of/{HERE}/decide", data=given)
    assert refused.status_code == 409
    assert f"Relevé {rival}" in refused.text.split("ne peut pas être libéré")[1].split("</div>")[0]
    assert (status(delivered, rival), status(delivered, other)) == ("quarantined", "quarantined")


def test_statements_of_another_cabinet_or_of_nobody_cannot_be_decided_by_a_member(delivered: Site) -> None:
    nobodys, theirs = of(delivered, "unknown_account"), of(delivered, "unbalanced")
    stranger = delivered.as_(STRANGER)
    given = {"statements": [nobodys, theirs], "verdict": "reject"} | WHY
    assert stranger.post(f"/quarantine/of/{THERE}/decide", data=given).status_code == 409
    assert stranger.post("/quarantine/decide", data=given).status_code == 403
    assert (status(delivered, nobodys), status(delivered, theirs)) == ("quarantined", "quarantined")
    shown = stranger.post(f"/quarantine/of/{THERE}/preview", data={"statements": [nobodys, theirs]}).text
    assert 'name="statements"' not in shown
    assert delivered.as_(OPERATOR).post("/quarantine/decide", data=given).status_code == 303
    assert status(delivered, nobodys) == "rejected"


def test_a_member_of_two_cabinets_chooses_one_before_deciding_on_many(delivered: Site) -> None:
    with delivered.house.database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO memberships VALUES (?, (SELECT id FROM cabinets WHERE code = ?), 'collaborateur')",
            (SUPERVISEUR, THERE),
        )
    lead = delivered.as_(SUPERVISEUR)
    assert "choisissez d&#39;abord un cabinet" in lead.get("/quarantine").text
    assert f"/quarantine/of/{HERE}/preview" in lead.get(f"/quarantine?cabinet={HERE}").text
    unbalanced(delivered, 11)
    assert "/preview" not in lead.get(f"/quarantine?cabinet={THERE}").text


def test_a_released_statement_belongs_to_who_registered_its_account_meanwhile(delivered: Site) -> None:
    number = of(delivered, "unknown_account")
    with delivered.house.database.write() as connection:
        connection.execute(
            sa.update(accounts).where(accounts.c.iban == iban_of(3)).values(iban=iban_of(9), bban=iban_of(9)[4:])
        )
    assert delivered.as_(OPERATOR).post(f"/quarantine/{number}/release", data=WHY).status_code == 303
    assert delivered.as_(SUPERVISEUR).get(f"/quarantine/{number}").status_code == 200


def test_another_version_that_the_visitor_may_not_see_hides_nothing_of_his_own(site: Site) -> None:
    told = statement(9, DAY, 5, closing=7, label="PREMIER")
    site.house.take_in(file_of(told), name=named(DAY, 1))
    added = site.as_(SUPERVISEUR).post(
        f"/cabinets/{HERE}/accounts", data={"iban": iban_of(9), "dossier": "D1", "currency": "EUR"}
    )
    assert added.status_code == 303
    site.house.take_in(file_of(statement(9, DAY, 5, closing=7, label="SECOND")), name=named(DAY, 2))
    with site.house.database.read() as connection:
        mine = connection.scalar(sa.select(statements.c.id).where(statements.c.account_id == site.account(9)))
    shown = site.as_(SUPERVISEUR).get(f"/quarantine/{mine}")
    assert shown.status_code == 200
    assert "SECOND" in shown.text
    assert "PREMIER" not in shown.text
    assert "PREMIER" in site.as_(OPERATOR).get(f"/quarantine/{mine}").text


@pytest.mark.parametrize("kind", ["quarantine", "account"])
def test_the_last_balance_of_the_cabinet_that_had_the_account_before_is_not_told_to_the_next(
    delivered: Site, kind: str
) -> None:
    before = "1\u202f103,45\u00a0€"
    closed = sa.update(accounts).where(accounts.c.id == delivered.account(2)).values(closed_at=NOW)
    with delivered.house.database.write() as connection:
        connection.execute(closed)
    stranger = delivered.as_(STRANGER)
    given = {"iban": iban_of(2), "dossier": "D1"}
    added = stranger.post(f"/api/v1/cabinets/{THERE}/accounts", json=given).json()["id"]
    (first,) = unbalanced(delivered, 2)
    path = f"/quarantine/{first}" if kind == "quarantine" else f"/accounts/{added}/statements/{first}"
    shown = stranger.get(path)
    assert shown.status_code == 200
    assert before not in shown.text
    assert "chain_difference" not in shown.text
    assert before in delivered.as_(OPERATOR).get(path).text
    (second,) = unbalanced(delivered, 2, day=NEXT + timedelta(days=1))
    assert "chaîne rompue de −5,01" in stranger.get(f"/quarantine/{second}").text
