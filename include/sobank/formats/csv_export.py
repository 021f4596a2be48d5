"""CSV, one row an entry: an exact profile for programs, and one that a French spreadsheet opens safely (DESIGN §8)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO

from sobank.domain.money import decimal_text
from sobank.domain.statement import Statement
from sobank.formats.export_rows import COLUMNS, Row, rows_of

_MONEY = frozenset({"opening", "closing", "amount"})
#: A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """How the same rows are written down. `guarded`: words that would run as a formula get a leading apostrophe."""

    delimiter: str
    decimal_mark: str
    bom: bool
    guarded: bool


#: RFC 4180, decimal point, words exactly as they came.
EXACT = Profile(delimiter=",", decimal_mark=".", bom=False, guarded=False)
#: What a spreadsheet in French expects.
EXCEL = Profile(delimiter=";", decimal_mark=",", bom=True, guarded=True)


class _Encoded:
    """What `csv` writes to: text in, UTF-8 out."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode("utf-8", "replace"))


def write_csv(statements: Iterable[Statement], out: BinaryIO) -> None:
    """Write the exact profile: UTF-8, `,`, decimal point, ISO dates, CRLF; complements one a line in their cell."""
    _write(statements, out, EXACT)


def write_csv_excel(statements: Iterable[Statement], out: BinaryIO) -> None:
    """Write the profile for Excel: byte-order mark, `;`, decimal comma, no cell that runs as a formula."""
    _write(statements, out, EXCEL)


def _write(statements: Iterable[Statement], out: BinaryIO, profile: Profile) -> None:
    if profile.bom:
        out.write(b"\xef\xbb\xbf")
    sheet = csv.writer(_Encoded(out), delimiter=profile.delimiter, lineterminator="\r\n")
    sheet.writerow(COLUMNS)
    for statement in statements:
        for row in rows_of(statement):
            sheet.writerow([_cell(row, name, profile) for name in COLUMNS])


def _cell(row: Row, name: str, profile: Profile) -> str:
    content: Any = getattr(row, name)
    if content is None:
        return ""
    if name in _MONEY:
        return decimal_text(content, row.decimals).replace(".", profile.decimal_mark)
    if isinstance(content, date):
        return content.isoformat()
    text = "\n".join(content) if isinstance(content, tuple) else str(content)
    return f"'{text}" if profile.guarded and text.startswith(_FORMULA) else text
