"""The records of CFONB 120 (relevé de compte sur support informatique) as the standard prints them: tables.

A column is (name, first, last, converter), positions 1-based and inclusive. Columns that are not in a table are
reserved: never read, kept as they came (S5), written blank.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from sobank.formats.cfonb120_columns import AMOUNT, DATE, DECIMALS, TEXT, Converter
from sobank.formats.cfonb120_words import Rows

WIDTH: Final = 120


class Column(NamedTuple):
    """One zone of a record."""

    name: str
    first: int
    last: int
    converter: Converter

    def cells(self, rows: Rows) -> Rows:
        """The characters of the zone, of each record."""
        return rows[:, self.first - 1 : self.last]

    def read(self, rows: Rows) -> Any:
        """The values of the zone, of each record, as its converter gives them; `rows` are contiguous."""
        return self.converter.read(rows, self.first - 1, self.last - self.first + 1)

    def write(self, value: Any) -> str:
        """The characters of one value, padded right.

        Raises:
            ValueError: it does not fit; the message names the zone, never the value.
        """
        try:
            text = self.converter.write(value)
        except ValueError as error:
            raise ValueError(f"{self.name} ({self.first}–{self.last}): {error}") from error
        size = self.last - self.first + 1
        if len(text) > size:
            raise ValueError(f"{self.name} ({self.first}–{self.last}): {len(text)} characters do not fit in {size}")
        return text.ljust(size)


_ACCOUNT: Final = (
    Column("code", 1, 2, TEXT),
    Column("bank", 3, 7, TEXT),
    Column("branch", 12, 16, TEXT),
    Column("currency", 17, 19, TEXT),
    Column("decimals", 20, 20, DECIMALS),
    Column("account", 22, 32, TEXT),
)

#: 01, old balance, and 07, new balance.
BALANCE: Final = (
    *_ACCOUNT,
    Column("date", 35, 40, DATE),
    Column("amount", 91, 104, AMOUNT),
)

#: 04, movement.
MOVEMENT: Final = (
    *_ACCOUNT,
    Column("bank_code", 8, 11, TEXT),
    Column("interbank_code", 33, 34, TEXT),
    Column("date", 35, 40, DATE),
    Column("reject_code", 41, 42, TEXT),
    Column("value_date", 43, 48, DATE),
    Column("label", 49, 79, TEXT),
    Column("entry_number", 82, 88, TEXT),
    Column("exempt", 89, 89, TEXT),
    Column("unavailable", 90, 90, TEXT),
    Column("amount", 91, 104, AMOUNT),
    Column("reference", 105, 120, TEXT),
)

_LIKE_ITS_MOVEMENT: Final = (
    *_ACCOUNT,
    Column("bank_code", 8, 11, TEXT),
    Column("interbank_code", 33, 34, TEXT),
    Column("date", 35, 40, DATE),
)

#: 05, complement of the movement before it.
COMPLEMENT: Final = (
    *_LIKE_ITS_MOVEMENT,
    Column("qualifier", 46, 48, TEXT),
    Column("text", 49, 118, TEXT),
)

#: 05 as it was before qualifiers: text from 41 on. Told by its zone 41–45, blank in the newer one (S5).
OLD_COMPLEMENT: Final = (
    *_LIKE_ITS_MOVEMENT,
    Column("text", 41, 118, TEXT),
)
OLD_COMPLEMENT_MARK: Final = Column("old_complement_mark", 41, 45, TEXT)


def column(layout: tuple[Column, ...], name: str) -> Column:
    """The column `name` of a layout."""
    return next(c for c in layout if c.name == name)


def compose(layout: tuple[Column, ...], values: Mapping[str, Any]) -> str:
    """Write one record of 120 characters from the values of its columns.

    Raises:
        ValueError: a value does not fit in its column.
    """
    record = [" "] * WIDTH
    for zone in layout:
        record[zone.first - 1 : zone.last] = zone.write(values[zone.name])
    return "".join(record)
