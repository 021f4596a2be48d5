"""A statement and its entries, as every format gives and takes them (S1–S14)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class Detail:
    """One complement of an entry (CFONB record 05). A blank qualifier is the old layout or an unknown one (S5)."""

    qualifier: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One movement. `amount` in minor units of the statement's currency, credit positive."""

    amount: int
    booking_date: date
    value_date: date | None
    label: str
    interbank_code: str = ""
    bank_code: str = ""
    reject_code: str = ""
    entry_number: str = ""
    exempt: str = ""
    unavailable: str = ""
    reference: str = ""
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """One account, one period. Amounts in minor units (10^`decimals` make a unit); dates are bank days.

    country: with which the IBAN begins, FR or MC: its bank's records do not say it (S13).
    """

    bank: str
    branch: str
    account: str
    currency: str
    decimals: int
    opening_date: date
    opening: int
    closing_date: date
    closing: int
    entries: tuple[Entry, ...] = field(default=())
    country: str = field(default="FR", repr=False)

    @property
    def balanced(self) -> bool:
        """Opening + Σ entries = closing, to the cent (S8)."""
        return self.opening + sum(e.amount for e in self.entries) == self.closing


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Records of a file or of a chunk: total = parsed + blank + refused, always (S1)."""

    total: int = 0
    parsed: int = 0
    blank: int = 0
    refused: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            total=self.total + other.total,
            parsed=self.parsed + other.parsed,
            blank=self.blank + other.blank,
            refused=self.refused + other.refused,
        )


def reached_by(received_on: date) -> date:
    """The business day whose run, on time, is the first to find a file received that day (D2).

    Banks send day D's statements in the morning of D+1. The due date of a statement is this day, or its business date
    where that is later. A batch never mixes due dates: that is what makes the set of batches independent of when runs
    really took place.
    """
    return received_on - timedelta(days=1)
