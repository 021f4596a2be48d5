"""One `Ntry` of a CAMT.053 → one entry with its complements (CFONB records 04 and 05)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from sobank.domain.statement import Detail, Entry
from sobank.formats.camt053_values import Untaken, bank_day, decimals_of, minor_units, pieces, plain
from sobank.formats.camt053_xml import Node

#: Namespace of the block in which our own writer keeps the CFONB zones that CAMT has no element for.
ZONES: Final = "urn:sobank:cfonb120"
#: Widths of the zones of record 04, by field of `Entry`.
WIDTHS: Final[dict[str, int]] = {
    "label": 31, "interbank_code": 2, "bank_code": 4, "reject_code": 2, "entry_number": 7, "exempt": 1,
    "unavailable": 1, "reference": 16,
}  # fmt: skip
_LABEL_WIDTH: Final = WIDTHS["label"]

#: (domain, family, sub-family) of ISO 20022 → French interbank code; `*` for any. Only where there is one plain answer.
_INTERBANK: Final[dict[tuple[str, str, str], str]] = {
    ("PMNT", "ICHQ", "CCHQ"): "01",  # cheque paid
    ("PMNT", "RCHQ", "CCHQ"): "02",  # cheques paid in
    ("PMNT", "RCDT", "*"): "05",  # transfer received
    ("PMNT", "ICDT", "*"): "06",  # transfer sent
    ("PMNT", "RDDT", "*"): "B1",  # SEPA direct debit paid
}
_CHARGES: Final = "62"
#: Party of a transaction → qualifiers of its name and of its identifier.
_PARTIES: Final = (
    ("Dbtr", "NPY", "IPY"),
    ("Cdtr", "NBE", "IBE"),
    ("UltmtDbtr", "NPO", "IPO"),
    ("UltmtCdtr", "NBU", "IBU"),
)
_ACCOUNTS: Final = (("DbtrAcct", "CPY"), ("CdtrAcct", "CBE"))
_LATIN = re.compile(r"[\x20-\xff]*")
_CODE = re.compile(r"[0-9A-Z]+", re.ASCII)


def booked(ntry: Node) -> bool:
    """Whether the entry counts in the closing balance: status BOOK (a plain word in version 02), or none said."""
    return (ntry.words("Sts", "Cd") or ntry.words("Sts")) in ("BOOK", "")


def read_entry(ntry: Node, currency: str) -> Entry:
    """The entry that `ntry` describes, in minor units of `currency`, credit positive.

    `RvslInd` does not turn the sign: ISO 20022 has `CdtDbtInd` say what happened to the account, reversals included.
    Zones kept by our own writer are taken as they are; otherwise they are made of what CAMT says.

    Raises:
        Untaken: `bad_amount`, `too_many_decimals`, `amount_too_large`, `foreign_currency`, `bad_sign`, `bad_date`.
    """
    amount = signed_amount(ntry, currency)
    value = _day(ntry, "ValDt")
    booking = _day(ntry, "BookgDt") or value
    if booking is None:
        raise Untaken("no_date")
    details = ntry.every("NtryDtls", "TxDtls")
    zones = ntry.first("NtryDtls", "TxDtls", "SplmtryData", "Envlp", f"{{{ZONES}}}Entry")
    if zones and _fit(zones):
        own = {name: zones.attributes.get(name, "") for name in WIDTHS}
        complements = tuple(Detail(qualifier=d.attributes.get("qualifier", ""), text=d.text) for d in zones.children)
    else:
        label, rest = _label(ntry, details, amount)
        own = _codes(ntry, details) | {"label": label}
        complements = (*_texts("LIB", rest), *(d for tx in details for d in _complements(tx, currency)))
    return Entry(amount=amount, booking_date=booking, value_date=value, details=complements, **own)


def signed_amount(node: Node, currency: str) -> int:
    """`Amt` with the sign of `CdtDbtInd`, of an entry or of a balance, in minor units.

    Raises:
        Untaken: as `read_entry`, dates apart.
    """
    amount = node.first("Amt")
    if amount is None:
        raise Untaken("bad_amount")
    if amount.attributes.get("Ccy", currency) != currency:
        raise Untaken("foreign_currency")
    units = minor_units(amount.text.strip(), decimals_of(currency))
    sign = {"CRDT": 1, "DBIT": -1}.get(node.words("CdtDbtInd"))
    if sign is None:
        raise Untaken("bad_sign")
    return sign * units


def day_of(node: Node) -> str:
    """The text of a date choice: `Dt`, or `DtTm`."""
    return node.words("Dt") or node.words("DtTm")


def _day(ntry: Node, name: str) -> date | None:
    node = ntry.first(name)
    return bank_day(day_of(node)) if node else None


def _fit(zones: Node) -> bool:
    """Whether zones said to be our writer's can be: nothing vouches for who wrote them."""
    texts = [(zones.attributes.get(name, ""), width) for name, width in WIDTHS.items()]
    for detail in zones.children:
        qualifier = detail.attributes.get("qualifier", "")
        texts += [(qualifier, 3), (detail.text, 70 if qualifier.strip() else 78)]  # the old layout has 78
    return all(len(text) <= width and _LATIN.fullmatch(text) for text, width in texts)


def _label(ntry: Node, details: list[Node], amount: int) -> tuple[str, str]:
    """(label of at most 31 characters, what did not fit and is told nowhere else)."""
    wording = plain(ntry.words("AddtlNtryInf"))
    if wording:
        head = pieces(wording, _LABEL_WIDTH)[0]
        return head, wording[len(head) :].strip()
    first = details[0] if details else Node("", {})
    party = "Dbtr" if amount > 0 else "Cdtr"
    for text in (first.words("AddtlTxInf"), _remittance(first), _name(first, party)):
        if plain(text):
            return pieces(plain(text), _LABEL_WIDTH)[0], ""
    return "", ""


def _codes(ntry: Node, details: list[Node]) -> dict[str, str]:
    interbank, own = _operation(ntry)
    references = (
        ntry.words("NtryRef"),
        ntry.words("AcctSvcrRef"),
        *(tx.words("Refs", "AcctSvcrRef") for tx in details[:1]),
    )
    cheque = next((tx.words("Refs", "ChqNb") for tx in details[:1]), "")
    return {
        "interbank_code": interbank,
        "bank_code": own,
        "entry_number": cheque
        if cheque.isascii() and cheque.isdigit() and len(cheque) <= WIDTHS["entry_number"]
        else "",
        "reference": next((plain(r) for r in references if 0 < len(plain(r)) <= WIDTHS["reference"]), ""),
    }


def _operation(ntry: Node) -> tuple[str, str]:
    """(interbank code, bank's own code): the proprietary code as it came where it fits, else the table above."""
    code = ntry.first("BkTxCd") or Node("", {})
    proprietary = code.words("Prtry", "Cd")
    if _CODE.fullmatch(proprietary) and len(proprietary) == 2:
        return proprietary, ""
    own = proprietary if _CODE.fullmatch(proprietary) and len(proprietary) <= WIDTHS["bank_code"] else ""
    domain, family = code.words("Domn", "Cd"), code.words("Domn", "Fmly", "Cd")
    sub = code.words("Domn", "Fmly", "SubFmlyCd")
    if sub == "CHRG":
        return _CHARGES, own
    return _INTERBANK.get((domain, family, sub)) or _INTERBANK.get((domain, family, "*"), ""), own


def _complements(tx: Node, currency: str) -> Iterator[Detail]:
    """What one transaction says, in the order of the qualifiers below; each cut into records of 70 characters."""
    parties = tx.first("RltdPties") or Node("", {})
    for party, name, identifier in _PARTIES:
        yield from _texts(name, _name(tx, party))
        yield from _texts(identifier, _identifier(parties, party))
    for account, qualifier in _ACCOUNTS:
        identity = parties.first(account, "Id") or Node("", {})
        yield from _texts(qualifier, identity.words("IBAN") or identity.words("Othr", "Id"))
    yield from _references(tx)
    remittance = pieces(plain(_remittance(tx)))
    yield from (Detail(qualifier=q, text=t) for q, t in zip(("LCC", "LC2"), remittance, strict=False))
    yield from (Detail(qualifier="LIB", text=t) for t in remittance[2:])
    for node in tx.every("RmtInf", "Strd", "CdtrRefInf", "Ref"):
        yield from _texts("LCS", node.text)
    yield from _texts("LIB", tx.words("AddtlTxInf"))
    yield from _texts("LIB", tx.words("RtrInf", "Rsn", "Cd"))
    yield from _amounts(tx, currency)


def _references(tx: Node) -> Iterator[Detail]:
    end_to_end = tx.words("Refs", "EndToEndId").replace("NOTPROVIDED", "")
    purpose = tx.words("Purp", "Cd")
    if end_to_end or purpose:  # two zones of 35 in one record
        yield from (
            Detail(qualifier="RCN", text=t) for t in [f"{plain(end_to_end)[:35]:<35}{plain(purpose)[:35]}".rstrip()]
        )
    yield from _texts("RUM", tx.words("Refs", "MndtId"))
    yield from _texts("REF", tx.words("Refs", "AcctSvcrRef") or tx.words("Refs", "TxId"))


def _amounts(tx: Node, currency: str) -> Iterator[Detail]:
    """MMO (amount in the currency of origin) and FEE: currency 3, decimals 1, amount 14."""
    fees = [fee for charges in tx.every("Chrgs") for fee in (charges.every("Rcrd") or [charges])]
    for qualifier, nodes in (("MMO", tx.every("AmtDtls", "InstdAmt")), ("FEE", fees)):
        for amount in (found for node in nodes if (found := node.first("Amt"))):
            code = amount.attributes.get("Ccy", "")
            if qualifier == "MMO" and code == currency:
                continue
            try:
                decimals = decimals_of(code)
                text = f"{code}{decimals}{minor_units(amount.text.strip(), decimals):014d}"
            except Untaken:
                text = plain(f"{code} {amount.text}")  # kept as it came: it is told, never counted
            yield from _texts(qualifier, text)


def _remittance(tx: Node) -> str:
    return " ".join(node.text.strip() for node in tx.every("RmtInf", "Ustrd"))


def _name(tx: Node, party: str) -> str:
    """Version 08 puts a party one level deeper than version 02."""
    return tx.words("RltdPties", party, "Pty", "Nm") or tx.words("RltdPties", party, "Nm")


def _identifier(parties: Node, party: str) -> str:
    for path in ((party, "Pty", "Id"), (party, "Id")):
        for kind in ("OrgId", "PrvtId"):
            if found := parties.words(*path, kind, "Othr", "Id"):
                return found
    return ""


def _texts(qualifier: str, text: str) -> Iterator[Detail]:
    if text:
        yield from (Detail(qualifier=qualifier, text=piece) for piece in pieces(plain(text)))
