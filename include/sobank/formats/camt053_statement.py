"""One `Stmt` of a CAMT.053, put together as its parts arrive, into the canonical records of CFONB 120 (S14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sobank.domain.statement import Entry, Statement
from sobank.formats.camt053_entry import booked, day_of, read_entry, signed_amount
from sobank.formats.camt053_values import Untaken, bank_day, decimals_of, french_account
from sobank.formats.camt053_xml import Node
from sobank.formats.cfonb120_write import render

_RECORD: Final = 120
_TOGETHER: Final = 64
#: More than the balances of an account in every currency.
_MOST_BALANCES: Final = 500
#: The two balances of a period, each by the codes that may carry it, the better one first.
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)
#: Stands in records that are cut away: an entry is rendered between two balances that nobody will read.
_ANY_DAY: Final = date(2000, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedEntry:
    """An entry that could not be taken: how many records of its statement stood before it, where it began, and why."""

    after: int
    offset: int
    reason: str


class Assembly:
    """A statement while it is read. Entries are rendered a few at a time, so that only its records are held."""

    def __init__(self, offset: int, most_records: int) -> None:
        self.offset = offset
        self._most_records = most_records
        self.refused: list[RefusedEntry] = []
        self._account: Node | None = None
        self._balances: list[Node] = []
        self._waiting: list[tuple[Entry, int]] = []
        self._entries = bytearray()
        self._frame: Statement | None = None
        self._failure: Untaken | None = None

    def add(self, part: Node, offset: int) -> None:
        """Take an Acct, a Bal or a Ntry; what cannot be taken is remembered, never raised (S7)."""
        if part.tag == "Acct":
            self._account = part
        elif part.tag == "Bal":
            self._add_balance(part)
        elif self._failure is None:
            self._add_entry(part, offset)

    def _add_balance(self, balance: Node) -> None:
        if balance.words("Tp", "CdOrPrtry", "Cd") in (*_OPENING, *_CLOSING):
            self._balances.append(balance)
        if len(self._balances) > _MOST_BALANCES:
            self._fail(Untaken("ambiguous_balance"))

    def _fail(self, failure: Untaken) -> None:
        """The statement, whole, is not taken: what was held of it is let go."""
        self._failure = failure
        self._waiting, self._balances, self._entries, self.refused = [], [], bytearray(), []

    def records(self) -> bytes:
        """The canonical records of the whole statement, 120 bytes each.

        Raises:
            Untaken: `no_account`, `foreign_account`, `bad_account`, `no_opening_balance`, `no_closing_balance`,
                `ambiguous_balance`, `too_large`, `bad_amount`, `bad_date`, `bad_currency`…; nothing of it is kept.
        """
        if self._failure:
            raise self._failure
        frame = self._framed()
        self._flush(frame)
        opening, opening_date = self._balance(_OPENING, frame.currency, "no_opening_balance")
        closing, closing_date = self._balance(_CLOSING, frame.currency, "no_closing_balance")
        outer = _rendered(
            replace(frame, opening=opening, opening_date=opening_date, closing=closing, closing_date=closing_date)
        )
        return b"".join((outer[:_RECORD], self._entries, outer[_RECORD:]))

    def _add_entry(self, ntry: Node, offset: int) -> None:
        try:
            frame = self._framed(ntry)
        except Untaken as failure:
            self._fail(failure)
            return
        try:
            self._waiting.append((_entry(ntry, frame.currency), offset))
        except Untaken as refusal:
            self._flush(frame)
            self._refuse(refusal, offset)
        if len(self._waiting) == _TOGETHER:
            self._flush(frame)
        if len(self._entries) // _RECORD + len(self.refused) > self._most_records:
            self._fail(Untaken("too_large"))

    def _flush(self, frame: Statement) -> None:
        """Render the waiting entries at once; where one does not fit, each by itself, to refuse that one alone."""
        waiting, self._waiting = self._waiting, []
        try:
            self._entries += _between(replace(frame, entries=tuple(entry for entry, _ in waiting)))
        except Untaken:
            for entry, offset in waiting:
                try:
                    self._entries += _between(replace(frame, entries=(entry,)))
                except Untaken as refusal:
                    self._refuse(refusal, offset)

    def _refuse(self, refusal: Untaken, offset: int) -> None:
        after = 1 + len(self._entries) // _RECORD
        self.refused.append(RefusedEntry(after=after, offset=offset, reason=refusal.reason))

    def _framed(self, ntry: Node | None = None) -> Statement:
        """Account and currency, settled at the first entry: everything that says them comes before it."""
        if self._frame is None:
            if self._account is None:
                raise Untaken("no_account")
            identity = self._account.first("Id") or Node("", {})
            bank, branch, account = french_account(identity.words("IBAN") or identity.words("Othr", "Id"))
            currency = self._currency(ntry)
            self._frame = Statement(
                bank=bank,
                branch=branch,
                account=account,
                currency=currency,
                decimals=decimals_of(currency),
                opening_date=_ANY_DAY,
                opening=0,
                closing_date=_ANY_DAY,
                closing=0,
            )
        return self._frame

    def _currency(self, ntry: Node | None) -> str:
        said = self._account.words("Ccy") if self._account else ""
        amounts = [node.first("Amt") for node in (*self._balances, *([ntry] if ntry else []))]
        return said or next((a.attributes["Ccy"] for a in amounts if a and "Ccy" in a.attributes), "")

    def _balance(self, codes: tuple[str, ...], currency: str, absent: str) -> tuple[int, date]:
        for code in codes:
            found = [b for b in self._balances if b.words("Tp", "CdOrPrtry", "Cd") == code and _in(b, currency)]
            said = {(signed_amount(b, currency), bank_day(day_of(b.first("Dt") or Node("", {})))) for b in found}
            if len(said) > 1:
                raise Untaken("ambiguous_balance")
            if said:
                return said.pop()
        raise Untaken(absent)


def _in(balance: Node, currency: str) -> bool:
    amount = balance.first("Amt")
    return amount is None or amount.attributes.get("Ccy", currency) == currency


def _entry(ntry: Node, currency: str) -> Entry:
    if not booked(ntry):
        raise Untaken("not_booked")
    return read_entry(ntry, currency)


def _between(statement: Statement) -> bytes:
    """The records of the entries alone."""
    return _rendered(statement)[_RECORD:-_RECORD]


def _rendered(statement: Statement) -> bytes:
    try:
        return render(statement)
    except ValueError as error:
        raise Untaken("does_not_fit") from error
