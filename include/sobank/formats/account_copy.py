"""Stored canonical records → a file in any format on demand (A11, O1)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import BinaryIO

from sobank.domain.statement import Statement
from sobank.formats.catalogue import EXPORTS
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_objects import statements_of
from sobank.formats.cfonb120_write import write

_CHUNK_BYTES = 1 << 20


def write_copy(records: Iterable[bytes], form: str, out: BinaryIO, *, country: str = "FR") -> int:
    """Write statements, each given by its canonical records, as `form`; return how many there were.

    Of none nothing is written: OFX and CAMT.053 know no file without a statement, and the others would hold headings.
    In CFONB 120 they are the bank's own records (S14); other formats are written from what those records say, and from
    `country`, with which the IBAN of the account begins.
    """
    count = 0
    left = iter(records)
    first = next(left, None)
    if first is None:
        return count

    def counted() -> Iterator[bytes]:
        nonlocal count
        for one in chain([first], left):
            count += 1
            yield one

    if form == "cfonb120":
        for one in counted():
            out.write(write(one, b"\r\n"))
    else:
        EXPORTS[form](_statements(counted(), country), out)
    return count


def _statements(records: Iterable[bytes], country: str) -> Iterator[Statement]:
    for one in records:
        for read in statements_of(Cfonb120().read(io.BytesIO(one), chunk_bytes=_CHUNK_BYTES), released=True):
            yield replace(read, country=country)
