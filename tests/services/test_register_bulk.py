"""An import costs a few statements of SQL, whatever the size of the registry."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from sobank.domain.iban import bban, iban
from sobank.store.database import Database
from tests.services.test_register_import import bring


def test_a_large_registry_is_imported_without_a_query_for_each_account(database: Database) -> None:
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1

    numbers = iter(range(2_000))
    wanted = {
        "cabinets": [
            {
                "code": f"CAB{c:03d}", "name": "Grand", "connectors": [{"name": "fizen", "partner": "fizen"}],
                "dossiers": [
                    {"reference": f"D{d}", "name": "Client", "accounts": [
                        {"iban": iban(bban("30004", "00001", f"{next(numbers):011d}")), "mandate": "approved",
                         "connector": "fizen"}
                        for _ in range(10)]}
                    for d in range(20)],
            }
            for c in range(10)
        ]
    }  # fmt: skip
    sa.event.listen(database.engine, "before_cursor_execute", count)
    assert bring(database, wanted).created["accounts"] == 2_000
    assert statements < 60
    statements = 0
    assert bring(database, wanted).changes == 0
    assert statements < 20
