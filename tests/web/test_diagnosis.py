"""*Diagnostic*: each cause is told in French with its evidence and what to do, to nobody whom it does not concern."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import Claim, Happening
from sobank.store import schema as t
from sobank.web import diagnosis_words
from sobank.web.language import english
from tests.builders import NOW, file_of, iban_of, statement
from tests.web.site import COLLABORATEUR, DAY, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, Site

NEXT = DAY + timedelta(days=1)


def words(text: str) -> str:
    """What a person reads: no tags, one space between words."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", text))).strip()


def on_its_way(site: Site) -> int:
    """Id of a batch of account 1 to fizen that was sealed and not sent."""
    site.house.take_in(file_of(statement(1, NEXT, 5, opening=110_345)), name="next.txt")
    site.house.decide(NEXT)
    (batch,) = site.house.ledger.open_batches()
    return batch.id


def ended(site: Site, happening: Happening) -> None:
    batch = on_its_way(site)
    claim = site.house.ledger.claim(batch, worker="w", now=NOW, lease=timedelta(seconds=1))
    assert isinstance(claim, Claim)
    site.house.ledger.record(batch, claim.fence, happening, now=NOW, message="connection lost")


def circuit(site: Site) -> None:
    with site.house.database.write() as connection:
        of_one = sa.select(t.associations.c.connector_id).where(t.associations.c.account_id == site.account(1))
        row = {"kind": "config", "cause": "wrong password", "opened_at": NOW, "until": NOW, "faults": 1}
        connection.execute(sa.insert(t.circuits).values(connector_id=connection.scalar(of_one), **row))


def changed(table: sa.Table, **values: object) -> Callable[[Site], None]:
    def change(site: Site) -> None:
        with site.house.database.write() as connection:
            connection.execute(sa.update(table).values(**values))

    return change


@dataclass(frozen=True)
class Case:
    """Account asked for, how its trouble comes about, what heads the answer, what to do, and where."""

    account: int
    heads: str
    todo: str
    path: str = ""
    make: Callable[[Site], object] = lambda site: None
    user: str = SUPERVISEUR


CASES = {
    "unknown": Case(77, "✘ IBAN : IBAN valide, mais aucun cabinet n'a enregistré ce compte.", "ajoutez-le au cabinet"),
    "draft": Case(3, "✘ Mandat : Brouillon, pas encore signé", "Faites signer le mandat par le client", "/accounts/3"),
    "revoked": Case(5, "✘ Mandat : Révoqué", "Rien ne peut partir.", "/accounts/5"),
    "unbalanced": Case(
        6, "✘ Quarantaine : Relevé 6 du 02/03/2026", "à la banque de renvoyer le relevé corrigé", "/quarantine/6"
    ),
    "not associated": Case(
        2, "! Association du compte : Aucun connecteur (jamais associé)", "associez le compte", "/accounts/2"
    ),
    "came before it was known": Case(
        9, "✘ IBAN : IBAN valide, mais aucun cabinet", "Ajoutez l'IBAN au cabinet à qui il appartient", "/quarantine/9",
        user=OPERATOR,
    ),
    "nothing received": Case(
        4, "✘ Relevés reçus : Aucun relevé reçu de la banque", "qu'elle transmet ce compte", "/accounts/4",
        changed(t.statements, bban="0", account_id=None),
    ),
    "stopped": Case(1, "! Relevés reçus : 1 reçu(s)", "pourquoi elle n'envoie plus rien", "/accounts/1"),
    "connector gone": Case(
        1, "✘ Association du compte : Associé à fizen", "Associez le compte à un connecteur du cabinet, ou à aucun.",
        "/accounts/1", changed(t.connectors, deleted_at=NOW),
    ),
    "account closed": Case(
        1, "✘ Compte et cabinet : Le compte est clos depuis le 01/04/2026", "pour corriger le registre", "/accounts/1",
        changed(t.accounts, closed_at=NOW),
    ),
    "held": Case(
        1, "✘ Envoi : Envoi 6 vers CAB001/fizen", "Demandez au partenaire s'il a ce fichier", "/deliveries/6",
        lambda site: ended(site, Happening.DOUBTFUL),
    ),
    "no answer": Case(
        1, "✘ Envoi : Envoi 6 vers CAB001/fizen", "Ne renvoyez rien à la main", "/deliveries/6",
        lambda site: ended(site, Happening.NO_ANSWER),
    ),
    "circuit": Case(
        1, "✘ Liaison avec le partenaire : Connexion en défaut", "puis testez-la", "/cabinets/CAB001/connectors",
        circuit,
    ),
    "sealed": Case(
        1, "! Relevés reçus : 2 reçu(s)", "La prochaine tournée l'envoie.", "/deliveries/6", on_its_way
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_cause_heads_its_answer_with_what_to_do_and_where(delivered: Site, name: str) -> None:
    case = CASES[name]
    case.make(delivered)
    shown = delivered.as_(case.user).post("/diagnosis", data={"iban": iban_of(case.account)})
    assert shown.status_code == 200
    (head,) = re.findall(r'<div class="note \w+" role="status">(.*?)</div>', shown.text, re.S)
    answer = words(shown.text[shown.text.index("<section") :])
    assert words(head).startswith(case.heads)
    assert case.todo in answer
    if case.path:
        assert re.search(rf'href="{case.path}"', shown.text)
    assert "`" not in shown.text
    assert " --by" not in answer.partition("Texte pour le support")[0]


def test_what_is_delivered_stands_in_nobodys_way(delivered: Site) -> None:
    changed(t.statements, business_date=NOW.date().replace(year=2999))(delivered)
    shown = words(delivered.as_(SUPERVISEUR).post("/diagnosis", data={"iban": iban_of(4)}).text)
    assert "✔ Rien ne s'oppose à la livraison." in shown
    assert "✔ Mandat OK Approuvé" in shown
    assert "✔ Envoi OK Envoi" in shown
    assert "sha256" in shown


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Indiquez un IBAN."),
        ("   ", "Indiquez un IBAN."),
        ("FR76 3000", "Un IBAN français a 27 caractères"),
        ("DE89370400440532013000", "Seuls les comptes de France (FR) et de Monaco (MC)"),
        (iban_of(1)[:-1] + "0", "La clé RIB"),
        ("<script>alert(1)</script>", "Un IBAN n'a que des chiffres et des lettres."),
    ],
)
def test_an_iban_that_is_none_is_told_in_place_with_what_was_typed(site: Site, typed: str, told: str) -> None:
    shown = site.as_(SUPERVISEUR).post("/diagnosis", data={"iban": typed})
    assert shown.status_code == 422
    assert "Cet IBAN n'est pas valide" in words(shown.text)
    assert told in words(shown.text)
    assert f'value="{html.escape(typed.strip())}"' in shown.text
    assert "<script>alert" not in shown.text


def test_spaces_small_letters_and_the_currency_do_not_matter_but_another_currency_does(delivered: Site) -> None:
    lead, typed = delivered.as_(SUPERVISEUR), " ".join(re.findall("....?", iban_of(4).lower()))
    assert "cabinet CAB001, dossier D2" in words(lead.post("/diagnosis", data={"iban": typed, "currency": "eur"}).text)
    other = words(lead.post("/diagnosis", data={"iban": typed, "currency": "USD"}).text)
    assert "aucun cabinet n'a enregistré ce compte en USD" in other


@pytest.mark.parametrize(
    ("user", "knows"), [(COLLABORATEUR, True), (STRANGER, False), (NOBODY, False), (OPERATOR, True)]
)
def test_an_account_of_another_cabinet_is_told_as_one_that_nobody_has(delivered: Site, user: str, knows: bool) -> None:
    mine = delivered.as_(user).post("/diagnosis", data={"iban": iban_of(6)}).text
    assert ("CAB001" in mine) is knows
    assert (f"/accounts/{delivered.account(6)}" in mine) is knows
    if not knows:
        nobodys = delivered.as_(user).post("/diagnosis", data={"iban": iban_of(88)}).text
        masks = re.compile(r"FR\d\d \*+ … \d{4}|FR\d{25}")
        today = re.compile(r"du \d\d/\d\d/\d{4} à \d\d:\d\d")
        assert today.sub("", masks.sub("", mine)) == today.sub("", masks.sub("", nobodys))


def test_each_cabinet_of_an_account_has_its_own_answer_for_who_sees_both(site: Site) -> None:
    with site.house.database.write() as connection:
        row = connection.execute(sa.select(t.accounts).where(t.accounts.c.iban == iban_of(11))).mappings().one()
        one = connection.execute(sa.select(t.accounts).where(t.accounts.c.iban == iban_of(1))).mappings().one()
        copy = {**one, "id": None, "bban": row["bban"], "iban": row["iban"]}
        connection.execute(sa.insert(t.accounts).values({k: v for k, v in copy.items() if k != "id"}))
    both = site.as_(OPERATOR).post("/diagnosis", data={"iban": iban_of(11)}).text
    assert both.count("<section") == 2
    assert "2 cabinets ont enregistré ce compte" in words(both)
    assert site.as_(STRANGER).post("/diagnosis", data={"iban": iban_of(11)}).text.count("<section") == 1


def test_the_text_for_support_can_be_copied_and_holds_no_whole_iban(delivered: Site) -> None:
    shown = delivered.as_(SUPERVISEUR).post("/diagnosis", data={"iban": iban_of(6)}).text
    (text,) = re.findall(r'<pre class="copied" id="support-1"[^>]*>(.*?)</pre>', shown, re.S)
    assert 'data-copy="support-1"' in shown
    assert html.unescape(text).startswith("Objet : relevé non reçu, compte FR76 **** … ")
    assert iban_of(6) not in text


def test_asking_changes_nothing_and_leaves_no_iban_in_an_address(delivered: Site) -> None:
    before = delivered.fingerprint()
    lead = delivered.as_(SUPERVISEUR)
    assert '<form class="filters" method="post" action="/diagnosis">' in lead.get("/diagnosis").text
    asked = lead.post("/diagnosis", data={"iban": iban_of(1)})
    assert iban_of(1) not in str(asked.url)
    assert not re.search(rf'(href|action)="[^"]*{iban_of(1)}', asked.text)
    assert delivered.fingerprint() == before


def test_every_word_of_the_tables_has_its_english() -> None:
    assert set(diagnosis_words.TEXTS) <= set(english())
    shown = {*diagnosis_words.REMEDIES.values()}
    assert not any("`" in text for text in shown)
