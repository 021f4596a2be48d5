"""`sobank diagnose IBAN`: the checklist as support reads it, and as programs do (A12)."""

from __future__ import annotations

import json
from datetime import date

from tests.builders import Cabinet, TestHouse, file_of, iban_of, statement
from tests.cli.conftest import Run

DAY = date(2026, 3, 3)


def test_support_reads_each_check_what_to_do_and_a_text_to_send(command: Run, sqlite_house: TestHouse) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    sqlite_house.take_in(file_of(statement(1, DAY, 5, closing=7, label="SECRET")))
    typed = " ".join(iban_of(1)[i : i + 4] for i in range(0, 27, 4))
    result = command("diagnose", typed)
    assert result.exit_code == 0
    assert f"Diagnostic de {typed}, cabinet CAB1, dossier D1" in result.stdout
    assert "✔ Mandat : approuvé" in result.stdout
    assert "✘ Quarantaine : relevé 1 du 03/03/2026 (fichier bank.txt)" in result.stdout
    assert "→ demander à la banque" in result.stdout
    assert "Objet : relevé non reçu, compte FR76 **** … 0147 (EUR), cabinet CAB1, dossier D1" in result.stdout
    assert iban_of(1) not in result.stdout
    assert "SECRET" not in result.stdout


def test_programs_read_one_document_an_account(command: Run, sqlite_house: TestHouse) -> None:
    accounts: dict[int, tuple[str | None, str | None]] = {1: ("draft", None)}
    sqlite_house.register(Cabinet("CAB1", accounts=accounts), Cabinet("CAB2", accounts=accounts))
    found = json.loads(command("diagnose", iban_of(1), "--json").stdout)
    assert [(one["cabinet"], one["cause"]) for one in found] == [
        ("CAB1", "claimed_by_two_cabinets"), ("CAB2", "claimed_by_two_cabinets"),
    ]  # fmt: skip
    check = next(check for check in found[0]["checks"] if check["step"] == "mandate")
    assert set(check) == {"step", "verdict", "evidence", "remedy", "cause"}
    assert (check["verdict"], check["cause"]) == ("blocking", "mandate_draft")
    assert json.loads(command("diagnose", iban_of(1), "--by", "nobody", "--json").stdout)[0]["cause"] == "iban_unknown"
    assert json.loads(command("diagnose", "FR12", "--json").stdout)[0]["cause"] == "iban_invalid"
