"""Sums of amounts over any number of rows, the same on both databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Whole(sa.types.TypeDecorator[int]):
    """A sum as Python counts, from PostgreSQL's numeric or from the halves that SQLite gives."""

    impl = sa.Text
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: sa.Dialect) -> int | None:
        if not isinstance(value, str):
            return None if value is None else int(value)
        high, low = map(int, value.split())
        return (high << 32) + low


class _ExactSum(FunctionElement[int]):
    type = _Whole()
    inherit_cache = True


def exact_sum(amount: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """Σ of a column of 64 bits without their bound, which a few absurd amounts reach; None where there is no row.

    SQLite's own sum ends in an error there, and the day of one cabinet's bank would be proved for nobody.
    """
    return _ExactSum(amount)


@compiles(_ExactSum)
def _numeric(element: _ExactSum, compiler: Any, **options: Any) -> str:
    return str(compiler.process(sa.func.sum(*element.clauses), **options))


@compiles(_ExactSum, "sqlite")
def _halves(element: _ExactSum, compiler: Any, **options: Any) -> str:
    """The high half keeps the sign, the low one is never negative: 2³¹ rows fit into the sum of either."""
    (amount,) = element.clauses
    high = sa.func.sum(amount.op(">>")(sa.literal_column("32")))
    low = sa.func.sum(amount.op("&")(sa.literal_column("4294967295")))
    return str(compiler.process(high.op("||")(sa.literal_column("' '")).op("||")(low), **options))
