"""`sobank partners`: the catalogue as people see it, and what is wrong with a file that is to join it (A1)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sobank.errors import SobankError
from sobank.partners import FOLDER
from sobank.partners.schema import TRANSPORT
from tests.cli.conftest import Run

GOOD = (FOLDER / "fizen.yaml").read_text("utf-8").replace("code: fizen", "code: nouveau")


def written(folder: Path, text: str = GOOD) -> Path:
    path = folder / "nouveau.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_catalogue_is_listed_with_a_name_that_a_file_would_have(command: Run) -> None:
    found = {partner["code"]: partner for partner in json.loads(command("partners", "list", "--json").stdout)}
    assert set(found) == {"fizen", "fulll", "inqom", "myunisoft"}
    assert found["fulll"]["example"] == "SOBANK_CAB001_fulll_20260105_001.cfonb.txt"
    said = command("partners", "list").stdout
    assert all(code in said for code in found)


def test_a_partner_is_shown_with_what_its_connection_must_hold_and_what_it_cannot_promise(command: Run) -> None:
    said = command("partners", "show", "inqom").stdout
    for words in ("Inqom", "host_key", "checked out of band", "no limit of one file is known"):
        assert words in said
    document = json.loads(command("partners", "show", "myunisoft", "--json").stdout)
    assert document["transport"]["dialect"] == "myunisoft"
    assert "extra.third_party_secret" in document["connection"]


def test_an_unknown_partner_is_refused_with_the_one_that_was_meant(command: Run) -> None:
    error = command("partners", "show", "inqon").exception
    assert isinstance(error, SobankError)
    assert (error.exit_code, error.remedy) == (4, "did you mean inqom?")


def test_a_good_file_is_told_what_would_come_of_it(command: Run, tmp_path: Path) -> None:
    result = command("partners", "check", written(tmp_path))
    assert result.exit_code == 0
    for words in ("nothing is wrong", "SOBANK_CAB001_nouveau_20260105_001.cfonb.txt", "sftp", "private_key"):
        assert words in result.stdout


@pytest.mark.parametrize(
    ("transport", "days", "said"),
    [
        ('{path: "/f"}', "null", "no memory of keys and no probe: a lost answer is held for a person"),
        ('{path: "/f"}', "30", "a lost answer that is nearly 30 days old is held for a person"),
        ("{dialect: myunisoft}", "null", "IMPORT15"),
        ('{path: "/f", probe: "/f/{key}"}', "null", None),
    ],
)
def test_what_a_partner_cannot_promise_is_said_before_it_is_used(
    command: Run, tmp_path: Path, transport: str, days: str, said: str | None
) -> None:
    text = GOOD.replace("sink: sftp", "sink: https").replace("retention_days: null", f"retention_days: {days}")
    text = text[: text.index("transport:")] + f"transport: {transport}\n"
    document = json.loads(command("partners", "check", written(tmp_path, text), "--json").stdout)
    lost = [text for text in document["partner"]["degraded"] if "lost answer" in text]
    assert [said in text for text in lost if said] == [True] * (said is not None)
    assert bool(lost) == (said is not None)


def test_a_wrong_file_ends_with_code_2_and_every_problem_with_its_line(command: Run, tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("terminator: CRLF", "terminator: crlf").replace("marker:", "marcer:"))
    result = command("partners", "check", path)
    assert result.exit_code == 2
    assert "2 problems" in result.stdout
    assert "line 9, terminator: takes CRLF or LF; here is 'crlf'; did you mean CRLF?" in result.stdout
    assert "line 17, transport.marcer: is an unknown key; did you mean marker?" in result.stdout
    document = json.loads(command("partners", "check", path, "--json").stdout)
    assert [(problem["line"], problem["key"]) for problem in document["problems"]] == [
        (9, "terminator"),
        (17, "transport.marcer"),
    ]
    assert document["partner"] is None


@pytest.mark.parametrize("name", ["gone.yaml", "."])
def test_what_cannot_be_read_ends_with_code_2_and_no_traceback(command: Run, tmp_path: Path, name: str) -> None:
    result = command("partners", "check", tmp_path / name)
    assert result.exit_code == 2
    assert "cannot be read" in result.stdout


def test_a_code_of_the_catalogue_is_refused_and_the_catalogues_own_file_is_not(command: Run, tmp_path: Path) -> None:
    copy = tmp_path / "fizen.yaml"
    copy.write_bytes((FOLDER / "fizen.yaml").read_bytes())
    assert "has a partner fizen already" in command("partners", "check", copy).stdout
    for path in FOLDER.glob("*.yaml"):
        assert command("partners", "check", path).exit_code == 0


def test_a_partner_of_the_folder_of_further_partners_is_one_of_the_catalogue(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOBANK_PARTNERS", str(tmp_path))
    path = written(tmp_path)
    assert command("partners", "show", "nouveau").exit_code == 0
    assert command("partners", "check", path).exit_code == 0
    path.write_text("code: nouveau", "utf-8")
    error = command("partners", "list").exception
    assert isinstance(error, SobankError)
    assert error.exit_code == 2
    assert "nouveau.yaml: label: is missing" in str(error)


def test_every_kind_of_sink_is_explained() -> None:
    from sobank.partners.explain import CONNECTION, SETTINGS

    assert set(CONNECTION) == set(SETTINGS) == set(TRANSPORT)
