"""The number of an establishment of a French company: SIREN of 9 digits, NIC of 5, the last a key."""

from __future__ import annotations

from typing import Final

LENGTH: Final = 14
_LA_POSTE: Final = "356000000"


def is_siret(text: str) -> bool:
    """Whether these are 14 digits whose Luhn key holds; the post offices have more numbers than it allows."""
    if len(text) != LENGTH or not text.isascii() or not text.isdigit():
        return False
    if text.startswith(_LA_POSTE) and sum(map(int, text)) % 5 == 0:
        return True
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(text)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0
