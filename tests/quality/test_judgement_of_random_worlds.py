"""Whatever the rows, Great Expectations and the masks agree, and a plain reading of the rules names the same rows."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sobank.quality.frames import ENTRY_FRAME, STATEMENT_FRAME
from sobank.quality.judge import judge
from tests.quality.worlds import contracts, sound

Row = dict[str, Any]
WIDEST = 99_999_999_999_999

STATEMENT_COLUMNS = [f for f in STATEMENT_FRAME if f.name != "statement_id"]
ENTRY_COLUMNS = [f for f in ENTRY_FRAME if f.name != "statement_id"]


def _value(field: pa.Field) -> st.SearchStrategy[int | None]:
    bits = field.type.bit_width
    # Half of the 64 bits: amounts that add up beyond them cannot be stored by any bank file (14 digits).
    edge = 2 ** (min(bits, 56) - 1) - 1
    near = st.sampled_from(
        [0, 1, -1, 2, 3, 4, 11, 12, 120, 360, 3651, 3652, 20_000, 20_001, 40_176, WIDEST, WIDEST + 1]
    )
    some = st.one_of(near.filter(lambda v: abs(v) <= edge), st.integers(-edge, edge))
    return st.one_of(st.none(), some) if field.nullable else some


@st.composite
def faults(draw: st.DrawFn, fields: list[pa.Field]) -> tuple[int, str, int | None]:
    field = draw(st.sampled_from(fields))
    return draw(st.integers(0, 30)), field.name, draw(_value(field))


def _broken(rows: list[Row], changes: list[tuple[int, str, int | None]]) -> list[Row]:
    for row, column, value in changes:
        if rows:
            rows[row % len(rows)][column] = value
    return rows


def _statement_failures(s: Row, entries: list[Row]) -> set[str]:
    amounts = [e["amount"] for e in entries]
    credit, debit = sum(a for a in amounts if a > 0), sum(a for a in amounts if a < 0)
    balances = None not in (s["opening"], s["closing"])
    period = s["closing_day"] - s["opening_day"] if None not in (s["opening_day"], s["closing_day"]) else None
    checks = {
        "unreadable": not balances or period is None,
        "unbalanced": balances and s["opening"] + sum(amounts) != s["closing"],
        "entries_missing": s["n_entries"] != len(entries),
        "credit_differs": s["credit"] != credit,
        "debit_differs": s["debit"] != debit,
        "dates_reversed": period is not None and period < 0,
        "period_long": period is not None and period > 366,
        "business_day_differs": s["closing_day"] is not None and s["business_day"] != s["closing_day"],
        "due_too_early": s["due_day"] < s["business_day"],
        "day_implausible": not 3652 <= s["business_day"] <= 40_176,
        "decimals_unknown": s["decimals"] not in (0, 1, 2, 3),
        "opening_too_wide": s["opening"] is not None and abs(s["opening"]) > WIDEST,
        "closing_too_wide": s["closing"] is not None and abs(s["closing"]) > WIDEST,
        "records_cut": s["records_length"] != 120 * s["n_records"],
        "records_missing": s["n_records"] < 2 + len(entries),
        "account_malformed": s["account_length"] != 11,
        "currency_malformed": s["currency_length"] != 3,
        "gap": None not in (s["opening"], s["previous_closing"]) and s["opening"] != s["previous_closing"],
    }
    return {rule for rule, fails in checks.items() if fails}


def _entry_failures(s: Row, entries: list[Row]) -> set[str]:
    found = set()
    if sorted(e["seq"] for e in entries) != list(range(len(entries))):
        found.add("entries_not_in_sequence")
    for e in entries:
        booked = e["booking_day"]
        period = None not in (s["opening_day"], s["closing_day"])
        checks = {
            "amount_too_wide": abs(e["amount"]) > WIDEST,
            "booking_day_implausible": not 3652 <= booked <= 40_176,
            "booked_outside_period": period and (booked < s["opening_day"] or booked > s["closing_day"]),
            "value_day_far": e["value_day"] is not None and abs(e["value_day"] - booked) > 366,
            "label_missing": e["label_length"] < 1,
            "details_long": not 0 <= e["details_length"] <= 7400,
        }
        found |= {rule for rule, fails in checks.items() if fails}
    return found


# Great Expectations takes half a second a world: a counterexample is shown as found, shrinking it would take minutes.
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    size=st.integers(0, 12),
    seed=st.integers(0, 99),
    statement_faults=st.lists(faults(STATEMENT_COLUMNS), max_size=8),
    entry_faults=st.lists(faults(ENTRY_COLUMNS), max_size=8),
    shuffled=st.randoms(use_true_random=False),
)
def test_the_statements_named_are_those_a_plain_reading_finds(size, seed, statement_faults, entry_faults, shuffled):
    world = sound(size, seed=seed)
    statements = _broken(world["statements"].to_pylist(), statement_faults)
    entries = _broken(world["entries"].to_pylist(), entry_faults)
    shuffled.shuffle(statements)
    shuffled.shuffle(entries)
    frames = {
        "statements": pa.Table.from_pylist(statements, schema=STATEMENT_FRAME),
        "entries": pa.Table.from_pylist(entries, schema=ENTRY_FRAME),
    }
    of_statement = defaultdict(list)
    for entry in entries:
        of_statement[entry["statement_id"]].append(entry)
    expected = set()
    for statement in statements:
        own = of_statement[statement["statement_id"]]
        for rule in _statement_failures(statement, own) | _entry_failures(statement, own):
            expected.add((statement["statement_id"], rule))
    verdict = judge(frames, contracts())
    named = [(f["statement_id"], f["rule"]) for f in verdict.failures.to_pylist()]
    assert set(named) == expected
    assert named == sorted(named), "each statement and rule once, in order"


def test_statements_without_any_entry_are_judged():
    world = sound(4, 0)
    verdict = judge({"statements": world["statements"], "entries": world["entries"]}, contracts())
    assert world["entries"].num_rows == 0
    assert {outcome.rows for outcome in verdict.rules if outcome.contract == "entries"} == {0}
    assert verdict.failures.num_rows == 0


def test_a_day_with_nothing_to_judge_has_an_empty_verdict():
    frames = {name: table.slice(0, 0) for name, table in sound(3).items()}
    verdict = judge(frames, contracts())
    assert verdict.failures.num_rows == 0
    assert all(outcome.gx_success for outcome in verdict.rules)
