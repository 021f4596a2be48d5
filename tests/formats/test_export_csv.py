"""CSV: exact for programs, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings

from sobank.domain.statement import Statement
from sobank.formats.csv_export import write_csv, write_csv_excel
from sobank.formats.export_rows import COLUMNS
from tests.formats.export_statements import EMPTY, FULL, STATEMENTS, TWIN, statement


def exact(*statements: Statement) -> list[dict[str, str]]:
    out = io.BytesIO()
    write_csv(statements, out)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode("utf-8"), newline="")))


def excel(*statements: Statement) -> bytes:
    out = io.BytesIO()
    write_csv_excel(statements, out)
    return out.getvalue()


def test_each_entry_is_a_row_beside_its_statement() -> None:
    rows = exact(FULL)
    assert [row["amount"] for row in rows] == ["-45.90", "-25.01", "2.00", "2.00"]
    assert {row["iban"] for row in rows} == {"FR7630004000010000012345617"}
    assert {(row["opening"], row["closing"]) for row in rows} == {("1000.00", "933.09")}
    assert rows[0]["details"].split("\n")[2] == "ZZZqualifier of nobody"
    assert rows[1]["value_date"] == ""


def test_a_statement_without_movement_is_a_row_with_its_balances() -> None:
    (row,) = exact(EMPTY)
    assert (row["opening"], row["closing"], row["amount"], row["label"]) == ("-12.34", "-12.34", "", "")


@settings(max_examples=50, deadline=None)
@given(STATEMENTS)
def test_the_exact_profile_gives_every_word_back_as_it_came(one: Statement) -> None:
    rows = exact(one)
    assert [row["label"] for row in rows] == ([entry.label for entry in one.entries] or [""])
    assert [row["reference"] for row in rows] == ([entry.reference for entry in one.entries] or [""])


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t", "\r"])
def test_no_word_runs_as_a_formula_in_a_spreadsheet(beginning: str) -> None:
    label = beginning + "HYPERLINK(1)"
    assert exact(statement(replace(TWIN, label=label)))[0]["label"] == label
    sheet = csv.reader(
        io.StringIO(excel(statement(replace(TWIN, label=label))).decode("utf-8-sig"), newline=""), delimiter=";"
    )
    assert list(sheet)[1][COLUMNS.index("label")] == "'" + label


def test_a_negative_amount_stays_a_number_with_a_decimal_comma() -> None:
    content = excel(FULL)
    assert content.startswith(b"\xef\xbb\xbfiban;")
    assert b";-45,90;" in content


def test_a_currency_without_decimals_has_no_decimal_mark() -> None:
    assert exact(statement(TWIN, opening=7, currency="JPY", decimals=0))[0]["closing"] == "207"
