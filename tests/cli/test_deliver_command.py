"""`sobank deliver` proves every day of which it sealed or delivered anything, and shows what does not hold (D10)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner, Result

from sobank.cli import app
from sobank.errors import DeliveryIncomplete, ProofFailed
from tests.builders import Cabinet, TestHouse, file_of, statement

DAY = date(2026, 3, 5)
LATE = DAY - timedelta(days=3)
Run = Callable[..., Result]


@pytest.fixture
def sobank(sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the home and database of `sqlite_house`, which has received a statement of DAY and one late."""
    monkeypatch.setenv("SOBANK_HOME", str(sqlite_house.settings.home))
    monkeypatch.setenv("SOBANK_DATABASE_URL", sqlite_house.settings.database_url)
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
    sqlite_house.take_in(file_of(statement(1, DAY, 100)), "in-time.txt")
    sqlite_house.take_in(file_of(statement(2, LATE, 777)), "late.txt")
    return lambda *arguments: CliRunner().invoke(app, [str(a) for a in arguments])


def rot(house: TestHouse, day: date) -> None:
    """Spoil what was sealed of a day."""
    for _, business_date, _, _, sha256, _ in house.batches():
        if business_date == day:
            path = house.settings.home / "spool" / sha256.hex()[:2] / sha256.hex()
            path.chmod(0o640)
            path.write_bytes(path.read_bytes()[:-122])


def test_a_late_day_is_proved_by_the_run_that_delivers_it_and_by_each_that_repeats_it(
    sobank: Run, sqlite_house: TestHouse
) -> None:
    first = sobank("deliver", "--day", DAY)
    assert (first.exit_code, first.stdout.count("The proof holds")) == (0, 1)
    assert f"2 days put to the proof, {LATE} to {DAY}: all hold" in first.stdout
    rot(sqlite_house, LATE)
    again = sobank("deliver", "--day", DAY)
    assert isinstance(again.exception, ProofFailed)
    assert f"{LATE} does not hold" in str(again.exception)
    assert f"2 days put to the proof, {LATE} to {DAY}: 1 does not hold" in again.stdout
    assert "cannot be read back" in again.stdout
    assert [line for line in again.stdout.splitlines() if line.startswith("Proof of")] == [
        f"Proof of {LATE}: 1 statements in, 1 entries, credit 777, debit 0 (minor units)",
        f"Proof of {DAY}: 1 statements in, 1 entries, credit 100, debit 0 (minor units)",
    ]


def test_programs_are_told_the_proof_of_each_day_and_last_that_of_the_run(sobank: Run, sqlite_house: TestHouse) -> None:
    sobank("deliver", "--day", DAY)
    rot(sqlite_house, LATE)
    told = json.loads(sobank("deliver", "--day", DAY, "--json").stdout)
    assert [(proof["day"], proof["holds"]) for proof in told["proofs"]] == [(str(LATE), False), (str(DAY), True)]
    assert told["proof"] == told["proofs"][-1]


def test_a_run_proves_a_day_that_another_run_sealed_and_it_delivers(sobank: Run, sqlite_house: TestHouse) -> None:
    in_the_way = sqlite_house.settings.home / "global" / "CAB1"
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("a file where the folder should be")
    assert isinstance(sobank("deliver", "--day", LATE).exception, DeliveryIncomplete)
    in_the_way.unlink()
    assert {state for *_, state in sqlite_house.batches()} == {"sealed"}
    told = json.loads(sobank("deliver", "--day", DAY, "--json").stdout)
    assert [(proof["day"], proof["holds"]) for proof in told["proofs"]] == [(str(LATE), True), (str(DAY), True)]


def test_a_run_of_one_day_proves_that_day_and_none_that_was_settled_before(sobank: Run) -> None:
    assert "put to the proof" not in sobank("deliver", "--day", LATE).stdout
    told = json.loads(sobank("deliver", "--day", DAY, "--json").stdout)
    assert [proof["day"] for proof in told["proofs"]] == [str(DAY)]
