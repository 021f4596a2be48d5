"""Which business day a run delivers (DESIGN §5), and the key of its files (D9)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobank.domain.day import BANK_ZONE, midnight, resolve_day, run_key


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
@pytest.mark.parametrize(
    ("interval_start", "day"),
    [
        (datetime(2026, 1, 4, 23, 0, tzinfo=UTC), date(2026, 1, 5)),
        (datetime(2026, 7, 4, 22, 0, tzinfo=UTC), date(2026, 7, 5)),
        (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), date(2026, 3, 29)),  # clocks go forward during this day
        (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), date(2026, 3, 30)),
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), date(2026, 10, 25)),  # clocks go back during this day
        (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), date(2026, 10, 26)),
        (datetime(2025, 12, 31, 23, 0, tzinfo=UTC), date(2026, 1, 1)),
    ],
)
def test_a_run_with_an_interval_delivers_the_paris_day_on_which_it_starts(
    run_type: str, interval_start: datetime, day: date
) -> None:
    assert resolve_day(None, interval_start, run_type) == day


def test_a_manual_run_delivers_the_day_it_is_given_whatever_its_interval() -> None:
    anything = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
    assert resolve_day("2026-01-05", None, "manual") == date(2026, 1, 5)
    assert resolve_day(" 2026-01-05 ", anything, "manual") == date(2026, 1, 5)


@pytest.mark.parametrize("param", [None, "", "  "])
def test_a_manual_run_without_a_day_is_refused_even_if_it_has_an_interval(param: str | None) -> None:
    with pytest.raises(ValueError, match="a manual run needs the parameter day"):
        resolve_day(param, datetime(2026, 1, 5, tzinfo=UTC), "manual")


@pytest.mark.parametrize(
    "text", ["05/01/2026", "20260105", "2026-02-30", "2026-W02-1", "yesterday", "2026-01-05T00:00"]
)
def test_a_day_that_is_not_written_as_a_date_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        resolve_day(text, None, "manual")


@pytest.mark.parametrize("run_type", ["scheduled", "backfill"])
def test_a_run_with_a_day_of_its_own_refuses_another_one(run_type: str) -> None:
    with pytest.raises(ValueError, match="has a day of its own"):
        resolve_day("2026-01-05", datetime(2026, 1, 5, tzinfo=UTC), run_type)


@pytest.mark.parametrize("run_type", ["scheduled", "backfill", "asset_triggered"])
def test_a_run_with_neither_day_nor_interval_is_refused(run_type: str) -> None:
    with pytest.raises(ValueError, match="has no business day"):
        resolve_day(None, None, run_type)


@given(st.dates(min_value=date(1990, 1, 1), max_value=date(2100, 1, 1)))
def test_the_midnight_that_starts_a_day_is_the_interval_of_that_day(day: date) -> None:
    assert resolve_day(None, midnight(day).astimezone(UTC), "backfill") == day
    assert midnight(day).astimezone(BANK_ZONE).hour == 0


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_key_of_a_run_is_safe_in_a_file_name_and_differs_where_runs_differ(one: str, other: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9-]{14,53}", run_key(one))
    assert (run_key(one) == run_key(other)) == (one == other)


def test_the_key_of_a_run_can_be_recognised_and_tells_apart_runs_that_look_alike() -> None:
    assert run_key("backfill__2026-01-04T23:00:00+00:00").startswith("backfill-2026-01-04T23-00-00-00-00-")
    assert run_key("manual__a:b") != run_key("manual__a+b")
