"""Checking account numbers where they are registered (A9, S13)."""

from __future__ import annotations

import pytest

from sobank.domain.iban import bban, iban
from sobank.errors import InvalidIban
from sobank.store.iban_check import checked_iban

GOOD = bban("20041", "01005", "0500013M026")


@pytest.mark.parametrize("country", ["FR", "MC"])
def test_a_number_is_taken_with_spaces_and_letters_from_france_and_monaco(country: str) -> None:
    number = iban(GOOD, country)
    found = checked_iban(" ".join(number[n : n + 4] for n in range(0, 27, 4)))
    assert (found.iban, found.bban) == (number, GOOD)


def test_the_bank_is_named_where_it_is_known() -> None:
    assert checked_iban(iban(GOOD)).bank_name == "LA BANQUE POSTALE"
    assert checked_iban(iban(bban("99999", "00001", "00000000001"))).bank_name is None


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (iban(GOOD[:-2] + "07"), "wrong RIB key"),
        (iban(GOOD)[:2] + "00" + GOOD, "wrong check digits"),
        (iban(GOOD)[:-1], "wrong length"),
        ("DE89370400440532013000", "France and Monaco only"),
        ("ZZ89370400440532013000", "no such country"),
        ("bonjour", "structure"),
        ("", "structure"),
    ],
)
def test_a_wrong_number_is_refused_with_what_is_wrong_and_never_shown_whole(number: str, said: str) -> None:
    with pytest.raises(InvalidIban, match=said) as refused:
        checked_iban(number)
    assert not number or number not in str(refused.value)
