"""OFX 1.02 (SGML), the version that French banks offer for download and that accounting software here imports.

2.2 (XML) would be the cleaner grammar, but a file that the reader's software refuses is of no use; 1.02 is read by all.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from itertools import chain
from typing import BinaryIO, Final

from sobank.domain.iban import rib_key
from sobank.domain.money import decimal_text
from sobank.domain.statement import Entry, Statement

_HEADER: Final = (
    "OFXHEADER:100",
    "DATA:OFXSGML",
    "VERSION:102",
    "SECURITY:NONE",
    "ENCODING:USASCII",
    "CHARSET:1252",
    "COMPRESSION:NONE",
    "OLDFILEUID:NONE",
    "NEWFILEUID:NONE",
    "",
)
_NAME_WIDTH: Final = 32
_MEMO_WIDTH: Final = 255
_CHEQUE_PAID: Final = "01"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def write_ofx(statements: Iterable[Statement], out: BinaryIO) -> None:
    """Write one bank response a statement, windows-1252, CRLF. The date of the answer is the first closing date (D9).

    Raises:
        ValueError: no statement: OFX has no answer without a date.
    """
    sequence = iter(statements)
    first = next(sequence, None)
    if first is None:
        raise ValueError("an OFX file needs at least one statement")
    for line in chain(_HEADER, _signon(first.closing_date)):
        out.write(_line(line))
    for number, statement in enumerate(chain([first], sequence), start=1):
        for line in _response(statement, number):
            out.write(_line(line))
    for line in ("</BANKMSGSRSV1>", "</OFX>"):
        out.write(_line(line))


def fitids(statement: Statement) -> Iterator[str]:
    """One identifier an entry, 32 hex digits, from content alone: the same statement exported again has the same ones.

    Software drops an entry whose FITID it has seen: identical movements are told apart by their ordinal (S11), and
    like movements of two statements by the statement's own dates and balances.
    """
    head = (
        f"{statement.bank}{statement.branch}{statement.account}|{statement.currency}|{statement.opening_date}|"
        f"{statement.opening}|{statement.closing_date}|{statement.closing}"
    )
    seen: Counter[Entry] = Counter()
    for entry in statement.entries:
        seen[entry] += 1
        yield hashlib.sha256(f"{head}|{entry!r}|{seen[entry]}".encode()).hexdigest()[:32]


def _signon(day: date) -> tuple[str, ...]:
    return (
        "<OFX>",
        "<SIGNONMSGSRSV1>",
        "<SONRS>",
        *_STATUS,
        f"<DTSERVER>{day:%Y%m%d}000000",
        "<LANGUAGE>FRA",
        "</SONRS>",
        "</SIGNONMSGSRSV1>",
        "<BANKMSGSRSV1>",
    )


_STATUS: Final = ("<STATUS>", "<CODE>0", "<SEVERITY>INFO", "</STATUS>")


def _response(statement: Statement, number: int) -> Iterator[str]:
    yield from ("<STMTTRNRS>", f"<TRNUID>{number}", *_STATUS, "<STMTRS>", f"<CURDEF>{_words(statement.currency)}")
    yield from _account(statement)
    yield "<BANKTRANLIST>"
    yield from (f"<DTSTART>{statement.opening_date:%Y%m%d}", f"<DTEND>{statement.closing_date:%Y%m%d}")
    for entry, identifier in zip(statement.entries, fitids(statement), strict=True):
        yield from _transaction(entry, identifier, statement.decimals)
    yield "</BANKTRANLIST>"
    yield from ("<LEDGERBAL>", f"<BALAMT>{decimal_text(statement.closing, statement.decimals)}")
    yield from (f"<DTASOF>{statement.closing_date:%Y%m%d}", "</LEDGERBAL>", "</STMTRS>", "</STMTTRNRS>")


def _account(statement: Statement) -> Iterator[str]:
    yield "<BANKACCTFROM>"
    yield f"<BANKID>{_words(statement.bank)}"
    yield f"<BRANCHID>{_words(statement.branch)}"
    yield f"<ACCTID>{_words(statement.account)}"
    yield "<ACCTTYPE>CHECKING"
    with suppress(ValueError):  # an account written in other characters has no key; the element is optional
        yield f"<ACCTKEY>{rib_key(statement.bank, statement.branch, statement.account)}"
    yield "</BANKACCTFROM>"


def _transaction(entry: Entry, identifier: str, decimals: int) -> Iterator[str]:
    is_cheque = entry.interbank_code == _CHEQUE_PAID
    yield "<STMTTRN>"
    yield f"<TRNTYPE>{'CHECK' if is_cheque else 'CREDIT' if entry.amount >= 0 else 'DEBIT'}"
    yield f"<DTPOSTED>{entry.booking_date:%Y%m%d}"
    if entry.value_date:
        yield f"<DTAVAIL>{entry.value_date:%Y%m%d}"
    yield f"<TRNAMT>{decimal_text(entry.amount, decimals)}"
    yield f"<FITID>{identifier}"
    if is_cheque and entry.entry_number.strip("0 "):
        yield f"<CHECKNUM>{_words(entry.entry_number)}"
    if name := _words(entry.label, _NAME_WIDTH):
        yield f"<NAME>{name}"
    if memo := _words(" ".join(detail.text.strip() for detail in entry.details), _MEMO_WIDTH):
        yield f"<MEMO>{memo}"
    yield "</STMTTRN>"


def _words(text: str, width: int = _MEMO_WIDTH) -> str:
    """Cut first, then escape: a half entity would be no SGML."""
    kept = _CONTROL.sub(" ", text).strip()[:width].strip()
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> bytes:
    return text.encode("cp1252", "replace") + b"\r\n"
