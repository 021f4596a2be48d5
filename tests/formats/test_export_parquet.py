"""Parquet: the columns of the CSV, typed; amounts exact."""

from __future__ import annotations

import io
from decimal import Decimal

import pyarrow.parquet as pq

from sobank.domain.statement import Statement
from sobank.formats.parquet_export import SCHEMA, write_parquet
from tests.formats.export_statements import EMPTY, FULL, TWIN, statement


def rows(*statements: Statement) -> list[dict[str, object]]:
    out = io.BytesIO()
    write_parquet(statements, out)
    table = pq.read_table(io.BytesIO(out.getvalue()))
    assert table.schema.equals(SCHEMA)
    return table.to_pylist()


def test_each_entry_is_a_row_with_exact_amounts() -> None:
    found = rows(FULL)
    assert [row["amount"] for row in found] == [Decimal(t) for t in ("-45.90", "-25.01", "2.00", "2.00")]
    assert found[0]["details"] == ["LIBÉCHÉANCE DE MARS", "RUMRUM-00017", "ZZZqualifier of nobody", "LIBSUITE"]


def test_a_statement_without_movement_is_a_row_whose_entry_is_null() -> None:
    (row,) = rows(EMPTY)
    assert (row["opening"], row["amount"], row["label"]) == (Decimal("-12.34"), None, None)


def test_currencies_of_any_decimals_stand_in_one_column() -> None:
    found = rows(
        statement(TWIN, currency="JPY", decimals=0), statement(TWIN, currency="TND", decimals=3, opening=10**14 - 1000)
    )
    assert [row["amount"] for row in found] == [Decimal(200), Decimal("0.200")]
    assert found[1]["opening"] == Decimal("99999999999.000")


def test_no_statement_is_an_empty_table() -> None:
    assert rows() == []
