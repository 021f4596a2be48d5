"""Statements for the tests of writers: a few with known content, and a strategy of any that CFONB can carry."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from sobank.domain.statement import Detail, Entry, Statement

DAY = date(2026, 3, 2)
PRLV = Entry(
    amount=-4590,
    booking_date=DAY,
    value_date=date(2026, 3, 3),
    label="PRLV SEPA ENERGIE & CIE",
    interbank_code="B1",
    bank_code="0042",
    reference="REF-17",
    details=(
        Detail(qualifier="LIB", text="ÉCHÉANCE DE MARS"),
        Detail(qualifier="RUM", text="RUM-00017"),
        Detail(qualifier="ZZZ", text="qualifier of nobody"),
        Detail(qualifier="LIB", text="SUITE"),
    ),
)
CHEQUE = Entry(
    amount=-2501, booking_date=DAY, value_date=None, label="CHEQUE", interbank_code="01", entry_number="0000123"
)
TWIN = Entry(amount=200, booking_date=DAY, value_date=DAY, label="ABONNEMENT <1>")


def statement(*entries: Entry, opening: int = 100_000, decimals: int = 2, currency: str = "EUR") -> Statement:
    """A balanced statement of one known account."""
    return Statement(
        bank="30004",
        branch="00001",
        account="00000123456",
        currency=currency,
        decimals=decimals,
        opening_date=date(2026, 3, 1),
        opening=opening,
        closing_date=DAY,
        closing=opening + sum(entry.amount for entry in entries),
        entries=entries,
    )


FULL = statement(PRLV, CHEQUE, TWIN, TWIN)
EMPTY = statement(opening=-1234)

DAYS = st.dates(date(1970, 1, 1), date(2069, 12, 31))
AMOUNTS = st.integers(-(10**13), 10**13)  # a few of them still fit in the fourteen digits of a balance


def texts(width: int) -> st.SearchStrategy[str]:
    """ISO-8859-1 words as a zone gives them back: printable, no blank at the right."""
    characters = st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_categories=("Cc",))
    return st.text(characters, max_size=width).map(lambda text: text.rstrip(" "))


QUALIFIERS = st.sampled_from(["LIB", "REF", "RCN", "RUM", "NPY", "NBE", "LCC", "LC2", "ZZ9"])
DETAILS = st.builds(Detail, qualifier=QUALIFIERS, text=texts(70))
ENTRIES = st.builds(
    Entry,
    amount=AMOUNTS,
    booking_date=DAYS,
    value_date=st.none() | DAYS,
    label=texts(31),
    interbank_code=st.sampled_from(["", "05", "B1"]),
    bank_code=texts(4),
    reject_code=texts(2),
    entry_number=texts(7),
    exempt=st.sampled_from(["", "0", "1"]),
    unavailable=st.sampled_from(["", "1"]),
    reference=texts(16),
    details=st.lists(DETAILS, max_size=4).map(tuple),
)


@st.composite
def sound_statements(draw: st.DrawFn) -> Statement:
    """Any statement without an error: balanced, its dates in order."""
    first, last = sorted(draw(st.tuples(DAYS, DAYS)))
    opening, entries = draw(AMOUNTS), tuple(draw(st.lists(ENTRIES, max_size=4)))
    return Statement(
        bank=draw(st.from_regex(r"[0-9]{5}", fullmatch=True)),
        branch=draw(st.from_regex(r"[0-9]{5}", fullmatch=True)),
        account=draw(st.from_regex(r"[0-9A-Z]{11}", fullmatch=True)),
        currency="EUR",
        decimals=2,
        opening_date=first,
        opening=opening,
        closing_date=last,
        closing=opening + sum(entry.amount for entry in entries),
        entries=entries,
    )


STATEMENTS = sound_statements()
