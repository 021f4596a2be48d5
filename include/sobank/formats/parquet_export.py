"""Parquet, one row an entry, same columns as the CSV; amounts are decimals, exact, in units of the currency."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from sobank.domain.money import MAX_DECIMALS
from sobank.domain.statement import Statement
from sobank.formats.export_rows import COLUMNS, Row, rows_of

_MONEY = pa.decimal128(18, MAX_DECIMALS)
_TYPES: Final = {
    "decimals": pa.int8(),
    "opening_date": pa.date32(),
    "closing_date": pa.date32(),
    "booking_date": pa.date32(),
    "value_date": pa.date32(),
    "opening": _MONEY,
    "closing": _MONEY,
    "amount": _MONEY,
    "details": pa.list_(pa.string()),
}
#: One scale for every currency, so that a column is one type: 12.34 EUR is 12.340, 12 JPY is 12.000.
SCHEMA: Final = pa.schema([pa.field(name, _TYPES.get(name, pa.string())) for name in COLUMNS])
_ROWS_A_GROUP: Final = 50_000


def write_parquet(statements: Iterable[Statement], out: BinaryIO) -> None:
    """Write `SCHEMA`, zstd, in row groups of bounded size; a statement without entries is a row whose entry is null."""
    rows = (row for statement in statements for row in rows_of(statement))
    with pq.ParquetWriter(out, SCHEMA, compression="zstd") as sheet:
        for group in _groups(rows):
            columns = {name: [_cell(row, name) for row in group] for name in COLUMNS}
            sheet.write_table(pa.Table.from_pydict(columns, schema=SCHEMA))


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, _ROWS_A_GROUP)):
        yield group


def _cell(row: Row, name: str) -> Any:
    content = getattr(row, name)
    if _TYPES.get(name) is _MONEY and content is not None:
        return Decimal(content).scaleb(-row.decimals)
    return content
