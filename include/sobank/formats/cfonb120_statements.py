"""Records that were read → statements, entries and refusals as Arrow tables (S3–S12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sobank.formats.cfonb120_codes import ERROR_BIT, ERRORS, REFUSAL_BIT, REFUSALS, WARNING_BIT, WARNINGS, spelled
from sobank.formats.cfonb120_columns import NO_DAY, TEXT, arrow_flags, arrow_numbers, read_text, without_nul
from sobank.formats.cfonb120_details import details_of
from sobank.formats.cfonb120_identity import Seen, account_numbers, identity_texts, told_apart
from sobank.formats.cfonb120_layout import BALANCE, MOVEMENT, WIDTH, Column, column
from sobank.formats.cfonb120_records import CLOSING, COMPLETING, MOVED, OPENING, Masks, Records
from sobank.formats.cfonb120_stream import TOO_LONG
from sobank.formats.cfonb120_words import Flags, Ints, side_by_side, word, words
from sobank.formats.parsed import ENTRIES, STATEMENTS, Counts, Parsed
from sobank.formats.parsed import REFUSALS as REFUSED_ROWS

DEFAULT_CURRENCY, DEFAULT_DECIMALS = b"EUR", 2
#: Above this, a sum of magnitudes may not fit in 64 bits with the opening balance beside it.
_SUM_BOUND: Final = 9.0e18
_BLANK_CURRENCY: Final = 0x202020
_BANK, _BRANCH, _ACCOUNT, _CURRENCY = (column(BALANCE, n) for n in ("bank", "branch", "account", "currency"))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Block:
    """The statements of a block: first row and number of rows of each, its 07 (−1: none), and what was found of it."""

    records: Records
    start: Ints
    count: Ints
    closer: Ints
    errors: Masks
    warnings: Masks

    def flag(self, condition: Flags, masks: Masks, bit: int) -> None:
        """Set `bit` of `masks` for the statements of the records where `condition` holds."""
        masks[np.unique(self.records.statement[condition & (self.records.statement >= 0)])] |= np.uint32(bit)


def parsed(records: Records, seen: Seen, max_records: int, blank: int) -> Parsed:
    """Tables of a block of whole statements; `seen` is what came before in the file."""
    block = _block(records, max_records)
    base = seen.position
    decimals, scale = _decimals(block)
    entries = _entries(records, scale, base)
    statements = _statements(block, seen, scale, decimals)
    refused = records.refusal != 0
    refusals = pa.table(
        {
            "record": arrow_numbers(records.frames.number[refused], pa.int64()),
            "offset": arrow_numbers(records.frames.offset[refused], pa.int64()),
            "reason": spelled(records.refusal[refused], REFUSALS),
        },
        schema=REFUSED_ROWS,
    )
    n_refused = int(refused.sum())
    counts = Counts(
        total=blank + len(records.kind), parsed=len(records.kind) - n_refused, blank=blank, refused=n_refused
    )
    return Parsed(statements=statements, entries=entries, refusals=refusals, counts=counts)


def _block(records: Records, max_records: int) -> _Block:
    """Statements by position: each 01 opens one; errors and warnings that records alone tell."""
    start = np.flatnonzero(records.kind == OPENING)
    inside = records.statement >= 0
    count = np.bincount(records.statement[inside], minlength=len(start)).astype(np.int64)
    last = start + count - 1
    closer = np.where(records.kind[last] == CLOSING, last, -1) if len(start) else last
    errors, warnings = np.zeros(len(start), np.uint32), np.zeros(len(start), np.uint32)
    block = _Block(records=records, start=start, count=count, closer=closer, errors=errors, warnings=warnings)
    errors[(closer < 0) & (count < max_records)] |= ERROR_BIT["unclosed"]
    errors[(closer < 0) & (count >= max_records)] |= ERROR_BIT["too_large"]
    if records.refusal.any():
        for code, bit in REFUSAL_BIT.items():
            block.flag(records.refusal == bit, errors, ERROR_BIT[code])
    if records.warning.any():
        for bit in WARNING_BIT.values():
            block.flag((records.warning & bit) != 0, warnings, bit)
    _compare_accounts(block)
    return block


def _constant(block: _Block, *zones: Column) -> bool:
    """Whether each record of a statement has in these zones the characters of the record before it."""
    statement, rows = block.records.statement, block.records.rows
    within = (statement[1:] == statement[:-1]) & (statement[1:] >= 0)
    for zone in zones:
        for part in words(rows, zone.first - 1, zone.last - zone.first + 1):
            if ((part[1:] != part[:-1]) & within).any():
                return False
    return True


def _compare_accounts(block: _Block) -> None:
    """S6: another account than the 01's is an error, another bank or branch is a warning."""
    if _constant(block, _ACCOUNT, _BANK, _BRANCH):
        return
    records = block.records
    compared = np.flatnonzero(
        records.moves | ((records.statement >= 0) & np.isin(records.kind, (MOVED, COMPLETING, CLOSING)))
    )
    opener = records.opener[compared]
    for zone, masks, bit in (
        (_ACCOUNT, block.errors, ERROR_BIT["account_differs"]),
        (_BANK, block.warnings, WARNING_BIT["bank_differs"]),
        (_BRANCH, block.warnings, WARNING_BIT["bank_differs"]),
    ):
        cells = zone.cells(records.rows)
        other = compared[(cells[compared] != cells[opener]).any(axis=1)]
        masks[np.unique(records.statement[other])] |= np.uint32(bit)


def _first_of_each(block: _Block, rows: Ints, values: Ints, default: int) -> Ints:
    """For each statement the value of its first record among `rows`, else `default`."""
    first = np.full(len(block.start), default, np.int64)
    # Assignment in reverse order: the first record of each statement is written last.
    first[block.records.statement[rows][::-1]] = values[::-1]
    return first


def _valued(block: _Block) -> Ints:
    """The records whose currency and decimals count: 01, movements, 07."""
    records = block.records
    balance = (records.statement >= 0) & ((records.kind == OPENING) | (records.kind == CLOSING))
    return np.flatnonzero(records.moves | balance)


def _currencies(block: _Block) -> Ints:
    """The currency of each statement, its three characters as one number; S4."""
    records = block.records
    written = word(records.rows, _CURRENCY.first - 1, 3).view(np.int64)
    if _constant(block, _CURRENCY) and (written[block.start] != _BLANK_CURRENCY).all():
        return written[block.start]
    valued = _valued(block)
    blank = written[valued] == _BLANK_CURRENCY
    known = valued[~blank]
    currency = _first_of_each(block, known, written[known], int.from_bytes(DEFAULT_CURRENCY, "little"))
    block.warnings[np.unique(records.statement[valued[blank]])] |= WARNING_BIT["currency_assumed"]
    compared = np.append(valued, np.flatnonzero((records.statement >= 0) & np.isin(records.kind, (MOVED, COMPLETING))))
    differs = (written[compared] != currency[records.statement[compared]]) & (written[compared] != _BLANK_CURRENCY)
    block.errors[np.unique(records.statement[compared[differs]])] |= ERROR_BIT["currency_differs"]
    return currency


def _decimals(block: _Block) -> tuple[npt.NDArray[np.int8], Ints]:
    """Decimals of each statement, the largest of its records; and the factor that brings each record to them (S3)."""
    records = block.records
    valued = _valued(block)
    written = records.decimals[valued].astype(np.int64)
    if len(written) and written[0] >= 0 and (written == written[0]).all():
        return np.full(len(block.start), written[0], np.int8), np.ones(len(records.kind), np.int64)
    known, of = valued[written >= 0], written[written >= 0]
    usual = _first_of_each(block, known, of, DEFAULT_DECIMALS)
    largest = usual.copy()
    mixed = of != usual[records.statement[known]]
    if mixed.any():
        np.maximum.at(largest, records.statement[known], of)
        block.warnings[np.unique(records.statement[known[mixed]])] |= WARNING_BIT["mixed_decimals"]
    block.warnings[np.unique(records.statement[valued[written == -1]])] |= WARNING_BIT["decimals_assumed"]
    owner = records.statement[valued]
    own = np.where(written >= 0, written, usual[owner])
    scale = np.ones(len(records.kind), np.int64)
    scale[valued] = 10 ** (largest[owner] - own)
    return largest.astype(np.int8), scale


def _entries(records: Records, scale: Ints, base: int) -> pa.Table:
    """The readable movements, each with its complements."""
    at = np.flatnonzero(records.moves)
    rows, owner = without_nul(records.rows.take(at, axis=0)), records.statement[at]
    count = np.bincount(owner)
    first = (np.cumsum(count) - count)[owner]
    values: dict[str, Any] = {
        "position": arrow_numbers((owner + base).astype(np.int32), pa.int32()),
        "seq": arrow_numbers((np.arange(len(at)) - first).astype(np.int32), pa.int32()),
        "amount": arrow_numbers(records.amount[at] * scale[at], pa.int64()),
        "booking_date": _dates(records.day[at]),
        "value_date": _dates(records.value_day[at]),
        "details": details_of(records, at),
    }
    texts = (z for z in MOVEMENT if z.converter is TEXT and z.name in ENTRIES.names)
    return pa.table({**values, **{zone.name: zone.read(rows) for zone in texts}}, schema=ENTRIES)


def _dates(days: npt.NDArray[np.int32]) -> pa.Array:
    absent = days == NO_DAY
    return arrow_numbers(days.astype(np.int32), pa.date32(), absent if absent.any() else None)


def _sums(block: _Block, scale: Ints) -> tuple[Ints, Ints, Ints, Flags]:
    """Per statement: number of entries, Σ credit, Σ debit, and whether they fit in 64 bits."""
    records = block.records
    moves = records.moves
    amount = np.where(moves, records.amount * scale, 0)

    def total(values: Ints) -> Ints:
        running = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
        sums: Ints = running[block.start + block.count] - running[block.start]
        return sums

    fits = np.ones(len(block.start), bool)
    largest = max(int(amount.max(initial=0)), -int(amount.min(initial=0)))
    if largest * len(amount) > _SUM_BOUND:
        magnitude = np.zeros(len(block.start))
        np.add.at(magnitude, records.statement[moves], np.abs(amount[moves].astype(np.float64)))
        fits = magnitude <= _SUM_BOUND
        block.errors[~fits] |= ERROR_BIT["amount_overflow"]
    credit, debit = total(np.maximum(amount, 0)), total(np.minimum(amount, 0))
    return total(moves.astype(np.int64)), np.where(fits, credit, 0), np.where(fits, debit, 0), fits


def _statements(block: _Block, seen: Seen, scale: Ints, decimals: npt.NDArray[np.int8]) -> pa.Table:
    """One row a 01."""
    records, base = block.records, seen.position
    n_entries, credit, debit, fits = _sums(block, scale)
    opening, opening_day, opening_good, opening_known = _balance(records, block.start, scale)
    closing, closing_day, closing_good, closing_known = _balance(records, block.closer, scale)
    balanced = opening_known & closing_known & fits & (opening + credit + debit == closing)
    whole = (block.closer >= 0) & (block.errors & _REFUSED == 0)
    currency = _currencies(block)
    block.errors[whole & fits & ~balanced] |= ERROR_BIT["unbalanced"]
    reversed_ = opening_good & closing_good & (closing_day < opening_day)
    block.errors[reversed_] |= ERROR_BIT["dates_reversed"]
    first = without_nul(records.rows[block.start])
    zones = [zone.cells(first) for zone in (_BANK, _BRANCH, _ACCOUNT)]
    bban, iban = account_numbers(*zones)
    opening_day, closing_day = np.where(opening_good, opening_day, NO_DAY), np.where(closing_good, closing_day, NO_DAY)
    money = side_by_side([currency.view(np.uint64)])[:, :3]
    names = identity_texts(
        [*zones, money], [opening_day, closing_day], [(opening, opening_known), (closing, closing_known)]
    )
    values: dict[str, Any] = {
        "position": arrow_numbers(np.arange(base, base + len(block.start), dtype=np.int32), pa.int32()),
        **{zone.name: zone.read(first) for zone in (_BANK, _BRANCH, _ACCOUNT)},
        "bban": bban,
        "iban": iban,
        "currency": read_text(without_nul(money), 0, 3),
        "decimals": arrow_numbers(decimals, pa.int8()),
        "opening_date": _dates(opening_day),
        "closing_date": _dates(closing_day),
        "opening": arrow_numbers(opening, pa.int64(), ~opening_known),
        "closing": arrow_numbers(closing, pa.int64(), ~closing_known),
        "n_entries": arrow_numbers(n_entries.astype(np.int32), pa.int32()),
        "credit": arrow_numbers(credit, pa.int64()),
        "debit": arrow_numbers(debit, pa.int64()),
        "balanced": arrow_flags(balanced),
        "first_record": arrow_numbers(records.frames.number[block.start], pa.int64()),
        "warnings": spelled(block.warnings, WARNINGS),
        "errors": spelled(block.errors, ERRORS),
    }
    values |= _canonical(block, names, seen)
    return pa.table({name: values[name] for name in STATEMENTS.names}, schema=STATEMENTS)


_REFUSED: Final = np.uint32(sum(ERROR_BIT[code] for code in REFUSALS))


def _balance(records: Records, at: Ints, scale: Ints) -> tuple[Ints, npt.NDArray[np.int32], Flags, Flags]:
    """Amount and day of the 01 or 07 at `at` (−1: none), whether it was read, and whether at least its amount was."""
    if not len(records.kind):
        return at, at.astype(np.int32), at >= 0, at >= 0
    refusal = records.refusal[at]
    good = (at >= 0) & (refusal == 0)
    known = good | ((at >= 0) & (refusal == REFUSAL_BIT["bad_date"]))
    return np.where(known, records.amount[at] * scale[at], 0), records.day[at], good, known


def _canonical(block: _Block, names: list[bytes], seen: Seen) -> dict[str, Any]:
    """The records of each statement as they came, 120 characters each (S14); lines that were longer are left out."""
    frames, statement = block.records.frames, block.records.statement
    kept = (statement >= 0) & ((frames.mark & TOO_LONG) == 0)
    rows = np.ascontiguousarray(frames.rows if kept.all() else frames.rows[kept])
    count = np.bincount(statement[kept], minlength=len(block.start)).astype(np.int64)
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(count)])
    buffers = [None, pa.py_buffer(bounds * WIDTH), pa.py_buffer(rows)]
    return {
        "n_records": arrow_numbers(count.astype(np.int32), pa.int32()),
        "records": pa.Array.from_buffers(pa.large_binary(), len(count), buffers),
        **told_apart(rows, bounds, names, seen),
    }
