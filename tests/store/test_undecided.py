"""The list of the undecided, and the foreign keys that PostgreSQL holds set by set (migration 0008)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from sobank.store import migrate, schema, standing
from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from sobank.store.quarantine import Quarantine
from sobank.store.schema.columns import SET_WISE
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement
from tests.faults.seeds import seed_batch, seed_registry

DAY = date(2026, 3, 2)
SIGNED = ("signed", "fizen")
REFERRING = [
    (key.parent, key.column)
    for table in schema.metadata.sorted_tables
    for key in table.foreign_keys
    if key.info.get(SET_WISE)
]


@pytest.fixture
def spool(tmp_path: Path) -> ObjectStore:
    return ObjectStore((tmp_path / "spool").as_uri())


@pytest.fixture
def seeded(database: Database, spool: ObjectStore) -> Database:
    seed_registry(database)
    seed_batch(database, spool, 1)
    return database


@pytest.mark.parametrize("column", [column for column, _ in REFERRING], ids=str)
def test_a_row_that_refers_to_nothing_is_refused_whole_with_those_beside_it(
    seeded: Database, column: sa.Column[int]
) -> None:
    with seeded.read() as connection:
        there = dict(connection.execute(sa.select(schema.allocations)).mappings().first() or {})
        counted = sa.select(sa.func.count()).select_from(column.table)
        before = connection.scalar(counted)
    rows = [_row(column.table, there, seq=77), _row(column.table, there, seq=78) | {column.name: 999_999}]
    if column.table is schema.allocations:
        with seeded.write() as connection:
            connection.execute(sa.delete(schema.allocations))
        before = 0
    with pytest.raises(sa.exc.IntegrityError), seeded.write() as connection:
        connection.execute(sa.insert(column.table), rows)
    with seeded.read() as connection:
        assert connection.scalar(counted) == before


@pytest.mark.parametrize("referred", sorted({column.table.name for _, column in REFERRING}))
def test_a_row_that_is_referred_to_cannot_be_deleted(seeded: Database, referred: str) -> None:
    with pytest.raises(sa.exc.IntegrityError), seeded.write() as connection:
        connection.execute(sa.delete(schema.metadata.tables[referred]))


def test_a_change_that_makes_a_row_refer_to_nothing_is_refused(seeded: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError), seeded.write() as connection:
        connection.execute(sa.update(schema.allocations).values(mandate_id=999_999))


def test_a_database_of_the_former_schema_keeps_what_was_pending_and_what_was_decided(
    database: Database, spool: ObjectStore
) -> None:
    seed_registry(database)
    decided, pending, aside = (seed_batch(database, spool, n, seq=n, size=1) for n in (1, 2, 3))
    with database.write() as connection:
        connection.execute(sa.delete(schema.allocations).where(schema.allocations.c.statement_id != decided[0]))
        connection.execute(sa.insert(schema.undecided).values(statement_id=pending[0]))
        mine = schema.statements.c.id == aside[0]
        connection.execute(sa.update(schema.statements).where(mine).values(status="quarantined"))
    words = {decided[0]: "decided", pending[0]: "pending", aside[0]: "quarantined"}
    command.downgrade(migrate.configuration(database), "0007")
    with database.read() as connection:
        former = connection.exec_driver_sql("SELECT id, status FROM statements").all()
    assert {row.id: row.status for row in former} == words
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.exec_driver_sql("UPDATE statements SET status = 'accepted'")
    migrate.upgrade(database)
    with database.read() as connection:
        found = connection.execute(sa.select(schema.statements.c.id, standing.status())).all()
    assert {row.id: row.status for row in found} == words
    with pytest.raises(sa.exc.IntegrityError), database.write() as connection:
        connection.exec_driver_sql("UPDATE statements SET status = 'pending'")


def test_whatever_way_a_statement_comes_onto_the_list_it_stands_there_with_the_cabinet_of_its_account(
    house: TestHouse,
) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}), Cabinet("CAB2", accounts={2: SIGNED}))
    house.take_in(file_of(*(statement(n, DAY, 5) for n in (1, 2, 3, 4))))
    assert _listed(house) == {1: "CAB1", 2: "CAB2"}, "on its way from the beginning"
    house.register(Cabinet("CAB3", accounts={3: ("approved", None)}))
    with Quarantine(house.database).change() as change:
        change.release([3, 4], rehome=False)
        change.close([3, 4], resolution="released", actor="anne", reason="registered", at=NOW)
    assert _listed(house) == {1: "CAB1", 2: "CAB2", 3: "CAB3", 4: None}, "released from quarantine"
    house.decide(DAY)
    assert _listed(house) == {2: "CAB2"}
    house.register(Cabinet("CAB1", accounts={1: ("approved", None)}), now=NOW + timedelta(hours=1))
    house.push()
    assert _listed(house) == {1: "CAB1", 2: "CAB2"}, "its batch was withdrawn"
    command.downgrade(migrate.configuration(house.database), "0009")
    migrate.upgrade(house.database)
    assert _listed(house) == {1: "CAB1", 2: "CAB2"}, "listed by a former version"


def _listed(house: TestHouse) -> dict[int, str | None]:
    """By number of the account, the cabinet with which its statement is listed."""
    query = sa.text(
        "SELECT CAST(s.account AS integer) AS number, c.code FROM undecided u"
        " JOIN statements s ON s.id = u.statement_id LEFT JOIN cabinets c ON c.id = u.cabinet_id"
    )
    with house.database.read() as connection:
        return {row.number: row.code for row in connection.execute(query)}


def _row(table: sa.Table, allocation: dict[str, object], *, seq: int) -> dict[str, object]:
    """A row of the table that would be taken."""
    if table is schema.allocations:
        return allocation | {"statement_id": 1000 if seq == 77 else 1001}
    if table is schema.undecided:
        return {"statement_id": allocation["statement_id"]}
    needed = [column.name for column in table.columns if isinstance(column.type, sa.String) and not column.nullable]
    return dict.fromkeys(needed, "") | {
        "statement_id": allocation["statement_id"], "seq": seq, "amount": 1, "booking_date": DAY,
    }  # fmt: skip
