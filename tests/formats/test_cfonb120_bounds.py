"""What the reader claims, how much it holds, and what its codes say."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest

from sobank.domain import iban as plain_iban
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_codes import ERRORS, REFUSALS, WARNINGS
from sobank.formats.cfonb120_identity import account_numbers
from sobank.formats.cfonb120_write import write
from tests.formats.cfonb120_lines import movement, statement
from tests.formats.cfonb120_reference import fast

MANY = b"".join(b"".join(statement(*range(400), account=f"{n:011d}")) for n in range(15))


@pytest.mark.parametrize(
    "head",
    [
        write(MANY[:1200], b"\n"),
        b"\xef\xbb\xbf" + write(MANY[:1200], b"\r"),
        b"\n\n" + MANY[:1200],
        movement(1) + b"\n",
        b"une ligne de la banque\r\n" + MANY[:120],
    ],
)
def test_a_file_with_a_record_at_the_start_of_a_line_is_claimed(head: bytes) -> None:
    assert Cfonb120().claims(head[:4096])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0" * 4096,
        b'<?xml version="1.0"?><Document/>',
        b"PK\x03\x04",
        b"date;label;amount\n01/02/2026;VIREMENT;12,00\n",
        b"04/05/2026 00:00 une date au debut de la ligne et du texte",
        b"OFXHEADER:100\nDATA:OFXSGML\n",
        bytes(range(256)) * 16,
    ],
)
def test_other_files_are_not_claimed(head: bytes) -> None:
    assert not Cfonb120().claims(head)


@pytest.mark.parametrize(
    "raw",
    [
        write(MANY, b"\n"),
        b"\n".join(MANY[at : at + 120].rstrip() for at in range(0, len(MANY), 120)),
        MANY,
        movement(1) * 10_000,
        b"\n" * 150_000,
        b"x" * 2_000_000,
        b" " * 6_000_000,
        b"\0" * 6_000_000,
        b"99\n" * 15_000,
    ],
    ids=["lines", "trimmed", "no terminator", "no opening", "line feeds", "one line", "blanks", "nul", "unknown"],
)
def test_memory_is_a_small_multiple_of_the_chunk_whatever_the_file(raw: bytes) -> None:
    stream, chunk_bytes = io.BytesIO(raw), 64 << 10
    list(Cfonb120().read(io.BytesIO(MANY[:2400]), chunk_bytes=chunk_bytes))
    tracemalloc.start()
    try:
        for chunk in Cfonb120().read(stream, chunk_bytes=chunk_bytes):
            assert chunk.counts.total
        assert tracemalloc.get_traced_memory()[1] < 40 * chunk_bytes
    finally:
        tracemalloc.stop()


def test_a_statement_that_never_closes_is_cut_at_the_bound_and_told_so() -> None:
    records = statement(*range(300))
    found = fast(b"\n".join([*records[:-1], *statement(7)]), 500, max_records=100)
    assert [row["errors"] for row in found["statements"]] == ["too_large", ""]
    assert found["statements"][0]["n_records"] == 100
    assert {row["reason"] for row in found["refusals"]} == {"outside_statement"}


def test_sums_over_64_bits_are_an_error_of_their_statement_alone() -> None:
    first, *_, last = statement()
    # 10^14 units brought from 0 to 3 decimals: 10^17 each.
    huge = [movement(99_999_999_999_999, decimals="0")] * 100 + [movement(1, decimals="3")]
    rows = fast(b"\n".join([first, *huge, last, *statement(5)]))["statements"]
    assert [row["errors"] for row in rows] == ["amount_overflow", ""]
    assert (rows[0]["credit"], rows[0]["debit"], rows[0]["balanced"]) == (0, 0, False)


def test_account_numbers_are_those_of_the_domain() -> None:
    parts = [("30004", "00828", f"{n * 7919:011d}"[:11]) for n in range(200)]
    parts += [("1A234", "Z9Y8X", "ABCDEFGHIJK"), ("00000", "00000", "0" * 11), ("SSSSS", "JJJJJ", "SJASJASJASJ")]
    cells = [np.frombuffer("".join(p[i] for p in parts).encode(), np.uint8).reshape(len(parts), -1) for i in range(3)]
    bban, iban = account_numbers(*cells)
    assert bban.to_pylist() == [plain_iban.bban(*p) for p in parts]
    assert iban.to_pylist() == [plain_iban.iban(plain_iban.bban(*p)) for p in parts]


def test_every_code_is_explained_in_both_languages() -> None:
    for table in (REFUSALS, ERRORS, WARNINGS):
        for code, said in table.items():
            assert code.replace("_", "").isalnum()
            assert code == code.lower()
            assert said.fr.endswith(".")
            assert said.en.endswith(".")
    assert set(REFUSALS) < set(ERRORS)


def test_every_code_that_golden_files_show_is_in_the_tables_and_every_code_is_shown_somewhere() -> None:
    shown = {"errors": set(), "warnings": set()}
    from tests.formats.test_cfonb120_golden import GOLDEN, NAMES, plain

    for name in NAMES:
        for row in plain((GOLDEN / f"{name}.txt").read_bytes())["statements"]:
            for kind, codes in shown.items():
                codes.update(row[kind].split())
    assert shown["warnings"] == set(WARNINGS)
    # The two bounds have tests of their own above; a record outside any statement is no statement's error.
    assert shown["errors"] == set(ERRORS) - {"too_large", "amount_overflow", "outside_statement"}
