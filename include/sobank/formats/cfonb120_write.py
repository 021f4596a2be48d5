"""CFONB 120, relevé de compte: the writer (S14, O1), and the count of what it wrote (D10)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from sobank.domain.statement import Detail, Entry, Statement
from sobank.formats.cfonb120_columns import latin1
from sobank.formats.cfonb120_layout import BALANCE, COMPLEMENT, MOVEMENT, OLD_COMPLEMENT, WIDTH, compose
from sobank.formats.cfonb120_tally import Tally, tally

__all__ = ["Lines", "Tally", "render", "tally", "write"]

Buffer = bytes | bytearray | memoryview | np.ndarray[Any, Any]
_TEXT_WIDTH = 70
#: Records of a piece: a megabyte, which stays in the processor's cache until it is written.
_AT_ONCE = 8192


def render(statement: Statement) -> bytes:
    """The canonical records of a statement: 120 bytes each, ISO-8859-1, no terminator.

    Characters outside ISO-8859-1 are decomposed, or become `?`; control characters become blanks.
    Raises:
        ValueError: a text, an amount or a year does not fit its column; the message names the column.
    """
    account = {
        "bank": statement.bank,
        "branch": statement.branch,
        "account": statement.account,
        "currency": statement.currency,
        "decimals": statement.decimals,
    }
    records = [compose(BALANCE, account | _balance("01", statement.opening_date, statement.opening))]
    for entry in statement.entries:
        records.append(compose(MOVEMENT, account | _movement(entry)))
        records.extend(_complement(account, entry, detail) for detail in entry.details)
    records.append(compose(BALANCE, account | _balance("07", statement.closing_date, statement.closing)))
    return "".join(records).encode("latin-1")


def _balance(code: str, day: Any, amount: int) -> dict[str, Any]:
    return {"code": code, "date": day, "amount": amount}


def _movement(entry: Entry) -> dict[str, Any]:
    return {
        "code": "04",
        "bank_code": entry.bank_code,
        "interbank_code": entry.interbank_code,
        "date": entry.booking_date,
        "reject_code": entry.reject_code,
        "value_date": entry.value_date,
        "label": entry.label,
        "entry_number": entry.entry_number,
        "exempt": entry.exempt,
        "unavailable": entry.unavailable,
        "amount": entry.amount,
        "reference": entry.reference,
    }


def _complement(account: dict[str, Any], entry: Entry, detail: Detail) -> str:
    """A 05; a text too long for the newer layout goes to the old one, where that would be read back as it is."""
    values = account | {
        "code": "05",
        "bank_code": entry.bank_code,
        "interbank_code": entry.interbank_code,
        "date": entry.booking_date,
        "qualifier": detail.qualifier,
        "text": detail.text,
    }
    text = latin1(detail.text)
    # Old records are told by something in their first five characters.
    if not detail.qualifier.strip() and len(text) > _TEXT_WIDTH and text[:5].strip():
        return compose(OLD_COMPLEMENT, values)
    return compose(COMPLEMENT, values)


def write(records: Buffer, terminator: bytes) -> bytes:
    """Canonical records as the bytes of a file: each followed by `terminator`. Takes any buffer, Arrow's too.

    Raises:
        ValueError: the size is not a multiple of 120.
    """
    whole = np.frombuffer(records, np.uint8).data
    n = len(whole) // WIDTH
    return b"".join(Lines([(whole, np.arange(n))], n, terminator))


class Lines:
    """Canonical records, each followed by `terminator`: a file in pieces.

    Iterated anew they are written anew: a large file is at no time held whole, beside the records that it is made of.

    Args:
        records: some of many, and the places of those that are meant, in order; such pairs one after another.
        n_records: how many are meant in all.
    """

    def __init__(
        self,
        records: Iterable[tuple[memoryview, np.ndarray[Any, np.dtype[np.int64]]]],
        n_records: int,
        terminator: bytes,
    ) -> None:
        self._records, self._end = records, np.frombuffer(terminator, np.uint8)
        self.size = n_records * (WIDTH + len(terminator))

    def __iter__(self) -> Iterator[memoryview]:
        """Raises ValueError: the size of the records is not a multiple of 120."""
        for records, places in self._records:
            characters = np.frombuffer(records, np.uint8)
            if len(characters) % WIDTH:
                raise ValueError(f"{len(characters)} bytes are not records of {WIDTH}")
            for begin in range(0, len(places), _AT_ONCE):
                part = places[begin : begin + _AT_ONCE]
                written = np.empty((len(part), WIDTH + len(self._end)), np.uint8)
                written[:, :WIDTH] = characters.reshape(-1, WIDTH).take(part, axis=0)
                written[:, WIDTH:] = self._end
                yield written.reshape(-1).data
