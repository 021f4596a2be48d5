"""What we write of a statement is read back as that statement, by the reader and by the count of the proof."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sobank.domain.statement import Detail, Entry, Statement
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_objects import statements_of
from sobank.formats.cfonb120_write import render, tally, write
from tests.formats.cfonb120_lines import movement, statement
from tests.formats.cfonb120_reference import fast

LATIN = "".join(chr(c) for c in range(0x20, 0x100) if c != 0x7F)
TERMINATORS = (b"\n", b"\r\n", b"\r", b"")


def texts(size: int) -> st.SearchStrategy[str]:
    return st.text(LATIN, max_size=size).map(lambda text: text.rstrip(" "))


def exactly(size: int, alphabet: str = "0123456789ABCXYZ") -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=size, max_size=size)


days = st.dates(date(1970, 1, 1), date(2069, 12, 31))
amounts = st.integers(-(10**14) + 1, 10**14 - 1)
newer = st.builds(Detail, qualifier=texts(3), text=texts(70))
older = st.builds(Detail, qualifier=st.just(""), text=st.text(LATIN.replace(" ", ""), min_size=71, max_size=78))
entries = st.builds(
    Entry,
    amount=st.integers(-(10**12), 10**12),
    booking_date=days,
    value_date=st.none() | days,
    label=texts(31),
    interbank_code=texts(2),
    bank_code=texts(4),
    reject_code=texts(2),
    entry_number=texts(7),
    exempt=texts(1),
    unavailable=texts(1),
    reference=texts(16),
    details=st.lists(newer | older, max_size=3).map(tuple),
)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    opening = draw(st.integers(-(10**13), 10**13))
    moved = draw(st.lists(entries, max_size=4).map(tuple))
    first, last = sorted((draw(days), draw(days)))
    return Statement(
        bank=draw(exactly(5)),
        branch=draw(exactly(5)),
        account=draw(exactly(11)),
        currency=draw(exactly(3, "ABCDEFGH")),
        decimals=draw(st.integers(0, 3)),
        opening_date=first,
        opening=opening,
        closing_date=last,
        closing=opening + sum(entry.amount for entry in moved),
        entries=moved,
    )


def parse(raw: bytes) -> list[Statement]:
    return list(statements_of(Cfonb120().read(io.BytesIO(raw), chunk_bytes=1000)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(statements(), max_size=3), st.sampled_from(TERMINATORS))
def test_a_file_written_of_statements_is_read_back_as_those_statements(found: list[Statement], end: bytes) -> None:
    assert parse(write(b"".join(render(each) for each in found), end)) == found


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(statements(), min_size=1, max_size=4), st.sampled_from(TERMINATORS[:3]))
def test_the_count_of_the_proof_finds_what_was_written(found: list[Statement], end: bytes) -> None:
    rendered = [render(each) for each in found]
    amounts_ = [entry.amount for each in found for entry in each.entries]
    counted = tally(write(b"".join(rendered), end), end)
    assert counted.content_sha256 == tuple(hashlib.sha256(records).digest() for records in rendered)
    assert (counted.statements, counted.entries) == (len(found), len(amounts_))
    assert counted.records == sum(len(records) for records in rendered) // 120
    assert counted.credit == sum(amount for amount in amounts_ if amount > 0)
    assert counted.debit == sum(amount for amount in amounts_ if amount < 0)


def test_canonical_records_are_rendered_the_same_again() -> None:
    records = b"".join(statement(12, -34, 56) + statement(account="ABCDEFGHIJK"))
    # This writer leaves 81 blank, as the records do; what it read it writes, to the byte.
    assert b"".join(render(each) for each in parse(write(records, b"\n"))) == records


def test_the_proof_agrees_with_the_reader_on_statements_a_person_released() -> None:
    odd = [
        statement(5)[0],
        movement(5),
        movement(7, decimals="3"),
        movement(2, code="03"),
        movement("0000000 000001"),
        movement(9, day="310226"),
        movement("           12C", decimals=" "),
        statement(5)[-1],
    ]
    row = fast(b"\n".join(odd))["statements"][0]
    counted = tally(write(row["records"], b"\r\n"), b"\r\n")
    assert (counted.entries, counted.credit, counted.debit) == (row["n_entries"], row["credit"], row["debit"])
    assert counted.content_sha256 == (row["content_sha256"],)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw[:-1],
        lambda raw: raw.replace(b"\r\n", b"\n"),
        lambda raw: raw[:60] + b"\r\n" + raw[62:],
        lambda raw: raw[122:],
        lambda raw: raw[:121] + b" " + raw[122:],
        lambda raw: raw + b" " * 121,
        lambda raw: raw + b" " * 122,
    ],
)
def test_the_proof_refuses_a_file_whose_lines_are_not_120_and_the_terminator(spoil) -> None:
    raw = write(b"".join(statement(1, 2)), b"\r\n")
    with pytest.raises(ValueError, match=r"line|bytes|begin"):
        tally(spoil(raw), b"\r\n")


def test_an_empty_file_counts_as_nothing() -> None:
    counted = tally(b"", b"\r\n")
    assert (counted.statements, counted.entries, counted.records, counted.content_sha256) == (0, 0, 0, ())


def test_records_are_written_from_an_arrow_buffer_as_from_bytes() -> None:
    records = b"".join(statement(1))
    assert write(pa.py_buffer(records), b"\r\n") == b"".join(r + b"\r\n" for r in statement(1))


def test_records_that_are_not_whole_are_not_written() -> None:
    with pytest.raises(ValueError, match="not records of 120"):
        write(b"x" * 119, b"\n")


ENTRY = Entry(amount=1, booking_date=date(2026, 1, 5), value_date=None, label="L")
STATEMENT = parse(write(b"".join(statement()), b"\n"))[0]


def of(**changes) -> Statement:
    return replace(STATEMENT, entries=(replace(ENTRY, **changes),))


@pytest.mark.parametrize(
    ("wrong", "zone"),
    [
        (of(label="L" * 32), "label"),
        (of(reference="R" * 17), "reference"),
        (of(amount=10**14), "amount"),
        (of(booking_date=date(2070, 1, 1)), "date"),
        (of(booking_date=date(1969, 12, 31)), "date"),
        (of(details=(Detail(qualifier="LIB", text="T" * 71),)), "text"),
        (of(details=(Detail(qualifier="", text=" " * 5 + "T" * 66),)), "text"),
        (of(details=(Detail(qualifier="LIBX", text="T"),)), "qualifier"),
        (replace(STATEMENT, decimals=4), "decimals"),
        (replace(STATEMENT, opening=-(10**14)), "amount"),
        (replace(STATEMENT, account="0" * 12), "account"),
    ],
)
def test_what_does_not_fit_its_column_is_not_written_and_the_column_is_named(wrong: Statement, zone: str) -> None:
    with pytest.raises(ValueError, match=f"^{zone} "):
        render(wrong)


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ("Œuf à 3 €", "?uf à 3 ?"),
        ("e\u0301te\u0301", "été"),
        ("Łódź", "?ódz"),
        ("ﬁn ½", "fin ½"),
        ("a\nb\r\tc\0d", "a b  c d"),
        ("\u0301x", "x"),
    ],
)
def test_text_outside_iso_8859_1_is_written_as_near_as_it_can_be(given_: str, written: str) -> None:
    [back] = parse(write(render(replace(of(label=given_), closing=STATEMENT.opening + 1)), b"\n"))
    assert back.entries[0].label == written


def test_statements_with_errors_are_no_statements_for_other_formats() -> None:
    raw = b"\n".join(statement(1) + statement(2)[:-1] + statement(3))
    assert [found.entries[0].amount for found in parse(raw)] == [1, 3]
