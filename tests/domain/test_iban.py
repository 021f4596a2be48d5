"""RIB key, BBAN, IBAN and the one form in which an IBAN may be shown (S13, O3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schwifty import IBAN

from sobank.domain import iban

alnum = st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=11)
digits = st.text(alphabet="0123456789", min_size=5, max_size=5)


@given(bank=digits, branch=digits, account=alnum)
def test_every_derived_iban_is_valid_to_a_library_that_checks_the_rib_key(bank: str, branch: str, account: str) -> None:
    number = iban.iban(iban.bban(bank, branch, account))
    assert IBAN(number, validate_bban=True).bban == iban.bban(bank, branch, account)


@given(bank=digits, branch=digits, account=st.text(alphabet="0123456789", min_size=11, max_size=11))
def test_every_all_digit_french_account_begins_with_fr76(bank: str, branch: str, account: str) -> None:
    assert iban.iban(iban.bban(bank, branch, account)).startswith("FR76")


def test_letters_of_an_account_count_as_the_digits_of_the_standard() -> None:
    assert iban.rib_key("20041", "01005", "0500013M026") == "06"


def test_a_monaco_account_shares_its_bban_and_differs_in_its_iban() -> None:
    number = iban.bban("11222", "00001", "01234567890")
    assert iban.iban(number, "MC") == "MC5811222000010123456789030"
    assert iban.iban(number)[4:] == iban.iban(number, "MC")[4:]


@pytest.mark.parametrize(
    "parts", [("1234", "00001", "01234567890"), ("12345", "00001", "0123456789a"), ("1234é", "00001", "01234567890")]
)
def test_parts_that_are_not_digits_and_capital_letters_have_no_key(parts: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="digits or capital letters"):
        iban.rib_key(*parts)


@given(bank=digits, branch=digits, account=alnum)
def test_a_masked_iban_shows_four_characters_at_each_end_and_nothing_between(
    bank: str, branch: str, account: str
) -> None:
    number = iban.iban(iban.bban(bank, branch, account))
    assert iban.masked(number) == f"{number[:4]} **** … {number[-4:]}"
    assert iban.masked(iban.bban(bank, branch, account)).endswith(f"**** … {number[-4:]}")


def test_what_is_too_short_to_mask_is_hidden_whole() -> None:
    assert iban.masked("FR76") == "****"
