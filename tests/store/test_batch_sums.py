"""What a batch holds in money is told by currency, however much it is."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from sobank.store import schema
from sobank.store.batch_sums import batch_sums
from tests.builders import Cabinet, TestHouse, file_of, statement

DAY = date(2026, 3, 2)


def test_amounts_of_two_currencies_of_one_batch_are_not_added_up(sqlite_house: TestHouse) -> None:
    house = sqlite_house
    house.register(Cabinet("CAB001", accounts={1: ("approved", "fizen"), 2: ("approved", "fizen")}))
    with house.database.write() as connection:
        of_two = schema.accounts.c.id == sa.select(sa.func.max(schema.accounts.c.id)).scalar_subquery()
        connection.execute(sa.update(schema.accounts).where(of_two).values(currency="USD"))
    house.take_in(file_of(statement(1, DAY, 700, -200), statement(2, DAY, 50, currency="USD")))
    house.decide(DAY)
    (batch,) = house.ledger.open_batches()
    found = batch_sums(house.database, [batch.id, batch.id + 1])
    assert list(found) == [batch.id]
    told = [(one.currency, one.decimals, one.credit, one.debit, one.net) for one in found[batch.id]]
    assert told == [("EUR", 2, 700, -200, 500), ("USD", 2, 50, 0, 50)]


def test_amounts_that_no_64_bits_hold_together_are_summed_to_the_cent(house: TestHouse) -> None:
    house.register(Cabinet("CAB001", accounts=dict.fromkeys((1, 2, 3), ("approved", "fizen"))))
    house.take_in(file_of(*(statement(n, DAY, 5, -3) for n in (1, 2, 3))))
    house.decide(DAY)
    (batch,) = house.ledger.open_batches()
    most, least = 2**63 - 1, -(2**63)
    with house.database.write() as connection:
        connection.execute(sa.update(schema.statements).values(credit=most, debit=least))
    (told,) = batch_sums(house.database, [batch.id])[batch.id]
    assert (told.credit, told.debit, told.net) == (3 * most, 3 * least, -3)
