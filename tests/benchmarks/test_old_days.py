"""What stands before the measured day: days that were delivered, so that nothing of them is left to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from benchmarks.old_days import add_old_days

from benchmarks import day
from sobank.store.database import Database
from sobank.store.proof import ProofRows

DAYS = 3
STATEMENTS = 200


@pytest.fixture
def used(fresh_postgres_url: Callable[[], str], tmp_path: Path) -> Iterator[Database]:
    """A small day, and days before it."""
    database = Database(fresh_postgres_url())
    planned = day.plan(STATEMENTS / day.STATEMENTS)
    files, _ = day.write(planned, tmp_path)
    day.load(database, planned, files)
    add_old_days(database, DAYS)
    yield database
    database.close()


def _rows(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def test_old_days_are_decided_and_delivered_and_the_day_alone_is_to_do(used: Database) -> None:
    rows = ProofRows(used)
    assert rows.open_days(day.DAY) == [day.DAY]
    today = rows.received(day.DAY)
    assert (today.all.statements, today.decided.statements) == (STATEMENTS, 0)
    for number in range(1, DAYS + 1):
        earlier = rows.received(day.DAY - timedelta(days=number))
        assert earlier.all == earlier.decided == today.all
        batches = rows.batches(day.DAY - timedelta(days=number))
        assert {batch.state for batch in batches} == {"delivered"}
        assert sum(batch.n_statements for batch in batches) == STATEMENTS
        assert all(batch.allocated == batch.n_statements for batch in batches)
        assert (sum(b.credit for b in batches), sum(b.debit for b in batches)) == (today.all.credit, today.all.debit)


def test_old_days_stand_before_the_day_in_order(used: Database) -> None:
    found = _rows(used, "SELECT business_date, min(id), max(id) FROM statements GROUP BY 1 ORDER BY 1")
    assert [row[0] for row in found] == [day.DAY - timedelta(days=DAYS - n) for n in range(DAYS + 1)]
    assert [row[1:] for row in found] == [(n * STATEMENTS + 1, (n + 1) * STATEMENTS) for n in range(DAYS + 1)]
    assert _rows(used, "SELECT last_value FROM statements_id_seq") == [(STATEMENTS * (DAYS + 1),)]
    entries = (
        "SELECT count(*) FROM entries e JOIN statements s ON s.id = e.statement_id AND booking_date = business_date"
    )
    assert _rows(used, entries) == [(day.ENTRIES_EACH * STATEMENTS * (DAYS + 1),)]
