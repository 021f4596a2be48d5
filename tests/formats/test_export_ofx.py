"""OFX: what accounting software imports, each movement once."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings

from sobank.domain.statement import Detail, Statement
from sobank.formats.ofx import fitids, write_ofx
from tests.formats.export_statements import CHEQUE, EMPTY, FULL, PRLV, STATEMENTS, TWIN, statement


def written(*statements: Statement) -> str:
    out = io.BytesIO()
    write_ofx(statements, out)
    return out.getvalue().decode("cp1252")


def values(text: str, name: str) -> list[str]:
    return re.findall(rf"<{name}>([^\r<]*)\r\n", text)


def test_a_statement_is_a_bank_response_with_its_account_movements_and_balance() -> None:
    text = written(FULL)
    assert text.startswith("OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\n")
    assert (values(text, "BANKID"), values(text, "BRANCHID")) == (["30004"], ["00001"])
    assert (values(text, "ACCTID"), values(text, "ACCTKEY")) == (["00000123456"], ["17"])
    assert values(text, "TRNAMT") == ["-45.90", "-25.01", "2.00", "2.00"]
    assert values(text, "TRNTYPE") == ["DEBIT", "CHECK", "CREDIT", "CREDIT"]
    assert values(text, "CHECKNUM") == ["0000123"]
    assert (values(text, "BALAMT"), values(text, "DTASOF")) == (["933.09"], ["20260302"])
    assert values(text, "MEMO") == ["ÉCHÉANCE DE MARS RUM-00017 qualifier of nobody SUITE"]


def test_every_element_with_content_is_closed_in_order() -> None:
    open_elements: list[str] = []
    for line in written(FULL, EMPTY).split("\r\n\r\n", 1)[1].split("\r\n"):
        if match := re.fullmatch(r"<([A-Z0-9]+)>", line):
            open_elements.append(match[1])
        elif match := re.fullmatch(r"</([A-Z0-9]+)>", line):
            assert open_elements.pop() == match[1]
    assert open_elements == []


def test_a_statement_without_movement_still_gives_its_balance() -> None:
    assert values(written(EMPTY), "BALAMT") == ["-12.34"]


def test_identical_movements_have_identifiers_of_their_own_and_the_same_ones_each_time() -> None:
    first, second = list(fitids(FULL)), list(fitids(FULL))
    assert first == second
    assert len(set(first)) == 4


def test_an_identifier_is_of_the_movement_and_not_of_its_place() -> None:
    turned = replace(FULL, entries=FULL.entries[::-1])
    assert set(fitids(turned)) == set(fitids(FULL))


def test_like_movements_of_two_days_have_two_identifiers() -> None:
    tomorrow = replace(statement(TWIN), opening=100_200, closing=100_400)
    assert set(fitids(statement(TWIN))).isdisjoint(fitids(tomorrow))


@settings(max_examples=50, deadline=None)
@given(STATEMENTS)
def test_no_words_of_a_movement_can_be_taken_for_an_element(one: Statement) -> None:
    text = written(one)
    assert text.count("<STMTTRN>") == len(one.entries)
    assert all(re.fullmatch(r"(</?[A-Z0-9]+>)?[^<>]*", line) for line in text.split("\r\n"))


def test_words_too_long_for_a_memo_are_cut_before_they_are_escaped() -> None:
    long = replace(PRLV, details=(Detail(qualifier="LIB", text="&" * 70),) * 5)
    (memo,) = values(written(statement(long)), "MEMO")
    assert memo.replace("&amp;", "&").count("&") <= 255
    assert "&" not in memo.replace("&amp;", "")


def test_a_file_of_no_statement_is_not_written() -> None:
    with pytest.raises(ValueError, match="at least one"):
        written()


def test_a_cheque_without_number_has_none() -> None:
    assert values(written(statement(replace(CHEQUE, entry_number="0000000"))), "CHECKNUM") == []
