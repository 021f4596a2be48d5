"""Which days a run proves is asked of a ledger of years by an index, whatever PostgreSQL knows of the table (D10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from sobank.store import schema
from sobank.store.proof import ProofRows
from tests.builders import Cabinet, TestHouse, file_of, statement
from tests.conftest import FreshUrl

DAY = date(2026, 3, 2)
#: Delivered before, so many files a day.
DAYS, FILES = 200, 200


@pytest.fixture(params=[False, True], ids=["never looked at", "analyzed"])
def house(request: pytest.FixtureRequest, tmp_path: Path, fresh_postgres_url: FreshUrl) -> Iterator[TestHouse]:
    """A sealed batch, after 200 days of delivered ones."""
    found = TestHouse(tmp_path, fresh_postgres_url())
    found.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    found.take_in(file_of(statement(1, DAY, 5)))
    found.decide(DAY)
    other = {
        "id": "1000 + n", "seq": "n + 1", "idempotency_key": "n::text", "state": "'delivered'", "fence": "1",
        "receipt": "'{}'", "business_date": f"business_date - 1 - n / {FILES}", "run_day": f"run_day - n / {FILES}",
    }  # fmt: skip
    columns = [column.name for column in schema.batches.columns]
    names, values = ", ".join(columns), ", ".join(other.get(name, name) for name in columns)
    with found.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE batches SET (autovacuum_enabled = off)")
        connection.exec_driver_sql(
            f"INSERT INTO batches ({names}) SELECT {values} FROM batches, generate_series(0, {DAYS * FILES - 1}) n"
        )
        if request.param:
            connection.exec_driver_sql("ANALYZE batches")
    yield found
    found.database.close()


def _plans(house: TestHouse, ask: Callable[[], object]) -> list[str]:
    """How PostgreSQL goes about what `ask` asks of batches, with the settings of that transaction."""
    found: list[str] = []

    def explain(connection: sa.Connection, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        if "FROM batches" in sql:
            driver = connection.connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            found.append("\n".join(row[0] for row in driver.execute(f"EXPLAIN {sql}".encode(), parameters)))

    sa.event.listen(house.database.engine, "before_cursor_execute", explain)
    ask()
    sa.event.remove(house.database.engine, "before_cursor_execute", explain)
    return found


def test_no_history_is_read_to_find_what_runs_of_a_day_sealed(house: TestHouse) -> None:
    rows = ProofRows(house.database)
    assert rows.days_sealed_by_runs_of(DAY) == [DAY - timedelta(days=1), DAY]
    (plan,) = _plans(house, lambda: rows.days_sealed_by_runs_of(DAY))
    assert "ix_batches_run_day" in plan


def test_no_history_is_read_to_find_what_is_under_way(house: TestHouse) -> None:
    rows = ProofRows(house.database)
    assert rows.days_under_way(DAY) == [DAY]
    (plan,) = _plans(house, lambda: rows.days_under_way(DAY))
    assert "ix_batches_open" in plan
