"""Diagnosis (A12): each cause of a statement that did not arrive is told from the others, with evidence and a remedy.

Every cause comes about as it does in life: files are taken in, days are decided and pushed, workers lose answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import Claim, Happening
from sobank.domain.diagnosis import Check, Diagnosis, Step, Verdict
from sobank.domain.diagnosis_words import MANDATE, QUARANTINE
from sobank.domain.registry import MandateStep
from sobank.domain.routing import Reason
from sobank.meanings import french
from sobank.services.associate import Selection, associate, dissociate
from sobank.services.diagnose import diagnose
from sobank.services.step_mandate import step_mandate
from sobank.store import schema as t
from sobank.store.diagnosis import DiagnosisReader
from sobank.store.iban_check import checked_iban
from sobank.store.registry import Registry
from sobank.store.registry_edit import RegistryEditor
from tests.builders import Cabinet, TestHouse, file_of, iban_of, statement
from tests.conftest import FreshUrl

DAY = date(2026, 3, 3)
NEXT = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 7, tzinfo=UTC)
LABEL = "VIR CONFIDENTIEL"


def ask(house: TestHouse, iban: str = "", *, currency: str | None = None, user: str | None = None) -> Diagnosis:
    """The one diagnosis of an IBAN; that of the first account if none is given."""
    (found,) = diagnose(
        DiagnosisReader(house.database),
        iban or iban_of(1),
        currency=currency,
        user=user,
        check_iban=checked_iban,
        meanings=french(house.contracts),
        now=NOW,
    )
    return found


def line(found: Diagnosis, cause: str) -> Check:
    (check,) = (check for check in found.checks if check.cause == cause)
    return check


def known(house: TestHouse, mandate: str | None = "approved", connector: str | None = "fizen", **other: bool) -> None:
    house.register(Cabinet("CAB1", accounts={1: (mandate, connector)}, **other), now=NOW)


def receive(house: TestHouse, *amounts: int, day: date = DAY, label: str = LABEL, name: str = "bank.txt") -> None:
    house.take_in(file_of(statement(1, day, *(amounts or (5,)), label=label)), name, now=NOW)


def approved_and_decided(house: TestHouse) -> int:
    """Id of the one batch of a statement on its way to fizen."""
    known(house)
    receive(house)
    house.decide(DAY, now=NOW)
    (batch,) = house.ledger.open_batches()
    return batch.id


def ended(house: TestHouse, happening: Happening, message: str) -> None:
    batch = approved_and_decided(house)
    claim = house.ledger.claim(batch, worker="w", now=NOW, lease=timedelta(seconds=1))
    assert isinstance(claim, Claim)
    house.ledger.record(batch, claim.fence, happening, now=NOW, message=message)


def folder_of(house: TestHouse) -> Path:
    return house.settings.home / "partners" / "fizen" / "CAB1"


def two_cabinets(house: TestHouse) -> None:
    accounts: dict[int, tuple[str | None, str | None]] = {1: ("approved", "fizen")}
    house.register(Cabinet("CAB1", accounts=accounts), Cabinet("CAB2", accounts=accounts), now=NOW)


def deleted_connector(house: TestHouse) -> None:
    known(house)
    with house.database.write() as connection:
        connection.execute(sa.update(t.connectors).values(deleted_at=NOW))


def closed_account(house: TestHouse) -> None:
    known(house)
    with house.database.write() as connection:
        connection.execute(sa.update(t.accounts).values(closed_at=NOW))


def unbalanced(house: TestHouse) -> None:
    known(house)
    house.take_in(file_of(statement(1, DAY, 5, closing=7, label=LABEL)), now=NOW)


def unreadable(house: TestHouse) -> None:
    known(house)
    house.take_in(file_of(statement(1, DAY, 5))[: 2 * 121], now=NOW)


def conflict(house: TestHouse) -> None:
    known(house)
    receive(house, label="ONE")
    receive(house, label="OTHER", name="again.txt")


def unknown_then_registered(house: TestHouse) -> None:
    receive(house)
    known(house)


def circuit(house: TestHouse) -> None:
    approved_and_decided(house)
    folder_of(house).parent.parent.mkdir()
    folder_of(house).parent.write_text("a file where the folder should be")
    house.push()


def held(house: TestHouse) -> None:
    approved_and_decided(house)
    (batch,) = house.ledger.open_batches()
    folder_of(house).mkdir(parents=True)
    (folder_of(house) / batch.outgoing.object_name).write_bytes(b"foreign")
    house.push()


def behind_held(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", "fizen")}), now=NOW)
    house.take_in(file_of(statement(2, DAY, 5)), now=NOW)
    house.decide(DAY, now=NOW)
    (batch,) = house.ledger.open_batches()
    folder_of(house).mkdir(parents=True)
    (folder_of(house) / batch.outgoing.object_name).write_bytes(b"foreign")
    receive(house, day=NEXT, name="next.txt")
    house.decide(NEXT, now=NOW)
    house.push()


def delivered(house: TestHouse) -> None:
    approved_and_decided(house)
    house.push()


def global_file(house: TestHouse) -> None:
    known(house, connector=None)
    receive(house)
    house.run(DAY, now=NOW)


def waiting(house: TestHouse) -> None:
    known(house, "bank_processing")
    receive(house)


def undecided(house: TestHouse) -> None:
    known(house)
    receive(house)


@dataclass(frozen=True)
class Case:
    """How a cause comes about; the lines that must be there, by cause, with words of their evidence and remedy."""

    make: Callable[[TestHouse], object]
    lines: dict[str, tuple[str, str]]


def step_case(step: str | None) -> Case:
    said = MANDATE[MandateStep(step) if step else None]
    return Case(lambda house: known(house, step), {f"mandate_{step or 'none'}": (said.why, said.remedy)})


def reason_case(make: Callable[[TestHouse], object], reason: Reason) -> Case:
    said = QUARANTINE[reason]
    return Case(make, {reason: (said.why, said.remedy.format(id=1))})


CASES: dict[str, Case] = {
    "unknown": Case(lambda house: None, {"iban_unknown": ("aucun cabinet", "sobank accounts add")}),
    "not associated": Case(
        lambda house: known(house, connector=None), {"not_associated": ("jamais associé", "sobank accounts associate")}
    ),
    "no connector on the cabinet": Case(
        lambda house: house.register(Cabinet("CAB1", (), {1: ("approved", None)})),
        {"no_connector_on_cabinet": ("aucun connecteur", "sobank connectors add")},
    ),
    "connector gone": Case(deleted_connector, {"connector_missing": ("n'est plus sur le cabinet", "associer")}),
    "two cabinets": Case(
        two_cabinets,
        {"claimed_by_two_cabinets": ("2 cabinets", "sauf un"), "no_statement_here": ("sous un autre cabinet", "")},
    ),
    "account closed": Case(closed_account, {"account_closed": ("clos depuis le 04/03/2026", "registre")}),
    "cabinet closed": Case(
        lambda house: known(house, closed=True), {"cabinet_closed": ("fermé depuis le 04/03/2026", "rouvrir")}
    ),
    **{
        f"mandate {step}": step_case(step)
        for step in (None, "draft", "signed", "sent_to_bank", "bank_processing", "rejected", "revoked", "expired")
    },
    "no statement": Case(known, {"no_statement": ("aucun relevé reçu", "auprès de la banque")}),
    "waiting for the mandate": Case(waiting, {"waiting_for_mandate": ("1 relevé(s), depuis celui du 03/03/2026", "")}),
    "undecided": Case(undecided, {"undecided": ("pas encore décidés", "sobank deliver --day 2026-03-03")}),
    "unbalanced": reason_case(unbalanced, Reason.UNBALANCED),
    "unreadable": Case(unreadable, {"unclosed": ("pas d'enregistrement 07", "sobank quarantine reject 1")}),
    "unknown when it came": reason_case(unknown_then_registered, Reason.UNKNOWN_ACCOUNT),
    "sealed": Case(approved_and_decided, {"batch_sealed": ("scellé, pas encore envoyé", "sobank deliveries retry")}),
    "held": Case(held, {"batch_held": ("other bytes", "sobank deliveries release")}),
    "behind a held one": Case(behind_held, {"batch_behind": ("derrière l'envoi 1", "sobank deliveries show 1")}),
    "uncertain": Case(
        lambda house: ended(house, Happening.NO_ANSWER, "no answer"),
        {"batch_uncertain": ("peut-être arrivé ; « no answer »", "ne rien envoyer à la main")},
    ),
    "tried in vain": Case(
        lambda house: ended(house, Happening.PROVED_NOT_RECEIVED, "busy"), {"batch_retried": ("busy", "retry")}
    ),
    "rejected by the partner": Case(
        lambda house: ended(house, Happening.REFUSED, "RIB16: collected elsewhere"),
        {
            "rejected_by_partner": (
                "« SOBANK_CAB1_fizen_20260303_001.cfonb.txt : RIB16: collected elsewhere »",
                "quarantine release 1",
            )
        },
    ),
    "circuit open": Case(
        circuit,
        {"circuit_open": ("connexion en défaut", "sobank connectors test CAB1/fizen"), "batch_retried": ("", "")},
    ),
}


#: What decides: the first check that blocks, else the first to be noted.
DECIDING = {
    "waiting for the mandate": "mandate_bank_processing",
    "no connector on the cabinet": "no_statement",
    "not associated": "no_statement",
}


def told(house: TestHouse, name: str) -> None:
    CASES[name].make(house)
    (found, *_) = diagnose(
        DiagnosisReader(house.database), iban_of(1), currency=None, user=None, check_iban=checked_iban,
        meanings=french(house.contracts), now=NOW,
    )  # fmt: skip
    for cause, (evidence, remedy) in CASES[name].lines.items():
        check = line(found, cause)
        assert check.verdict is not Verdict.OK
        assert evidence in check.evidence
        assert remedy in check.remedy
    steps = [list(Step).index(check.step) for check in found.checks]
    assert steps == sorted(steps), "the order in which support asks"
    assert found.cause == DECIDING.get(name, next(iter(CASES[name].lines)))
    assert any(check.cause == found.cause and check.evidence in found.conclusion for check in found.checks)


@pytest.mark.parametrize("name", CASES)
def test_each_cause_is_told_with_its_evidence_and_what_to_do(sqlite_house: TestHouse, name: str) -> None:
    told(sqlite_house, name)


@pytest.mark.parametrize("name", ["unbalanced", "circuit open", "behind a held one", "rejected by the partner"])
def test_what_takes_the_longest_queries_is_told_on_postgresql_too(
    fresh_postgres_url: FreshUrl, tmp_path: Path, name: str
) -> None:
    house = TestHouse(tmp_path, fresh_postgres_url())
    told(house, name)
    house.database.close()


def test_a_conflict_says_which_statement_and_lets_the_other_go(sqlite_house: TestHouse) -> None:
    conflict(sqlite_house)
    check = line(ask(sqlite_house), "conflict")
    assert "autre contenu" in check.evidence
    assert "again.txt" in check.evidence
    assert "lequel est le bon" in check.remedy


def test_what_was_delivered_is_shown_with_its_receipt_and_nothing_blocks(house: TestHouse) -> None:
    delivered(house)
    found = ask(house)
    (check,) = (check for check in found.checks if check.step is Step.BATCH)
    assert (check.verdict, found.cause) == (Verdict.OK, "")
    assert "SOBANK_CAB1_fizen_20260303_001.cfonb.txt : livré" in check.evidence
    assert "accusé" in check.evidence
    assert "rien ne s'oppose" in found.conclusion
    assert {check.verdict for check in found.checks} == {Verdict.OK}


def test_what_no_connector_takes_is_found_in_the_global_file(house: TestHouse) -> None:
    global_file(house)
    found = ask(house)
    (check,) = (check for check in found.checks if check.step is Step.BATCH)
    assert check.evidence.startswith(
        "fichier global du 03/03/2026, fichier-global_CAB1_2026-03-03_01.cfonb.txt : livré"
    )
    assert (found.cause, line(found, "not_associated").verdict) == ("not_associated", Verdict.ATTENTION)


def test_association_and_mandate_are_told_with_since_when_and_by_whom(house: TestHouse) -> None:
    known(house, "bank_processing", None)
    registry, one = Registry(house.database), Selection(cabinet="CAB1", accounts=(1,))
    associate(registry, one, "fizen", actor="anne", now=NOW)
    step_mandate(
        RegistryEditor(house.database), iban=iban_of(1), step=MandateStep.APPROVED, on=NEXT, actor="anne", now=NOW
    )
    said = [check.evidence for check in ask(house).checks]
    assert "associé à fizen (fizen) depuis le 04/03/2026 à 08:00, par anne" in said
    assert "approuvé depuis le 04/03/2026" in said
    dissociate(registry, one, actor="anne", now=NOW)
    assert "dissocié de fizen le 04/03/2026" in line(ask(house), "not_associated").evidence


def test_a_week_without_statement_is_noted(sqlite_house: TestHouse) -> None:
    known(sqlite_house)
    receive(sqlite_house, day=date(2026, 2, 20))
    sqlite_house.run(date(2026, 2, 20), now=NOW)
    assert "plus de sept jours" in line(ask(sqlite_house), "statements_stopped").evidence


@pytest.mark.parametrize("typed", ["FR7630004", "FR7630004008280000000000000", "DE89370400440532013000", ""])
def test_an_iban_that_is_none_is_said_to_be_none(sqlite_house: TestHouse, typed: str) -> None:
    (found,) = diagnose(
        DiagnosisReader(sqlite_house.database), typed, currency=None, user=None, check_iban=checked_iban, meanings={},
        now=NOW,
    )  # fmt: skip
    assert found.cause == "iban_invalid"


def test_spaces_small_letters_and_currency_are_understood(sqlite_house: TestHouse) -> None:
    known(sqlite_house)
    spaced = " ".join(iban_of(1).lower()[i : i + 4] for i in range(0, 27, 4))
    assert ask(sqlite_house, spaced, currency="EUR").cause == "no_statement"
    assert "en USD" in line(ask(sqlite_house, currency="USD"), "iban_unknown").evidence


def test_statements_of_an_account_that_nobody_registered_are_found_in_quarantine(sqlite_house: TestHouse) -> None:
    receive(sqlite_house)
    found = ask(sqlite_house)
    assert found.cause == "iban_unknown"
    assert line(found, "unknown_account").verdict is Verdict.BLOCKING


def test_a_user_sees_the_accounts_of_his_cabinets_and_of_others_no_more_than_of_none(sqlite_house: TestHouse) -> None:
    delivered(sqlite_house)
    assert ask(sqlite_house, user="anne").cause == ""
    foreign, absent = ask(sqlite_house, user="zoe"), ask(sqlite_house, iban_of(2), user="zoe")
    assert foreign.checks == absent.checks


@pytest.mark.parametrize("make", [delivered, unbalanced, held, circuit, conflict])
def test_no_label_no_amount_and_no_full_iban_is_told(
    sqlite_house: TestHouse, make: Callable[[TestHouse], object]
) -> None:
    make(sqlite_house)
    receive(sqlite_house, 987654, day=NEXT, name=f"releve_{iban_of(1)}_{iban_of(1)[4:]}_{'1'.zfill(11)}.txt")
    found = ask(sqlite_house)
    everything = str(found)
    for secret in (iban_of(1), iban_of(1)[4:], "1".zfill(11), LABEL, "987654", "9876,54", "9 876,54"):
        assert secret not in everything
    assert found.iban in found.for_support
    assert all(check.evidence in found.for_support for check in found.checks)
    assert "releve_FR76 **** …" in everything
