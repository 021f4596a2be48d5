"""Amounts: exact integers of minor units, never floats (S3)."""

from __future__ import annotations

#: The last character of a CFONB amount carries its last digit and its sign (CFONB 120, zone 91–104).
SIGN_CHARACTERS: dict[str, tuple[int, int]] = {
    **{c: (digit, +1) for digit, c in enumerate("{ABCDEFGHI")},
    **{c: (digit, -1) for digit, c in enumerate("}JKLMNOPQR")},
}
MAX_DECIMALS = 3


def overpunch(amount: int, width: int = 14) -> str:
    """Write `amount` (minor units) as a CFONB amount of `width` characters; zero is always positive.

    Raises:
        ValueError: the amount does not fit.
    """
    digits = f"{abs(amount):0{width}d}"
    if len(digits) > width:
        raise ValueError(f"an amount of {len(digits)} digits does not fit in {width}")
    return digits[:-1] + ("}JKLMNOPQR" if amount < 0 else "{ABCDEFGHI")[int(digits[-1])]


def decimal_text(amount: int, decimals: int = 2) -> str:
    """Write `amount` (minor units) with a decimal point: `-1234` with 2 decimals is `-12.34`."""
    sign, digits = ("-" if amount < 0 else ""), f"{abs(amount):0{decimals + 1}d}"
    return sign + (digits if decimals == 0 else f"{digits[:-decimals]}.{digits[-decimals:]}")
