"""Data Docs of a run: on demand, confidential, without IBAN or label, loading nothing from anywhere."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from sobank.errors import CheckBroken
from sobank.quality import data_docs, suite
from sobank.quality.data_docs import write_data_docs
from sobank.quality.judge import judge
from tests.quality.worlds import contracts, sound, with_value

IBAN = "FR7630006000011234567890189"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The pages of a run with one unbalanced statement, whose frame came with text columns that nobody asked for."""
    frames = with_value(sound(6), "statements", "closing", 1, 123_456_789)
    frames["statements"] = frames["statements"].append_column("iban", pa.array([IBAN] * 6))
    frames["entries"] = frames["entries"].append_column("label", pa.repeat("VIR SALAIRE", frames["entries"].num_rows))
    folder = tmp_path_factory.mktemp("docs") / "2026-01-05"
    assert write_data_docs(frames, contracts(), folder, run="manual <2026-01-05>") == folder / "index.html"
    return folder


def test_there_is_a_page_for_each_contract_and_an_index_that_links_them(folder):
    pages = {path.name for path in folder.iterdir()}
    assert pages == {"index.html", *(f"{name}.html" for name in contracts())}
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r"href='([^']+)'", index)) == pages - {"index.html"}
    assert "manual &lt;2026-01-05&gt;" in index


def test_a_page_shows_what_failed(folder):
    page = (folder / "statements.html").read_text(encoding="utf-8")
    assert "balance_difference" in page
    assert "unbalanced (error)" in page
    assert "balance_difference = 0" in page
    assert "1 unexpected values found" in page


def test_every_page_says_in_both_languages_that_it_is_confidential(folder):
    for path in folder.iterdir():
        page = path.read_text(encoding="utf-8")
        assert "Confidentiel" in page
        assert "Confidential" in page


def test_no_page_holds_an_iban_or_a_label(folder):
    for path in folder.iterdir():
        page = path.read_text(encoding="utf-8")
        assert IBAN not in page
        assert "SALAIRE" not in page


def test_no_page_loads_or_runs_anything(folder):
    for path in folder.iterdir():
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img|iframe|object|embed)\b", page, re.IGNORECASE)
        assert "Content-Security-Policy' content=\"default-src 'none'" in page


def test_pages_are_for_their_owner_and_group_only(folder):
    assert folder.stat().st_mode & 0o777 == 0o750
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o640}


def test_a_page_that_would_show_an_iban_is_refused(tmp_path, monkeypatch):
    page = f"<html><head></head><body>FR76 {IBAN[4:]}</body></html>"
    monkeypatch.setattr(data_docs, "_page", lambda _: page)
    with pytest.raises(CheckBroken, match="would show an IBAN"):
        write_data_docs(sound(2), contracts(), tmp_path / "docs", run="r")
    assert not list((tmp_path / "docs").iterdir())


def test_judging_says_nothing_on_the_terminal(capfd):
    judge(with_value(sound(3), "statements", "closing", 0, 1), contracts())
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err == ""


def test_an_expectation_carries_the_name_and_the_severity_of_its_rule():
    contract = contracts()["statements"]
    made = suite.expectation_suite(contract)
    assert [(e.meta["rule"], e.meta["severity"]) for e in made.expectations] == [
        (rule.name, rule.severity.value) for rule in contract.rules
    ]
