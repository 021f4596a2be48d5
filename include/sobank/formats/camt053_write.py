"""CAMT.053.001.08, written from statements so that reading it back gives them again.

ISO elements say what they can. What CFONB has and CAMT has no element for (the order of complements, unknown
qualifiers, one-letter flags) stands once more in `SplmtryData`, the place the standard keeps for that; our reader
prefers it, others pass over it. Only a currency written with other decimals than ISO 4217's does not come back as it
was: CAMT has units, and 12 EUR of 0 decimals is 12.00 EUR.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain
from typing import BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from sobank.domain.money import decimal_text
from sobank.domain.statement import Entry, Statement
from sobank.formats.camt053_entry import WIDTHS, ZONES
from sobank.formats.camt053_xml import NAMESPACE
from sobank.formats.export_rows import iban_of

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\t\n\r]")
_PARTIES: Final = (("Dbtr", "NPY"), ("UltmtDbtr", "NPO"), ("Cdtr", "NBE"), ("UltmtCdtr", "NBU"))


def write_camt053(statements: Iterable[Statement], out: BinaryIO) -> None:
    """Write one document, UTF-8, a statement at a time; the dates in its header are those of its first statement (D9).

    Raises:
        ValueError: no statement: the standard has no document without one.
    """
    sequence = iter(statements)
    first = next(sequence, None)
    if first is None:
        raise ValueError("a CAMT.053 document needs at least one statement")
    header = _element("GrpHdr", _leaf("MsgId", _identifier(first)), _leaf("CreDtTm", _midnight(first.closing_date)))
    document = f'<Document xmlns="{NAMESPACE}08">\n<BkToCstmrStmt>\n{header}\n'
    out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n' + document.encode("utf-8", "replace"))
    for statement in chain([first], sequence):
        for line in _statement(statement):
            out.write(line.encode("utf-8", "replace") + b"\n")
    out.write(b"</BkToCstmrStmt>\n</Document>\n")


def _statement(statement: Statement) -> Iterator[str]:
    iban = iban_of(statement)
    identity = _leaf("IBAN", iban) if len(iban) == 27 else _element("Othr", _leaf("Id", iban))
    yield "<Stmt>"
    yield _leaf("Id", _identifier(statement))
    yield _leaf("CreDtTm", _midnight(statement.closing_date))
    yield _element("Acct", _element("Id", identity), _leaf("Ccy", statement.currency))
    yield _balance("OPBD", statement.opening, statement.opening_date, statement)
    yield _balance("CLBD", statement.closing, statement.closing_date, statement)
    for entry in statement.entries:
        yield _entry(entry, statement)
    yield "</Stmt>"


def _balance(code: str, amount: int, day: date, statement: Statement) -> str:
    kind = _element("Tp", _element("CdOrPrtry", _leaf("Cd", code)))
    return _element("Bal", kind, _amount(amount, statement), _element("Dt", _leaf("Dt", day.isoformat())))


def _entry(entry: Entry, statement: Statement) -> str:
    amount = _amount(entry.amount, statement)
    return _element(
        "Ntry",
        _leaf("NtryRef", entry.reference.strip()),
        amount,
        _element("Sts", _leaf("Cd", "BOOK")),
        _element("BookgDt", _leaf("Dt", entry.booking_date.isoformat())),
        _element("ValDt", _leaf("Dt", entry.value_date.isoformat())) if entry.value_date else "",
        _element("BkTxCd", _element("Prtry", _leaf("Cd", entry.interbank_code.strip() or "NOTPROVIDED"))),
        _element("NtryDtls", _element("TxDtls", *_transaction(entry, amount))),
        _leaf("AddtlNtryInf", entry.label.strip()),
    )


def _transaction(entry: Entry, amount: str) -> Iterator[str]:
    """In the order of the standard's `EntryTransaction10`."""
    texts: dict[str, list[str]] = {}
    for detail in entry.details:
        texts.setdefault(detail.qualifier, []).append(detail.text.strip())
    said = {qualifier: " ".join(parts) for qualifier, parts in texts.items()}
    yield _element(
        "Refs",
        _leaf("AcctSvcrRef", said.get("REF", "")[:35]),
        _leaf("EndToEndId", texts.get("RCN", [""])[0][:35].strip()),
        _leaf("MndtId", texts.get("RUM", [""])[0][:35].strip()),
    )
    yield amount
    parties = ((party, _leaf("Nm", said.get(qualifier, "")[:140])) for party, qualifier in _PARTIES)
    yield _element("RltdPties", *(_element(party, _element("Pty", name)) for party, name in parties))
    motive = " ".join(texts.get("LCC", []) + texts.get("LC2", []))
    yield _element("RmtInf", *(_leaf("Ustrd", motive[at : at + 140]) for at in range(0, len(motive), 140)))
    yield _leaf("AddtlTxInf", said.get("LIB", "")[:500])
    yield _element("SplmtryData", _element("Envlp", _zones(entry)))


def _zones(entry: Entry) -> str:
    attributes = "".join(f" {name}={quoteattr(_xml(text))}" for name in WIDTHS if (text := getattr(entry, name)))
    details = "".join(
        f"<Detail qualifier={quoteattr(_xml(detail.qualifier))}>{escape(_xml(detail.text))}</Detail>"
        for detail in entry.details
    )
    return f'<Entry xmlns="{ZONES}"{attributes}>{details}</Entry>'


def _amount(amount: int, statement: Statement) -> str:
    units = decimal_text(abs(amount), statement.decimals)
    sign = "DBIT" if amount < 0 else "CRDT"
    return f"<Amt Ccy={quoteattr(_xml(statement.currency))}>{units}</Amt>{_leaf('CdtDbtInd', sign)}"


def _identifier(statement: Statement) -> str:
    """35 characters at most, from content alone (D9)."""
    content = hashlib.sha256(repr(statement).encode()).hexdigest()
    return f"{statement.closing_date:%Y%m%d}-{content[:26]}"


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00"


def _element(name: str, *children: str) -> str:
    """An element around its children; nothing where it would be empty."""
    content = "".join(children)
    return f"<{name}>{content}</{name}>" if content else ""


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{escape(_xml(text))}</{name}>" if text else ""


def _xml(text: str) -> str:
    """Characters that XML cannot hold, and ends of line, become spaces: a record has neither."""
    return _NOT_XML.sub(" ", text)
