"""Check account numbers where an account is registered (A9, S13): structure, mod 97, RIB key, name of the bank.

Only here, with schwifty; the daily path does arithmetic on arrays instead (DESIGN §7).
"""

from __future__ import annotations

from typing import Final

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from sobank.domain.iban import masked
from sobank.errors import InvalidIban
from sobank.services.registry_file import CheckedIban

COUNTRIES: Final = frozenset({"FR", "MC"})


def checked_iban(text: str) -> CheckedIban:
    """The IBAN without spaces, its 23-character BBAN, and the name of its bank where schwifty knows it.

    Raises:
        InvalidIban: structure, check digits or RIB key are wrong, or the country is neither France nor Monaco.
    """
    try:
        found = IBAN(text, validate_bban=True)
        country = found.country_code
    except SchwiftyException as error:
        kind = type(error).__name__.removeprefix("Invalid")
        raise InvalidIban(
            f"is no valid IBAN ({_SAID.get(kind, 'structure')})",
            subject=masked(text),
            remedy="check it against the client's RIB",
        ) from None
    if country not in COUNTRIES:
        raise InvalidIban(
            f"is an account of {country}; France and Monaco only are collected",
            subject=masked(text),
            remedy="remove it",
        )
    return CheckedIban(iban=str(found), bban=str(found.bban), bank_name=found.bank_name)


_SAID = {
    "ChecksumDigits": "wrong check digits",
    "BBANChecksum": "wrong RIB key",
    "Length": "wrong length",
    "CountryCode": "no such country",
}
