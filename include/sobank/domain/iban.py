"""French account numbers: RIB key, 23-character BBAN, IBAN, and the one form an IBAN is shown in (S13, O3)."""

from __future__ import annotations

_RIB_DIGIT = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")


def rib_key(bank: str, branch: str, account: str) -> str:
    """Key of a RIB: 97 − ((89·bank + 15·branch + 3·account) mod 97), letters A–I, J–R → 1–9, S–Z → 2–9.

    Args:
        bank: 5 characters. branch: 5 characters. account: 11 characters; digits and capital letters only.
    Raises:
        ValueError: a part has another length or other characters.
    """
    for text, size in ((bank, 5), (branch, 5), (account, 11)):
        if len(text) != size or not (text.isascii() and text.isalnum() and text == text.upper()):
            raise ValueError(f"not {size} digits or capital letters")
    number = [int(part.translate(_RIB_DIGIT)) for part in (bank, branch, account)]
    return f"{97 - (89 * number[0] + 15 * number[1] + 3 * number[2]) % 97:02d}"


def bban(bank: str, branch: str, account: str) -> str:
    """The 23 characters that France and Monaco share: bank, branch, account, RIB key."""
    return bank + branch + account + rib_key(bank, branch, account)


def iban(bban23: str, country: str = "FR") -> str:
    """Put the ISO 13616 check digits (mod 97) before a BBAN."""
    digits = "".join(str(int(c, 36)) for c in bban23 + country + "00")
    return f"{country}{98 - int(digits) % 97:02d}{bban23}"


def masked(number: str) -> str:
    """`FR76 **** … 2208`: the only form in logs, XCom, metrics and messages (O3). Takes an IBAN or a BBAN."""
    text = number.replace(" ", "")
    if len(text) < 8:
        return "****"
    head = f"{text[:4]} " if text[:2].isalpha() else ""
    return f"{head}**** … {text[-4:]}"
