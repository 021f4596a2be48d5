"""The command line as people and programs meet it: what it prints, its exit codes, its words when things go wrong."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import BinaryIO

import pytest
from typer.testing import CliRunner, Result

from sobank.cli import app
from sobank.errors import NotFound, SobankError
from sobank.store import migrate
from sobank.store.database import Database
from tests.builders import Cabinet, TestHouse, file_of, iban_of, statement

DAY = date(2026, 3, 3)
FORMATS = ["cfonb120", "csv", "csv-excel", "ofx", "camt053", "parquet"]
TOO_LARGE = "99999999999999999999"
Run = Callable[..., Result]


@pytest.fixture
def sobank(sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on the home and database of `sqlite_house`."""
    monkeypatch.setenv("SOBANK_HOME", str(sqlite_house.settings.home))
    monkeypatch.setenv("SOBANK_DATABASE_URL", sqlite_house.settings.database_url)
    monkeypatch.setenv("SOBANK_QUIET_SECONDS", "0")
    for name in ("URL", "USER", "PASSWORD"):
        monkeypatch.delenv(f"SOBANK_AIRFLOW_{name}", raising=False)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return run


def _error(result: Result) -> SobankError:
    assert isinstance(result.exception, SobankError), result.output
    return result.exception


def test_inspect_stores_nothing_and_prints_one_document_a_file(
    sobank: Run, sqlite_house: TestHouse, tmp_path: Path
) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    one = statement(1, DAY, 100, -30, opening=1000)
    first.write_bytes(file_of(one, one, statement(2, DAY, 5, closing=7)) + b"99 what\n\n")
    second.write_bytes(file_of(statement(3, DAY)))
    found = [json.loads(line) for line in sobank("inspect", first, second, "--json").stdout.splitlines()]
    assert [document["file"] for document in found] == ["a.txt", "b.txt"]
    document = found[0]
    assert document["format"] == "cfonb120"
    assert document["records"] == {"total": 13, "parsed": 11, "blank": 1, "refused": 1}
    assert document["refused"] == [{"record": 12, "offset": 11 * 121, "reason": "unknown_record"}]
    assert document["statements"][0] == {
        "iban": iban_of(1), "bank": "30004", "branch": "00828", "account": "00000000001", "currency": "EUR",
        "decimals": 2, "opening_date": "2026-03-02", "closing_date": "2026-03-03", "opening": 1000, "closing": 1070,
        "entries": 2, "sum": 70, "balanced": True, "duplicate_of": None, "warnings": [], "errors": [],
    }  # fmt: skip
    assert document["statements"][1]["duplicate_of"] == 0
    assert (document["statements"][2]["balanced"], document["statements"][2]["errors"]) == (False, ["unbalanced"])
    assert not (sqlite_house.settings.home / "archive").exists()


def test_inspect_for_people_masks_ibans_and_says_what_is_odd(sobank: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(file_of(statement(1, DAY, 5, closing=7)))
    said = sobank("inspect", path).stdout
    assert "unbalanced" in said
    assert iban_of(1) not in said


def test_names_are_printed_as_they_are_whatever_brackets_they_hold(
    sobank: Run, sqlite_house: TestHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    monkeypatch.chdir(tmp_path)
    Path("releve[copie].txt").write_bytes(file_of(statement(2, DAY, 5)))
    assert "releve[copie].txt: cfonb120" in sobank("inspect", "releve[copie].txt").stdout
    assert "in a[b].txt" in sobank("export", iban_of(1), "--to", "a[b].txt", "--by", "anne").stdout
    monkeypatch.setenv("SOBANK_INBOX", "in[box]")
    assert "inbox in[box]" in sobank("init").stdout
    told = sobank("simulate", "bank", "w[x]", "--from", DAY, "--days", 1, "--cabinets", 1, "--accounts", 2).stdout
    assert told.count("w[x]") == 3
    assert "account_mark: [/]" not in told


def test_a_break_in_the_chain_of_balances_is_a_warning(sobank: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(file_of(statement(1, DAY, 5), statement(1, DAY.replace(day=4), 5, opening=99)))
    document = json.loads(sobank("inspect", path, "--json").stdout)
    assert [s["warnings"] for s in document["statements"]] == [[], ["gap"]]


def test_a_delivered_day_from_inbox_to_proof(sobank: Run, sqlite_house: TestHouse) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
    sqlite_house.settings.inbox.mkdir()
    (sqlite_house.settings.inbox / "a.txt").write_bytes(file_of(statement(1, DAY, 5), statement(2, DAY, 6)))
    assert json.loads(sobank("ingest", "--json").stdout)["statements"] == 2
    plan = json.loads(sobank("deliver", "--day", DAY, "--dry-run", "--json").stdout)
    assert [(lot["kind"], lot["n_statements"]) for lot in plan["lots"]] == [("connector", 1), ("global", 1)]
    assert sqlite_house.delivered() == {}
    assert sobank("prove", "--day", DAY).exit_code == 9
    said = sobank("deliver", "--day", DAY)
    assert said.exit_code == 0
    assert "The proof holds" in said.stdout
    proof = json.loads(sobank("prove", "--day", DAY, "--json").stdout)
    assert set(proof) >= {"day", "in", "destinations", "quarantine", "waiting", "missing", "doubled", "holds"}
    assert proof["holds"]


def test_a_dry_run_changes_neither_the_database_nor_a_folder_of_anyone(sobank: Run, sqlite_house: TestHouse) -> None:
    house = sqlite_house
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("revoked", None)}))
    house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 6)))

    def everything() -> list[str]:
        with house.database.read() as connection:
            rows = list(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
        files = [str(path) for path in house.settings.home.rglob("*") if "runs" not in path.parts]
        return rows + sorted(files)

    before = everything()
    assert sobank("deliver", "--day", DAY, "--dry-run").exit_code == 0
    assert everything() == before


def test_a_partner_that_cannot_take_files_makes_the_command_fail_and_the_others_arrive(
    sobank: Run, sqlite_house: TestHouse
) -> None:
    house = sqlite_house
    house.register(
        Cabinet("CAB1", ("fizen", "inqom"), {1: ("approved", "fizen"), 2: ("approved", "inqom"), 3: ("approved", None)})
    )
    house.take_in(file_of(*(statement(n, DAY, n) for n in (1, 2, 3))))
    in_the_way = house.settings.home / "partners" / "fizen"
    in_the_way.parent.mkdir()
    in_the_way.write_text("a file where the folder should be")
    result = sobank("deliver", "--day", DAY)
    error = _error(result)
    assert error.exit_code == 10
    assert "connector:CAB1/fizen" in str(error)
    assert len([path for path in house.delivered() if "inqom" in path or path.endswith(".txt")]) == 2
    in_the_way.unlink()
    assert sobank("connectors", "test", "CAB1/fizen").exit_code == 0
    assert sobank("deliver", "--day", DAY).exit_code == 0


def test_quarantine_is_listed_shown_and_decided_with_a_name_and_a_reason(sobank: Run, sqlite_house: TestHouse) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    sqlite_house.take_in(file_of(statement(1, DAY, 5, closing=7, label="SECRET LABEL")))
    (row,) = json.loads(sobank("quarantine", "list", "--json").stdout)["statements"]
    assert (row["reasons"], row["cabinet"]) == (["unbalanced"], "CAB1")
    shown = sobank("quarantine", "show", row["statement_id"])
    assert "off by 0.02" in shown.stdout
    assert "SECRET" not in shown.stdout
    assert sobank("quarantine", "release", row["statement_id"]).exit_code == 2
    done = sobank("quarantine", "release", "--reason", "unbalanced", "--by", "anne", "--why", "bank confirmed")
    assert "1 released" in done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_a_copy_of_an_account_in_any_format_changes_nothing_in_the_ledger(
    sobank: Run, sqlite_house: TestHouse, tmp_path: Path, form: str
) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    data = file_of(statement(1, DAY, 5, -7, label="VIR É"), terminator=b"\r\n")
    sqlite_house.take_in(data)
    before = sqlite_house.batches(), sqlite_house.statuses()
    target = tmp_path / "copy"
    result = sobank("export", iban_of(1), "--to", target, "--by", "anne", "--format", form)
    assert result.exit_code == 0, result.output
    assert target.stat().st_size > 0
    if form == "cfonb120":
        assert target.read_bytes() == data
    assert (sqlite_house.batches(), sqlite_house.statuses()) == before
    assert _error(sobank("export", iban_of(1), "--to", target, "--by", "anne")).exit_code == 2


@pytest.fixture
def copied(sobank: Run, sqlite_house: TestHouse, tmp_path: Path) -> Callable[..., tuple[Result, Path]]:
    """Runs `sobank export` of an account with one statement, into a folder where nothing else is."""
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    (tmp_path / "copies").mkdir()
    target = tmp_path / "copies" / "copy"

    def run(*options: object) -> tuple[Result, Path]:
        return sobank("export", iban_of(1), "--to", target, "--by", "anne", *options), target

    return run


def _events(sobank: Run) -> list[str]:
    return [
        event["action"]
        for event in json.loads(sobank("audit", "list", "--action", "account.download", "--json").stdout)
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_a_copy_of_days_without_a_statement_is_refused_and_leaves_neither_file_nor_event(
    sobank: Run, copied: Callable[..., tuple[Result, Path]], form: str
) -> None:
    refused, target = copied("--format", form, "--from", "2030-01-01")
    assert isinstance(_error(refused), NotFound)
    assert (_error(refused).exit_code, iban_of(1) in str(_error(refused))) == (4, False)
    assert list(target.parent.iterdir()) == []
    assert _events(sobank) == []
    again, _ = copied("--format", form)
    assert again.exit_code == 0, again.output
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(target.parent.iterdir()) == [target]
    assert _events(sobank) == ["account.download"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_copy_that_is_broken_off_leaves_neither_file_nor_event(
    sobank: Run, copied: Callable[..., tuple[Result, Path]], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def half(_records: object, _form: str, file: BinaryIO) -> int:
        file.write(b"half a file")
        raise error

    with monkeypatch.context() as broken:
        broken.setattr("sobank.formats.account_copy.write_copy", half)
        result, target = copied()
    assert result.exit_code != 0
    assert list(target.parent.iterdir()) == []
    assert _events(sobank) == []
    assert copied()[0].exit_code == 0


def test_a_copy_never_takes_the_name_of_another_file_even_one_that_came_meanwhile(
    copied: Callable[..., tuple[Result, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_records: object, _form: str, file: BinaryIO, *, country: str) -> int:
        target.write_text("mine")
        return file.write(b"a copy")

    result, target = copied()
    assert result.exit_code == 0, result.output
    target.unlink()
    monkeypatch.setattr("sobank.formats.account_copy.write_copy", slow)
    for _ in range(2):
        refused, _ = copied()
        assert "is there already" in str(_error(refused))
        assert [(path, path.read_text()) for path in target.parent.iterdir()] == [(target, "mine")]


@pytest.mark.parametrize(
    "arguments",
    [
        *(("deliveries", verb, TOO_LARGE) for verb in ("show", "retry", "release", "confirm", "reject")),
        *(("quarantine", verb, TOO_LARGE) for verb in ("show", "release", "reject")),
        *((of, "list", "--page", TOO_LARGE) for of in ("accounts", "cabinets", "dossiers", "deliveries", "quarantine")),
        ("quarantine", "release", "7", TOO_LARGE),
        ("simulate", "partners", "there", "--port", "-1"),
        ("simulate", "partners", "there", "--port", "65536"),
    ],
    ids=" ".join,
)
def test_a_number_that_nothing_has_is_a_wrong_argument(
    sobank: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    decided = arguments[1] in {"retry", "release", "confirm", "reject"}
    result = sobank(*arguments, *(("--by", "anne", "--why", "x") if decided else ()))
    assert result.exit_code == 2, result.output
    assert "Invalid value" in result.output
    assert not Path("there").exists()


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("deliver", "--day", "3 March"), 2, ("3 March", "YYYY-MM-DD")),
        (("prove", "--day", "2026-13-01"), 2, ("2026-13-01", "YYYY-MM-DD")),
        (("quarantine", "show", "4711"), 4, ("statement 4711", "quarantine list")),
        (("quarantine", "release", "4711", "--by", "a", "--why", "b"), 4, ("4711", "nothing was changed")),
        (("quarantine", "reject", "--by", "a", "--why", "b"), 2, ("ids", "--reason")),
        (("deliveries", "show", "4711"), 4, ("4711",)),
        (("export", "FR7630004008280000000000199", "--to", "/nowhere/x", "--by", "a"), 4, ("registered", "FR76 ****")),
        (("backfill", "--from", "2026-03-02", "--to", "2026-03-06"), 2, ("SOBANK_AIRFLOW_URL", "password")),
        (("data-docs", "--day", "2026-03-03", "--to", "/nowhere"), 2, ("no run", "deliver the day first")),
    ],
)
def test_what_cannot_be_done_is_said_with_what_where_and_what_to_do(
    sobank: Run, arguments: tuple[str, ...], exit_code: int, words: tuple[str, ...]
) -> None:
    error = _error(sobank(*arguments))
    assert error.exit_code == exit_code
    assert error.remedy
    for word in words:
        assert word in str(error)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"hello", "no format that is read"),
        (
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>"
            b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'/>",
            "DOCTYPE",
        ),
    ],
)
def test_a_file_that_cannot_be_taken_in_is_refused_by_name_and_the_others_go_on(
    sobank: Run, sqlite_house: TestHouse, tmp_path: Path, data: bytes, words: str
) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a-bad.txt").write_bytes(data)
    (tmp_path / "in" / "b-good.txt").write_bytes(file_of(statement(1, DAY, 5)))
    result = sobank("ingest", tmp_path / "in", "--json")
    assert _error(result).exit_code == 3
    found = json.loads(result.stdout)
    assert (found["refused"], found["statements"]) == (1, 1)
    assert words in found["outcomes"][0]["outcome"]


def test_a_database_that_was_never_made_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOBANK_HOME", str(tmp_path))
    monkeypatch.delenv("SOBANK_DATABASE_URL", raising=False)
    error = _error(CliRunner().invoke(app, ["quarantine", "list"]))
    assert "sobank init" in str(error)


@pytest.mark.parametrize(
    ("arguments", "environment", "exit_code", "words"),
    [
        (("deliver", "--day", "soon"), {}, 2, "YYYY-MM-DD"),
        (("init",), {"SOBANK_DATABASE_URL": "postgresql://sobank@127.0.0.1:1/sobank"}, 11, "does not answer"),
        (("init",), {"SOBANK_HOME": "/dev/null/home"}, 1, "/dev/null/home"),
        (("prove", "--day", "2026-03-02"), {"SOBANK_DATABASE_URL": "postgresql://u:pw@h:abc/x"}, 2, "is no URL"),
        (("cabinets", "list", "--search", b"\xff\xe9"), {}, 2, "UTF-8"),
    ],
    ids=["argument", "database away", "no such home", "database nowhere", "bytes that are no text"],
)
def test_the_console_script_prints_the_error_on_stderr_without_a_traceback(
    tmp_path: Path, arguments: tuple[str | bytes, ...], environment: dict[str, str], exit_code: int, words: str
) -> None:
    if isinstance(arguments[-1], bytes):
        migrate.upgrade(Database(f"sqlite:///{tmp_path / 'sobank.db'}"))
    result = subprocess.run(
        [Path(sys.executable).parent / "sobank", *arguments], capture_output=True, text=True, check=False,
        env={"SOBANK_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"} | environment,
    )  # fmt: skip
    assert result.returncode == exit_code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_importing_the_jobs_is_cheap_enough_for_a_dag_file() -> None:
    heavy = ("great_expectations", "pandas", "pyarrow", "sqlalchemy", "numpy", "adbc_driver_postgresql")
    script = f"import sys; from sobank import jobs; print([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_reason_and_code_that_can_be_shown_is_explained_in_english_and_in_french() -> None:
    from sobank.domain.routing import Reason
    from sobank.formats import camt053_codes, cfonb120_codes
    from sobank.meanings import english, french
    from sobank.wiring import House

    codes = {*map(str, Reason), *cfonb120_codes.ERRORS, *cfonb120_codes.WARNINGS, *cfonb120_codes.REFUSALS}
    contracts = House.from_environment().contracts
    assert codes | set(camt053_codes.REFUSALS) <= set(english(contracts))
    assert set(english(contracts)) == set(french(contracts))
