"""CAMT.053 texts → exact values: amounts, dates, accounts, and words that CFONB can carry."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Final

from sobank.domain import iban as accounts
from sobank.domain.money import MAX_DECIMALS

#: ISO 4217: the currencies whose minor unit is not the hundredth.
_DECIMALS: Final[dict[str, int]] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND"), 0),
    **dict.fromkeys(("VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_AMOUNT = re.compile(r"\+?(\d{0,18})(?:\.(\d{0,18}))?", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}")
_BBAN = re.compile(r"[0-9]{10}[0-9A-Z]{11}[0-9]{2}")
_MAX_DIGITS: Final = 14
#: CFONB dates have two digits of year: outside these a date would come back as another one.
_YEARS: Final = range(1970, 2070)
_BLANKS = re.compile(r"[\x00-\x20\x7f-\xa0\u2000-\u200b\u2028\u2029\u202f\u3000\ufeff]+")
_LOOKALIKES: Final = str.maketrans(
    {
        "’": "'", "‘": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "‑": "-", "−": "-", "•": "-",
        "…": "...", "€": "EUR", "œ": "oe", "Œ": "OE", "™": "TM", "№": "No",
    }
)  # fmt: skip


class Untaken(Exception):
    """A statement or an entry cannot be taken; `reason` is the word reported with it (S1)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def decimals_of(currency: str) -> int:
    """Decimals of an ISO 4217 currency; 2 for one that the table of exceptions does not name.

    Raises:
        Untaken: `bad_currency`, or `currency_not_carried` where CFONB has no room for its decimals.
    """
    if not _CURRENCY.fullmatch(currency):
        raise Untaken("bad_currency")
    decimals = _DECIMALS.get(currency, 2)
    if decimals > MAX_DECIMALS:
        raise Untaken("currency_not_carried")
    return decimals


def minor_units(text: str, decimals: int) -> int:
    """An unsigned decimal amount as minor units, exactly, never by way of a float (S3).

    Raises:
        Untaken: `bad_amount`, `too_many_decimals` (non-zero digits past the currency's), `amount_too_large`.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise Untaken("bad_amount")
    cents = (match[2] or "").rstrip("0")
    if len(cents) > decimals:
        raise Untaken("too_many_decimals")
    digits = (match[1] + cents.ljust(decimals, "0")).lstrip("0")
    if len(digits) > _MAX_DIGITS:
        raise Untaken("amount_too_large")
    return int(digits or "0")


def bank_day(text: str) -> date:
    """The day of an ISO date or date-time, as the bank wrote it: a bank day has no zone to be moved to.

    Raises:
        Untaken: `bad_date`: not one, or one that two digits of year cannot carry.
    """
    match = _DATE.fullmatch(text)
    try:
        day = date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        day = None
    if day is None or day.year not in _YEARS:
        raise Untaken("bad_date")
    return day


def french_account(identifier: str) -> tuple[str, str, str]:
    """(bank, branch, account) of a French or Monegasque IBAN, or of a bare RIB of 23 characters (S13).

    Raises:
        Untaken: `foreign_account` for any other, `bad_account` where a check digit or the RIB key is wrong.
    """
    text = identifier.replace(" ", "").upper()
    number = text if _BBAN.fullmatch(text) else text[4:]
    if not _BBAN.fullmatch(number) or (number is not text and text[:2] not in ("FR", "MC")):
        raise Untaken("foreign_account")
    bank, branch, account = number[:5], number[5:10], number[10:21]
    whole = accounts.bban(bank, branch, account)
    if whole != number or (number is not text and accounts.iban(whole, text[:2]) != text):
        raise Untaken("bad_account")
    return bank, branch, account


def plain(text: str) -> str:
    """Words in ISO-8859-1: blanks of every kind become one space, look-alikes and accents are put simply.

    What has no likeness becomes `?`: whoever reads sees that something stood there.
    """
    if not text:
        return text
    text = _BLANKS.sub(" ", text).strip()
    if text.isascii():
        return text
    return "".join(_latin(c) for c in unicodedata.normalize("NFC", text.translate(_LOOKALIKES)))


def _latin(character: str) -> str:
    if character <= "\xff":
        return character
    simple = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    return simple if simple and max(simple) <= "\xff" and simple.isprintable() else "?"


def pieces(text: str, width: int = 70) -> list[str]:
    """Cut between words into pieces of at most `width` characters; a longer word begins where the one before it ends.

    In time that grows with the text: a word may be as long as a whole entry (`textwrap` is quadratic there).
    """
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        start = 0
        if line and len(line) + 1 + len(word) > width:
            room = width - len(line) - 1
            if len(word) > width and room > 0:
                line, start = f"{line} {word[:room]}", room
            lines.append(line)
            line = ""
        elif line:
            line, start = f"{line} {word}", len(word)
        whole = (len(word) - start - 1) // width * width + start
        lines += [word[at : at + width] for at in range(start, whole, width)]
        line += word[max(start, whole) :]
    return [*lines, line] if line else lines
