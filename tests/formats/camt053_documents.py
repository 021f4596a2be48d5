"""CAMT.053 documents made to measure, and what a reading of bytes comes to: for the tests of this folder."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sobank.formats.camt053 import Camt053
from sobank.formats.parsed import Counts, Parsed

PARIS = "FR7630004000010000012345617"
LYON = "FR1420041010050500013M02606"
MONACO = "MC5811315000010123456789095"


def document(*statements: str, version: str = "08", prolog: str = "") -> bytes:
    """A whole document around statements."""
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    body = "".join(statements)
    return f'{prolog}<Document xmlns="{namespace}"><BkToCstmrStmt>{body}</BkToCstmrStmt></Document>'.encode()


def balance(code: str, amount: str, day: str = "2026-03-02", sign: str = "CRDT", currency: str = "EUR") -> str:
    """A Bal."""
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}</Amt>"
        f"<CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(amount: str = "1.00", *, sign: str = "CRDT", currency: str = "EUR", extra: str = "", day: str = "") -> str:
    """A Ntry; `extra` stands between its dates and its end."""
    return (
        f"<Ntry><Amt Ccy='{currency}'>{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>"
        f"<BookgDt><Dt>{day or '2026-03-02'}</Dt></BookgDt>{extra}</Ntry>"
    )


def statement(
    *entries: str, iban: str = PARIS, opening: str = "0.00", closing: str = "0.00", currency: str = "EUR"
) -> str:
    """A Stmt with its two balances before its entries."""
    balances = balance("OPBD", opening, "2026-03-01", currency=currency) + balance("CLBD", closing, currency=currency)
    account = f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>"
    return f"<Stmt>{account}{balances}{''.join(entries)}</Stmt>"


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of `members`, in their order."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Everything a file gave, as plain rows."""

    statements: list[dict[str, Any]]
    entries: list[dict[str, Any]]
    refused: list[dict[str, Any]]
    counts: Counts

    @property
    def reasons(self) -> list[str]:
        return [refusal["reason"] for refusal in self.refused]


def reading(chunks: Iterable[Parsed]) -> Reading:
    """All chunks of a file together."""
    parts = list(chunks)
    return Reading(
        statements=[row for part in parts for row in part.statements.to_pylist()],
        entries=[row for part in parts for row in part.entries.to_pylist()],
        refused=[row for part in parts for row in part.refusals.to_pylist()],
        counts=sum((part.counts for part in parts), Counts()),
    )


def read(content: bytes, reader: Camt053 | None = None, chunk_bytes: int = 1 << 20) -> Reading:
    """What the CAMT.053 reader makes of `content`."""
    return reading((reader or Camt053()).read(io.BytesIO(content), chunk_bytes=chunk_bytes))
