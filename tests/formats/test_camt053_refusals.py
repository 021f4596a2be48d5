"""What of a CAMT.053 cannot be taken is counted with its reason, and stops nothing else (S1, S7)."""

from __future__ import annotations

import pytest

from sobank.formats.camt053_codes import REFUSALS
from tests.formats.camt053_documents import LYON, MONACO, PARIS, balance, document, entry, read, statement

GOOD = statement(iban=LYON)


def bare(*parts: str) -> str:
    return f"<Stmt>{''.join(parts)}</Stmt>"


ACCOUNT = f"<Acct><Id><IBAN>{PARIS}</IBAN></Id><Ccy>EUR</Ccy></Acct>"
OPENING, CLOSING = balance("OPBD", "0"), balance("CLBD", "0")


STATEMENTS = [
    ("foreign_account", statement(iban="DE89370400440532013000")),
    ("foreign_account", statement(entry(), iban="GB82WEST12345698765432")),
    ("bad_account", statement(iban=PARIS[:-1] + "8")),
    ("bad_account", statement(iban="FR00" + PARIS[4:])),
    ("no_account", bare(OPENING, CLOSING)),
    ("no_account", bare(OPENING, CLOSING, entry(), ACCOUNT)),
    ("no_opening_balance", bare(ACCOUNT, CLOSING)),
    ("no_closing_balance", bare(ACCOUNT, OPENING)),
    ("no_closing_balance", bare(ACCOUNT, OPENING, balance("CLBD", "0", currency="USD"))),
    ("ambiguous_balance", bare(ACCOUNT, OPENING, CLOSING, balance("CLBD", "1"))),
    ("bad_amount", bare(ACCOUNT, OPENING, balance("CLBD", "-1"))),
    ("bad_date", bare(ACCOUNT, OPENING, balance("CLBD", "0", "2026-02-30"))),
    ("bad_date", bare(ACCOUNT, OPENING, balance("CLBD", "0", "1926-02-03"))),
    ("bad_sign", bare(ACCOUNT, OPENING, balance("CLBD", "0", sign="HABEN"))),
    ("bad_currency", statement(currency="euro")),
    ("currency_not_carried", statement(currency="CLF")),
]


@pytest.mark.parametrize(("reason", "bad"), STATEMENTS)
def test_a_statement_that_cannot_be_taken_is_one_refused_record_and_the_next_one_is_read(reason: str, bad: str) -> None:
    found = read(document(bad, GOOD))
    assert found.reasons == [reason]
    assert [row["iban"] for row in found.statements] == [LYON]
    assert (found.counts.total, found.counts.parsed, found.counts.refused) == (3, 2, 1)


ENTRIES = [
    ("bad_amount", entry("1e2")),
    ("bad_amount", entry("")),
    ("bad_amount", entry("12,50")),
    ("bad_amount", entry("-1.00")),
    ("bad_amount", entry("٣")),
    ("too_many_decimals", entry("1.005")),
    ("amount_too_large", entry("1000000000000.00")),
    ("bad_sign", entry(sign="")),
    ("foreign_currency", entry(currency="USD")),
    ("bad_date", entry(day="2026-13-01")),
    ("bad_date", entry(extra="<ValDt><Dt>demain</Dt></ValDt>")),
    ("no_date", entry().replace("<BookgDt><Dt>2026-03-02</Dt></BookgDt>", "")),
]


@pytest.mark.parametrize(("reason", "bad"), ENTRIES)
def test_an_entry_that_cannot_be_taken_is_refused_and_its_statement_bears_the_error(reason: str, bad: str) -> None:
    found = read(document(statement(entry("2.00"), bad, entry("3.00"), closing="5.00")))
    assert found.reasons == [reason]
    assert [row["amount"] for row in found.entries] == [200, 300]
    assert reason in found.statements[0]["errors"].split()
    assert (found.counts.total, found.counts.parsed, found.counts.refused) == (5, 4, 1)
    assert found.refused[0]["record"] == 3


def test_an_entry_that_is_only_announced_is_refused_with_a_warning_as_the_balance_does_without_it() -> None:
    announced = entry("9.00").replace("BOOK", "PDNG")
    found = read(document(statement(entry("5.00"), announced, closing="5.00")))
    assert found.reasons == ["not_booked"]
    assert (found.statements[0]["warnings"], found.statements[0]["errors"]) == ("not_booked", "")
    assert found.statements[0]["balanced"]


def test_records_are_numbered_in_one_sequence_over_what_was_read_and_what_was_refused() -> None:
    bad = statement(iban="DE89370400440532013000")
    found = read(document(GOOD, bad, GOOD, statement(entry("x"), iban=PARIS), bad, GOOD))
    assert [(row["position"], row["first_record"]) for row in found.statements] == [(0, 1), (1, 4), (2, 6), (3, 10)]
    assert [row["record"] for row in found.refused] == [3, 7, 9]
    assert found.counts.total == found.counts.parsed + found.counts.refused == 11


def test_an_offset_points_at_the_refused_element() -> None:
    content = document(statement(entry("1.00"), entry("1.005"), closing="1.00"))
    offset = read(content).refused[0]["offset"]
    assert content[offset:].startswith(b"<Ntry><Amt Ccy='EUR'>1.005")


def test_a_document_without_statement_is_told_not_passed_over() -> None:
    assert read(document()).reasons == ["no_statement"]


def test_every_reason_that_is_given_is_explained() -> None:
    elsewhere = {"not_booked", "no_statement", "not_camt053", "does_not_fit", "too_large"}
    assert {reason for reason, _ in STATEMENTS + ENTRIES} | elsewhere == set(REFUSALS)


def test_a_statement_of_monaco_keeps_its_bban() -> None:
    assert read(document(statement(iban=MONACO))).statements[0]["bban"] == MONACO[4:]


def test_a_statement_given_twice_is_found_a_duplicate_across_the_file() -> None:
    moved = statement(entry("1.00"), closing="1.00")
    found = read(document(moved, GOOD, moved))
    assert [row["duplicate_of"] for row in found.statements] == [None, None, 0]


def test_identical_movements_stay_as_many_as_they_are() -> None:
    found = read(document(statement(*[entry("1.00")] * 3, closing="3.00")))
    assert found.statements[0]["n_entries"] == 3
    assert found.statements[0]["balanced"]


def test_a_wrong_balance_is_read_and_said_unbalanced() -> None:
    found = read(document(statement(entry("1.00"), closing="1.01")))
    assert not found.statements[0]["balanced"]


@pytest.mark.parametrize(
    ("currency", "text", "units", "decimals"),
    [("EUR", "1.5", 150, 2), ("EUR", "1.50000", 150, 2), ("JPY", "12.00", 12, 0), ("TND", "1.234", 1234, 3)],
)
def test_amounts_are_exact_in_the_minor_units_of_their_currency(
    currency: str, text: str, units: int, decimals: int
) -> None:
    found = read(document(statement(entry(text, currency=currency), closing=text, currency=currency)))
    assert (found.statements[0]["closing"], found.statements[0]["decimals"]) == (units, decimals)
    assert found.entries[0]["amount"] == units


def test_a_reversal_keeps_the_sign_that_the_account_saw() -> None:
    reversal = entry("4.00", sign="DBIT").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")
    assert read(document(statement(reversal))).entries[0]["amount"] == -400
