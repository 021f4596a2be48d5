"""Whatever the order of runs, retries, backfills and late arrivals, the batches and their bytes are the same (D2).

The world: two cabinets, four accounts, five business days. Each day's file arrives the next morning, some statements
late. The reference runs each day on time. Any other history lets the same files arrive in the same order, with any
runs in between: of any day, more than once, some of which die after the decision; in the end every day is run.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import Cabinet, TestHouse, file_of, named, statement
from tests.conftest import FreshUrl

FIRST = date(2026, 3, 2)
DAYS = [FIRST + timedelta(days=n) for n in range(5)]
CABINETS = (
    Cabinet("CAB1", ("fizen", "inqom"), {1: ("approved", "fizen"), 2: ("approved", "inqom"), 3: ("approved", None)}),
    Cabinet("CAB2", ("fizen",), {4: ("approved", None)}),
)
ACCOUNTS = (1, 2, 3, 4)

#: Of (account, day): by how many days the statement is late; absent: on time.
Lateness = dict[tuple[int, int], int]
#: What happens between two mornings: runs of a day (its number), and whether the run lives to push.
Runs = list[tuple[int, bool]]

lateness = st.dictionaries(st.tuples(st.sampled_from(ACCOUNTS), st.integers(0, 4)), st.integers(1, 3), max_size=6)
histories = st.lists(
    st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=3), min_size=len(DAYS) + 3, max_size=len(DAYS) + 3
)


def _arrive(house: TestHouse, morning: int, late: Lateness) -> None:
    """The file of the morning after day `morning`: that day's statements, and those of earlier days that are late."""
    sent = [
        statement(account, day, 100 * account + number, opening=10 * number)
        for number, day in enumerate(DAYS)
        for account in ACCOUNTS
        if number + late.get((account, number), 0) == morning
    ]
    if sent:
        house.take_in(file_of(*sent), named(FIRST + timedelta(days=morning + 1)))


def _on_time(house: TestHouse, late: Lateness) -> None:
    for morning in range(len(DAYS) + 3):
        _arrive(house, morning, late)
        house.run(FIRST + timedelta(days=morning))


def _otherwise(house: TestHouse, late: Lateness, history: list[Runs]) -> None:
    for morning, runs in enumerate(history):
        _arrive(house, morning, late)
        for number, lives in runs:
            house.decide(DAYS[number])
            if lives:
                house.push(DAYS[number])
    for day in reversed(DAYS):
        house.run(day)


def _outcome(fresh: FreshUrl, live: Callable[[TestHouse], None]) -> tuple[object, object]:
    with TemporaryDirectory() as folder:
        house = TestHouse(Path(folder), fresh())
        house.register(*CABINETS)
        live(house)
        found = house.batches(), house.delivered()
        house.database.close()
    return found


def _check(fresh: FreshUrl, late: Lateness, history: list[Runs]) -> None:
    wanted = _outcome(fresh, lambda house: _on_time(house, late))
    found = _outcome(fresh, lambda house: _otherwise(house, late, history))
    assert found == wanted


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(late=lateness, history=histories)
def test_any_history_of_runs_ends_with_the_batches_of_runs_on_time_on_sqlite(
    fresh_sqlite_url: FreshUrl, late: Lateness, history: list[Runs]
) -> None:
    _check(fresh_sqlite_url, late, history)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(late=lateness, history=histories)
def test_any_history_of_runs_ends_with_the_batches_of_runs_on_time_on_postgresql(
    fresh_postgres_url: FreshUrl, late: Lateness, history: list[Runs]
) -> None:
    _check(fresh_postgres_url, late, history)


@pytest.mark.parametrize("late", [{}, {(1, 0): 2, (4, 0): 1}])
def test_one_backfill_of_everything_at_the_end_gives_the_batches_of_runs_on_time(
    fresh_url: FreshUrl, late: Lateness
) -> None:
    _check(fresh_url, late, [[] for _ in range(len(DAYS) + 3)])
