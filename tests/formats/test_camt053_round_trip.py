"""What we write in CAMT.053 reads back as it was (O2)."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobank.domain.statement import Statement
from sobank.formats.camt053 import Camt053
from sobank.formats.camt053_write import write_camt053
from sobank.formats.cfonb120_objects import statements_of
from tests.formats.camt053_documents import read
from tests.formats.export_statements import EMPTY, FULL, STATEMENTS, TWIN, statement


def written(*statements: Statement) -> bytes:
    out = io.BytesIO()
    write_camt053(statements, out)
    return out.getvalue()


def reread(content: bytes) -> list[Statement]:
    return list(statements_of(Camt053().read(io.BytesIO(content), chunk_bytes=1 << 20)))


@settings(max_examples=100, deadline=None)
@given(st.lists(STATEMENTS, min_size=1, max_size=3))
def test_statements_written_are_the_statements_read(statements: list[Statement]) -> None:
    assert reread(written(*statements)) == statements


def test_nothing_is_refused_and_nothing_warned_of() -> None:
    found = read(written(FULL, EMPTY))
    assert found.reasons == []
    assert {(row["errors"], row["warnings"]) for row in found.statements} == {("", "")}


def test_without_our_own_block_amounts_dates_labels_and_references_still_come_back() -> None:
    bare = re.sub(rb"<SplmtryData>.*?</SplmtryData>", b"", written(FULL))
    assert b"cfonb120" not in bare
    (found,) = reread(bare)
    kept = ("amount", "booking_date", "value_date", "label", "interbank_code", "reference")
    assert [[getattr(e, k) for k in kept] for e in found.entries] == [
        [getattr(e, k) for k in kept] for e in FULL.entries
    ]
    assert {(d.qualifier, d.text) for d in found.entries[0].details} >= {("RUM", "RUM-00017")}


@pytest.mark.parametrize(("currency", "decimals"), [("JPY", 0), ("TND", 3)])
def test_currencies_of_other_decimals_come_back_exact(currency: str, decimals: int) -> None:
    given_statement = statement(TWIN, opening=-7, currency=currency, decimals=decimals)
    assert reread(written(given_statement)) == [given_statement]


def test_other_decimals_than_the_standards_come_back_with_the_same_value() -> None:
    (found,) = reread(written(statement(TWIN, opening=12, decimals=0)))
    assert (found.opening, found.decimals, found.entries[0].amount) == (1200, 2, 20_000)


@pytest.mark.parametrize(
    ("ours", "forged"),
    [
        (b'label="PRLV SEPA ENERGIE &amp; CIE"', b'label="' + b"x" * 32 + b'"'),
        (b'reference="REF-17"', b'reference="a&#10;b"'),
        (b'bank_code="0042"', b'bank_code="\xc4\x80"'),
        (b'qualifier="ZZZ"', b'qualifier="ZZZZ"'),
    ],
)
def test_a_block_that_would_not_fit_is_not_believed(ours: bytes, forged: bytes) -> None:
    content = written(FULL)
    assert ours in content
    found = reread(content.replace(ours, forged))[0].entries[0]
    assert (found.label, found.reference, found.bank_code) == ("PRLV SEPA ENERGIE & CIE", "REF-17", "")


def test_an_entry_that_no_record_can_hold_is_refused_alone() -> None:
    forged = written(FULL).replace(b'"ZZZ">qualifier of nobody', b'"">' + b" " * 5 + b"x" * 73)
    found = read(forged)
    assert found.reasons == ["does_not_fit"]
    assert [row["label"] for row in found.entries] == ["CHEQUE", "ABONNEMENT <1>", "ABONNEMENT <1>"]
    assert found.refused[0]["record"] == 2


def test_characters_that_xml_cannot_hold_become_blanks() -> None:
    odd = replace(TWIN, label="A\x00B\nC\ud800", details=())
    assert reread(written(statement(odd)))[0].entries[0].label == "A B C"


def test_the_same_statements_give_the_same_bytes() -> None:
    assert written(FULL, EMPTY) == written(FULL, EMPTY)


def test_a_document_of_no_statement_is_not_written() -> None:
    with pytest.raises(ValueError, match="at least one"):
        written()
