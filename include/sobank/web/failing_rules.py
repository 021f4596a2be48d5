"""Which rules of the data contracts one statement fails, with the figures and the movements that fail them.

A run counts and names failing statements, not what fails in them: for one statement it is found again here, with the
same frames and the same masks, so that the page and the verdict cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sobank.errors import CheckBroken
from sobank.quality.contract import Contract, Rule, Severity, load_all
from sobank.quality.frames import ENTRIES, ENTRY_FRAME, STATEMENT_FRAME, STATEMENTS, Columns, narrow
from sobank.quality.masks import CHECKS, failing_rows
from sobank.store.statement_sheet import MOST_ENTRIES, StatementSheet
from sobank.web.rule_words import COLUMNS, Kind

_EPOCH: Final = date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number that a rule looks at: its French name, its kind, its value. value: a day of kind `day` is a date."""

    name: str
    kind: Kind
    value: int | date


@dataclass(frozen=True, kw_only=True, slots=True)
class FailingRule:
    """A rule that a statement fails: what it found and what it wanted.

    figures: of the statement; none of a rule on movements. entries: seq of each movement that fails, with its figures.
    least, most: bounds, None where there is none; allowed: the only values.
    """

    code: str
    french: str
    english: str
    error: bool
    figures: tuple[Figure, ...]
    entries: Mapping[int, tuple[Figure, ...]]
    least: Figure | None
    most: Figure | None
    allowed: tuple[int, ...]


def failing_rules(sheet: StatementSheet, contracts: Path) -> tuple[FailingRule, ...] | None:
    """The rules it fails, errors first; None where that cannot be told: not all of its movements were read.

    Raises:
        ContractInvalid: a contract of the folder cannot be carried out.
    """
    if len(sheet.entries) == MOST_ENTRIES < sheet.n_entries:
        return None
    try:
        columns = narrow({STATEMENTS: _statement_frame(sheet), ENTRIES: _entry_frame(sheet)})
    except (CheckBroken, pa.ArrowInvalid, OverflowError):
        return None
    known = _contracts(contracts)
    found = [
        _failing(rule, columns[name], of_entries=name == ENTRIES)
        for name in (STATEMENTS, ENTRIES)
        if name in known
        for rule in known[name].rules
    ]
    return tuple(sorted((one for one in found if one), key=lambda one: not one.error))


@cache
def _contracts(folder: Path) -> dict[str, Contract]:
    return load_all(folder)


def _failing(rule: Rule, columns: Columns, *, of_entries: bool) -> FailingRule | None:
    mask = failing_rows(rule.expectation, rule.kwargs, columns)
    if not mask.any():
        return None
    names = [rule.kwargs[key] for key in CHECKS[rule.expectation].columns]
    rows = [int(row) for row in np.flatnonzero(mask)]
    if of_entries:
        entries = {int(columns["seq"][row]): tuple(_figure(name, columns[name][row]) for name in names) for row in rows}
        figures: tuple[Figure, ...] = ()
    else:
        entries, figures = {}, tuple(_figure(name, columns[name][0]) for name in names)
    return FailingRule(
        code=rule.name,
        french=rule.french,
        english=rule.english,
        error=rule.severity is Severity.ERROR,
        figures=figures,
        entries=entries,
        least=_bound(names[0], rule.kwargs, "min_value"),
        most=_bound(names[0], rule.kwargs, "max_value"),
        allowed=tuple(rule.kwargs.get("value_set", ())),
    )


def _bound(column: str, kwargs: Mapping[str, Any], key: str) -> Figure | None:
    return _figure(column, kwargs[key]) if key in kwargs else None


def _figure(column: str, value: Any) -> Figure:
    name, kind = COLUMNS.get(column, (column, Kind.NUMBER))
    number = int(value)
    return Figure(name=name, kind=kind, value=_EPOCH + timedelta(days=number) if kind is Kind.DAY else number)


def _statement_frame(sheet: StatementSheet) -> pa.Table:
    row = {
        "statement_id": sheet.id, "partition": 0, "business_day": _number(sheet.business_date),
        "due_day": _number(sheet.due_date), "opening_day": _number(sheet.opening_date),
        "closing_day": _number(sheet.closing_date), "opening": sheet.opening, "closing": sheet.closing,
        "credit": sheet.credit, "debit": sheet.debit, "decimals": sheet.decimals, "n_entries": sheet.n_entries,
        "n_records": sheet.n_records, "records_length": sheet.records_length,
        "previous_closing": sheet.previous_closing, "currency_length": len(sheet.currency),
        "account_length": len(sheet.account),
    }  # fmt: skip
    return pa.Table.from_pylist([row], schema=STATEMENT_FRAME)


def _entry_frame(sheet: StatementSheet) -> pa.Table:
    rows = [
        {
            "statement_id": sheet.id, "seq": entry.seq, "amount": entry.amount,
            "booking_day": _number(entry.booking_date), "value_day": _number(entry.value_date),
            "label_length": len(entry.label), "details_length": len(entry.details),
        }
        for entry in sheet.entries
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=ENTRY_FRAME)


def _number(day: date | None) -> int | None:
    return None if day is None else (day - _EPOCH).days
