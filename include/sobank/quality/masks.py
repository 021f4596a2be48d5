"""The expectations a contract may use, each with the mask of the rows that fail it.

Great Expectations counts failing rows; these masks name them. Both are made from the same rule, and `judge` compares
their counts on every run: a difference is a broken check, never a verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One expectation of Great Expectations: which arguments it takes, and how a row fails it.

    columns: names of the arguments that name a column. integers, flags: optional arguments of those kinds.
    needs_one_of: at least one of these arguments must be given. mask: columns and arguments → True where a row fails.
    """

    columns: tuple[str, ...]
    mask: Callable[[Mapping[str, Column], Mapping[str, Any]], Mask]
    integers: tuple[str, ...] = ()
    integer_lists: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()


def _not_between(columns: Mapping[str, Column], kwargs: Mapping[str, Any]) -> Mask:
    values = columns[kwargs["column"]]
    failing = np.zeros(len(values), dtype=np.bool_)
    if "min_value" in kwargs:
        failing |= values < kwargs["min_value"]
    if "max_value" in kwargs:
        failing |= values > kwargs["max_value"]
    return failing


def _not_in_set(columns: Mapping[str, Column], kwargs: Mapping[str, Any]) -> Mask:
    return ~np.isin(columns[kwargs["column"]], np.array(kwargs["value_set"], dtype=np.int64))


def _not_equal(columns: Mapping[str, Column], kwargs: Mapping[str, Any]) -> Mask:
    failing: Mask = columns[kwargs["column_A"]] != columns[kwargs["column_B"]]
    return failing


def _not_greater(columns: Mapping[str, Column], kwargs: Mapping[str, Any]) -> Mask:
    left, right = columns[kwargs["column_A"]], columns[kwargs["column_B"]]
    failing: Mask = left < right if kwargs.get("or_equal") else left <= right
    return failing


#: The closed set: each is evaluated by Great Expectations as one whole-column map metric on a numeric frame.
CHECKS: Final[dict[str, Check]] = {
    "expect_column_values_to_be_between": Check(
        columns=("column",),
        integers=("min_value", "max_value"),
        needs_one_of=("min_value", "max_value"),
        mask=_not_between,
    ),
    "expect_column_values_to_be_in_set": Check(
        columns=("column",), integer_lists=("value_set",), needs_one_of=("value_set",), mask=_not_in_set
    ),
    "expect_column_pair_values_to_be_equal": Check(columns=("column_A", "column_B"), mask=_not_equal),
    "expect_column_pair_values_a_to_be_greater_than_b": Check(
        columns=("column_A", "column_B"), flags=("or_equal",), mask=_not_greater
    ),
}


def failing_rows(expectation: str, kwargs: Mapping[str, Any], columns: Mapping[str, Column]) -> Mask:
    """True where a row fails. `columns`: int64 arrays of one length, by name.

    Raises:
        KeyError: a column is missing, or the expectation is not one of CHECKS.
    """
    return CHECKS[expectation].mask(columns, kwargs)
