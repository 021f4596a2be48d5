"""What is shown of a file's name forges no line and tells no account number (O3)."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobank.domain.file_name import file_name
from sobank.domain.iban import masked
from tests.builders import iban_of

IBAN = iban_of(7)
SPACED = " ".join(IBAN[at : at + 4] for at in range(0, len(IBAN), 4))


@pytest.mark.parametrize(
    "name",
    [
        "SOBANK_100003_8393610969192887-2026-03-03T10-43-09-506.cfonb.txt",
        "releves.txt",
        "relevé de mars.txt",
        "releves_20260303.txt",
        "releves_20260303T104309.txt",
        "releves-20260303104309506.cfb",
        "EXTRAIT_2026-03-03.120",
    ],
)
def test_a_name_that_tells_nothing_stays(name: str) -> None:
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (f"{IBAN}_2026.txt", f"{masked(IBAN)}_2026.txt"),
        (f"releve {SPACED}.txt", f"releve {masked(IBAN)}.txt"),
        (f"releve_{IBAN.lower()}.txt", f"releve_{masked(IBAN.lower())}.txt"),
        (f"{IBAN[4:]}.txt", f"**** … {IBAN[-4:]}.txt"),
        (f"compte {IBAN[14:25]}.txt", f"compte **** … {IBAN[21:25]}.txt"),
        ("compte 0500013M026.txt", "compte **** … M026.txt"),
        (f"SOBANK_100003_8393610969192887-{IBAN}.txt", f"SOBANK_100003_8393610969192887-{masked(IBAN)}.txt"),
    ],
)
def test_an_account_number_is_masked_to_its_last_characters(name: str, shown: str) -> None:
    assert file_name(name) == shown


def test_what_is_not_printable_is_written_out() -> None:
    assert file_name("a\x1b[31m\nWARNING forged: line.txt") == r"a\x1b[31m\nWARNING forged: line.txt"
    assert file_name("a\u202etxt.exe") == r"a\u202etxt.exe"
    assert file_name(os.fsdecode("relevé.txt".encode("latin-1"))) == r"relev\xe9.txt"


@given(st.binary(max_size=60).filter(lambda name: b"\0" not in name))
def test_any_name_can_be_stored_and_printed_and_is_the_same_the_second_time(name: bytes) -> None:
    shown = file_name(os.fsdecode(name))
    assert shown.encode("utf-8").decode("utf-8").isprintable()
    assert file_name(shown) == shown
