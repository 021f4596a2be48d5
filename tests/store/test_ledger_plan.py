"""Before a batch leaves, its mandates are looked at again (D7): by key, whatever PostgreSQL knows of the tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import psycopg
import pytest

from sobank.store import schema
from sobank.store.ledger_statements import withdrawn
from tests.builders import Cabinet, TestHouse, file_of, statement
from tests.conftest import FreshUrl

DAY = date(2026, 3, 2)
#: Accounts, with a statement each, beside that of the registry file: all in one batch.
OTHERS = 4000
_COPIED = (
    (schema.accounts, {"bban": "bban || n", "iban": "iban || n", "id": "1000 + n"}),
    (schema.mandates, {"account_id": "1000 + n", "id": "1000 + n"}),
    (schema.associations, {"account_id": "1000 + n", "id": "1000 + n"}),
    (
        schema.statements,
        {"id": "1000 + n", "account_id": "1000 + n", "identity": "sha256(n::text::bytea)", "position": "n"}
        | {"content_sha256": "sha256(n::text::bytea)"},
    ),
    (schema.allocations, {"statement_id": "1000 + n", "mandate_id": "1000 + n", "association_id": "1000 + n"}),
)


@pytest.mark.parametrize("looked_at", [False, True], ids=["never looked at", "analyzed"])
def test_no_table_is_read_whole_for_the_batches_of_some(
    tmp_path: Path, fresh_postgres_url: FreshUrl, *, looked_at: bool
) -> None:
    house = TestHouse(tmp_path, fresh_postgres_url())
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    house.decide(DAY)
    (batch,) = house.ledger.open_batches()
    with house.database.write() as connection:
        for table, other in _COPIED:
            columns = [column.name for column in table.columns if not column.computed]
            values = ", ".join(other.get(name, name) for name in columns)
            names = ", ".join(f'"{name}"' for name in columns)
            connection.exec_driver_sql(f"ALTER TABLE {table.name} SET (autovacuum_enabled = off)")
            connection.exec_driver_sql(
                f"INSERT INTO {table.name} ({names}) SELECT {values} FROM {table.name}, generate_series(1, {OTHERS}) n"
            )
            if looked_at:
                connection.exec_driver_sql(f"ANALYZE {table.name}")
    plans: list[str] = []
    with house.database.read() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.add_notice_handler(lambda notice: plans.append(notice.message_primary or ""))
        for setting in ("auto_explain.log_min_duration = 0", "client_min_messages = log"):
            connection.exec_driver_sql("LOAD 'auto_explain'")
            connection.exec_driver_sql(f"SET LOCAL {setting}")
        assert withdrawn(connection, range(batch.id, batch.id + 64)) == {}
    (plan,) = [plan for plan in plans if "allocations" in plan and "Query Text" in plan]
    house.database.close()
    for whole in ("Seq Scan", "Hash", "Materialize"):
        assert whole not in plan
