"""Statements as flat rows, one an entry, for the formats in which people and notebooks read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sobank.domain import iban as accounts
from sobank.domain.statement import Statement


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One entry beside its statement, or a statement without entries: then the fields of the entry are None (S12).

    Amounts in minor units, `decimals` of them to a unit. `details`: 3 characters of qualifier then the text, each.
    """

    iban: str
    currency: str
    decimals: int
    opening_date: date
    opening: int
    closing_date: date
    closing: int
    booking_date: date | None = None
    value_date: date | None = None
    amount: int | None = None
    label: str | None = None
    interbank_code: str | None = None
    bank_code: str | None = None
    reject_code: str | None = None
    entry_number: str | None = None
    exempt: str | None = None
    unavailable: str | None = None
    reference: str | None = None
    details: tuple[str, ...] = ()


#: The columns in order, as CSV and Parquet name them.
COLUMNS = tuple(Row.__slots__)


def iban_of(statement: Statement) -> str:
    """The IBAN, or bank, branch and account set side by side where they are no digits and capital letters."""
    parts = statement.bank, statement.branch, statement.account
    try:
        return accounts.iban(accounts.bban(*parts), statement.country)
    except ValueError:
        return "".join(parts)


def rows_of(statement: Statement) -> Iterator[Row]:
    """The rows of one statement, in the order of its entries; one row where it has none."""
    common = {name: getattr(statement, name) for name in COLUMNS[1:7]}
    if not statement.entries:
        yield Row(iban=iban_of(statement), **common)
    for entry in statement.entries:
        own = {name: getattr(entry, name) for name in COLUMNS[7:-1]}
        details = tuple(f"{d.qualifier:<3}{d.text}" for d in entry.details)
        yield Row(iban=iban_of(statement), **common, **own, details=details)
