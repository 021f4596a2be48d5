"""Amounts are exact integers of minor units, written and read without a float (S3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobank.domain.money import SIGN_CHARACTERS, decimal_text, overpunch


@given(amount=st.integers(-(10**14) + 1, 10**14 - 1))
def test_an_amount_written_with_its_sign_character_reads_back_the_same(amount: int) -> None:
    text = overpunch(amount)
    digit, sign = SIGN_CHARACTERS[text[-1]]
    assert len(text) == 14
    assert sign * int(text[:-1] + str(digit)) == amount


def test_there_are_twenty_sign_characters_and_zero_is_written_positive() -> None:
    assert len(SIGN_CHARACTERS) == 20
    assert overpunch(0) == "0000000000000{"


def test_an_amount_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        overpunch(10**14)


@pytest.mark.parametrize(
    ("amount", "decimals", "text"),
    [(-1234, 2, "-12.34"), (5, 2, "0.05"), (-5, 3, "-0.005"), (7, 0, "7"), (0, 2, "0.00"), (-50, 0, "-50")],
)
def test_an_amount_is_shown_with_its_decimals(amount: int, decimals: int, text: str) -> None:
    assert decimal_text(amount, decimals) == text
