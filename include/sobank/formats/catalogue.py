"""Which formats are read, which of them a file is in, and in which ones statements are written on demand (O1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import BinaryIO, Final

from sobank.domain.statement import Statement
from sobank.errors import AmbiguousFormat, UnknownFormat
from sobank.formats.camt053 import Camt053
from sobank.formats.camt053_write import write_camt053
from sobank.formats.cfonb120 import Cfonb120
from sobank.formats.cfonb120_write import render, write
from sobank.formats.csv_export import write_csv, write_csv_excel
from sobank.formats.ofx import write_ofx
from sobank.formats.parquet_export import write_parquet
from sobank.formats.parsed import Format

#: Bytes that a format may look at to claim a file.
HEAD_BYTES: Final = 4096

#: Writes statements to a stream, one at a time, deterministically (D9).
Writer = Callable[[Iterable[Statement], BinaryIO], None]

#: The formats that are read. Adding one = adding its module and this line.
FORMATS: Final[tuple[Format, ...]] = (Cfonb120(), Camt053())


def identify(head: bytes, name: str, formats: Sequence[Format] = FORMATS) -> Format:
    """The one format that claims a file.

    Args:
        head: its first bytes; no more than `HEAD_BYTES` are looked at. name: of the file, for messages only.
    Raises:
        UnknownFormat: none claims it. AmbiguousFormat: more than one does; the message names them.
    """
    head = head[:HEAD_BYTES]
    claiming = [each for each in formats if each.claims(head)]
    if len(claiming) == 1:
        return claiming[0]
    if claiming:
        names = " and ".join(each.name for each in claiming)
        raise AmbiguousFormat(
            f"its beginning is both {names}",
            subject=name,
            remedy="nothing of it was kept; open it to see which it is, and send it in that format alone",
        )
    raise UnknownFormat(
        "its beginning is in no format that is read" if head else "the file is empty",
        subject=name,
        remedy=f"ask the bank for one of: {', '.join(each.name for each in formats)}",
    )


def write_cfonb120(statements: Iterable[Statement], out: BinaryIO) -> None:
    """Write canonical CFONB 120 records, CRLF; of statements received in CFONB, send their own records instead (S14).

    Raises:
        ValueError: something of a statement does not fit its zone.
    """
    for statement in statements:
        out.write(write(render(statement), b"\r\n"))


#: The formats on demand, by the name that the command line and the pages use.
EXPORTS: Final[Mapping[str, Writer]] = {
    "cfonb120": write_cfonb120,
    "csv": write_csv,
    "csv-excel": write_csv_excel,
    "ofx": write_ofx,
    "camt053": write_camt053,
    "parquet": write_parquet,
}
