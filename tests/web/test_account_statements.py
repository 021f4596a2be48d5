"""One statement with its movements, and the specific download of an account (A11)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from sobank.store import schema
from tests.builders import file_of, iban_of, named, statement
from tests.web.site import COLLABORATEUR, DAY, STRANGER, SUPERVISEUR, Site

FORMATS = ["cfonb120", "csv", "csv-excel", "ofx", "camt053", "parquet"]
SCRIPT, IMAGE = "<script>alert(1)</script>", '"><img src=x onerror=a(1)>'
LEDGER = (schema.batches, schema.allocations, schema.attempts, schema.statements, schema.quarantine)


def statement_id(site: Site, n: int) -> int:
    """The newest statement of the n-th account."""
    c = schema.statements.c
    with site.house.database.read() as connection:
        query = sa.select(sa.func.max(c.id)).where(c.account_id == site.account(n))
        return int(connection.execute(query).scalar_one())


def take(site: Site, n: int, user: str = COLLABORATEUR, **fields: Any) -> httpx.Response:
    """Ask for a copy of the n-th account."""
    return site.as_(user).post(f"/accounts/{site.account(n)}/download", data={"form": "cfonb120"} | fields)


def rows_of(site: Site, *tables: sa.Table) -> list[Any]:
    """Everything in some tables."""
    with site.house.database.read() as connection:
        return [tuple(row) for table in tables for row in connection.execute(sa.select(table))]


def downloads(site: Site) -> list[Any]:
    """Audit events of copies."""
    c = schema.audit_events.c
    with site.house.database.read() as connection:
        return list(connection.execute(sa.select(schema.audit_events).where(c.action == "account.download")))


def test_a_statement_shows_its_balances_its_movements_and_the_file_it_came_in(delivered: Site) -> None:
    path = f"/accounts/{delivered.account(1)}/statements/{statement_id(delivered, 1)}"
    shown = delivered.as_(COLLABORATEUR).get(path).text
    for part in (
        "1\u202f000,00\u00a0€",
        "1\u202f103,45\u00a0€",
        "−20,00\u00a0€",
        "123,45\u00a0€",
        "VIR SEPA",
        named(DAY),
    ):
        assert part in shown
    assert "<dt>Enregistrements canoniques</dt><dd>4</dd>" in shown


def test_labels_with_markup_are_inert(delivered: Site) -> None:
    next_day = DAY + timedelta(days=1)
    told = [statement(n, next_day, 1, opening=1, label=label) for n, label in ((1, SCRIPT), (2, IMAGE))]
    delivered.house.take_in(file_of(*told), name=named(next_day, 2))
    for n, label in ((1, SCRIPT), (2, IMAGE)):
        path = f"/accounts/{delivered.account(n)}/statements/{statement_id(delivered, n)}"
        shown = delivered.as_(COLLABORATEUR).get(path).text
        assert label not in shown
        assert "<img" not in shown
        assert label.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in shown


def test_a_statement_out_of_balance_says_by_how_much(delivered: Site) -> None:
    shown = delivered.as_(SUPERVISEUR).get(f"/accounts/{delivered.account(6)}/statements/{statement_id(delivered, 6)}")
    assert "écart de −4,99\u00a0€" in shown.text


def test_a_statement_is_found_under_its_own_account_alone(delivered: Site) -> None:
    one, other = statement_id(delivered, 1), statement_id(delivered, 2)
    client, account = delivered.as_(SUPERVISEUR), delivered.account(1)
    assert client.get(f"/accounts/{account}/statements/{one}").status_code == 200
    foreign, nothing = (client.get(f"/accounts/{account}/statements/{n}") for n in (other, 999_999))
    assert foreign.status_code == nothing.status_code == 404
    assert foreign.text.replace(str(other), "") == nothing.text.replace("999999", "")
    assert client.get(f"/accounts/{account}/statements/{statement_id(delivered, 11)}").status_code == 404


def test_many_movements_are_shown_a_hundred_at_a_time(site: Site) -> None:
    site.house.take_in(file_of(statement(1, DAY, *range(1, 104))), name=named(DAY))
    path = f"/accounts/{site.account(1)}/statements/{statement_id(site, 1)}"
    first, second, none = (site.as_(SUPERVISEUR).get(f"{path}?page={n}").text for n in (1, 2, 3))
    assert (first.count("VIR SEPA"), second.count("VIR SEPA"), none.count("VIR SEPA")) == (100, 3, 0)


@pytest.mark.parametrize("n", [1, 2, 3], ids=["associated", "without connector", "mandate not approved"])
def test_a_copy_holds_the_statements_associated_or_not_and_changes_nothing_but_the_audit_trail(
    delivered: Site, n: int
) -> None:
    before = rows_of(delivered, *LEDGER)
    taken = take(delivered, n)
    assert taken.status_code == 200
    assert taken.content == file_of(statement(n, DAY, 12_345, -2_000, opening=100_000), terminator=b"\r\n")
    assert taken.headers["content-disposition"] == f'attachment; filename="releves-{iban_of(n)[-4:]}.txt"'
    assert rows_of(delivered, *LEDGER) == before
    assert [(e.actor, e.role, e.after) for e in downloads(delivered)] == [
        (COLLABORATEUR, "collaborateur", {"format": "cfonb120", "from": None, "to": None})
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_be_taken(delivered: Site, form: str) -> None:
    taken = take(delivered, 1, form=form, first=f"{DAY}", last=f"{DAY}")
    assert taken.status_code == 200
    assert f"-{DAY:%Y%m%d}-{DAY:%Y%m%d}." in taken.headers["content-disposition"]
    if form == "csv":
        assert [row["label"] for row in csv.DictReader(io.StringIO(taken.text))] == ["VIR SEPA"] * 2
    if form == "parquet":
        assert pq.read_table(io.BytesIO(taken.content)).num_rows == 2
    assert {"ofx": b"<STMTTRN>", "camt053": b"<BkToCstmrStmt>"}.get(form, b"") in taken.content


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"first": f"{DAY + timedelta(days=1)}"}, "Aucun relevé de ce compte sur cette période."),
        ({"first": "2026-03-02", "last": "2026-03-01"}, "La période finit avant de commencer."),
        ({"form": "exe"}, "Choisissez un format."),
        ({"form": ""}, "Choisissez un format."),
    ],
)
def test_a_copy_of_nothing_is_no_file_and_no_event(delivered: Site, fields: dict[str, str], said: str) -> None:
    refused = take(delivered, 1, **fields)
    assert refused.status_code == 422
    assert said in refused.text
    assert not downloads(delivered)


@pytest.mark.parametrize("form", FORMATS)
def test_days_without_a_statement_are_told_the_same_in_every_format(delivered: Site, form: str) -> None:
    after = f"{DAY + timedelta(days=1)}"
    page = take(delivered, 1, form=form, first=after)
    assert page.status_code == 422
    assert "Aucun relevé de ce compte sur cette période." in page.text
    path = f"/api/v1/accounts/{delivered.account(1)}/copy"
    answer = delivered.as_(COLLABORATEUR).post(path, json={"form": form, "first": after})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert not downloads(delivered)


def test_a_copy_is_of_the_account_of_the_page_and_not_of_the_same_iban_in_another_currency(delivered: Site) -> None:
    one, two = delivered.account(1), delivered.account(2)
    a, s = schema.accounts, schema.statements
    with delivered.house.database.write() as connection:
        row = dict(connection.execute(sa.select(a).where(a.c.id == two)).one()._mapping) | {
            "id": 900,
            "currency": "USD",
        }
        connection.execute(sa.insert(a), [row])
        connection.execute(sa.update(s).where(s.c.account_id == one).values(account_id=900))
    client, form = delivered.as_(COLLABORATEUR), {"form": "cfonb120"}
    euros, dollars = (client.post(f"/accounts/{n}/download", data=form).content for n in (two, 900))
    assert (euros.count(b"\r\n"), dollars.count(b"\r\n")) == (4, 4)
    assert euros != dollars


def test_who_is_no_member_takes_no_copy(delivered: Site) -> None:
    assert take(delivered, 1, STRANGER).status_code == 404
    assert not downloads(delivered)
