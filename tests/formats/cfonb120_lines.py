"""Records of CFONB 120 for tests, written by position, beside the product's own writer."""

from __future__ import annotations

from sobank.domain.money import overpunch


def _at(*zones: tuple[int, str]) -> bytes:
    record = [" "] * 120
    for first, text in zones:
        record[first - 1 : first - 1 + len(text)] = text
    assert len(record) == 120
    return "".join(record).encode("latin-1")


def _account(code: str, bank: str, branch: str, account: str, currency: str, decimals: str) -> tuple:
    return (1, code), (3, bank), (12, branch), (17, currency), (20, decimals), (22, account)


def balance(
    code: str,
    day: str,
    amount: int | str,
    *,
    bank: str = "30004",
    branch: str = "00828",
    account: str = "00012345678",
    currency: str = "EUR",
    decimals: str = "2",
    reserved: str = "",
) -> bytes:
    """A 01 or 07; `amount` in minor units, or 14 characters."""
    written = amount if isinstance(amount, str) else overpunch(amount)
    zones = _account(code, bank, branch, account, currency, decimals)
    return _at(*zones, (35, day), (41, reserved), (91, written))


def movement(
    amount: int | str,
    label: str = "VIREMENT",
    *,
    code: str = "04",
    day: str = "050126",
    value: str = "040126",
    bank: str = "30004",
    branch: str = "00828",
    account: str = "00012345678",
    currency: str = "EUR",
    decimals: str = "2",
    operation: str = "B1",
    reference: str = "",
) -> bytes:
    """A 04 (or a 03 used as one)."""
    written = amount if isinstance(amount, str) else overpunch(amount)
    zones = _account(code, bank, branch, account, currency, decimals)
    return _at(
        *zones, (8, "0158"), (33, operation), (35, day), (43, value), (49, label), (82, "0000001"), (89, "00"),
        (91, written), (105, reference),
    )  # fmt: skip


def complement(text: str, qualifier: str = "LIB", *, account: str = "00012345678", old: bool = False) -> bytes:
    """A 05 of the newer layout, or of the old one."""
    zones = (*_account("05", "30004", "00828", account, "EUR", "2"), (8, "0158"), (33, "B1"), (35, "050126"))
    return _at(*zones, (41, text)) if old else _at(*zones, (46, qualifier), (49, text))


def statement(*amounts: int, opening: int = 100_000, account: str = "00012345678", day: str = "050126") -> list[bytes]:
    """A balanced statement of one movement for each amount, every other one with a complement."""
    records = [balance("01", "040126", opening, account=account)]
    for nth, amount in enumerate(amounts):
        records.append(movement(amount, f"MOUVEMENT {nth}", account=account, day=day))
        if nth % 2 == 0:
            records.append(complement(f"DÉTAIL {nth}", account=account))
    return [*records, balance("07", day, opening + sum(amounts), account=account)]
