"""The proof finds what is missing, doubled, pending, or a cent off; nothing it says is taken from the run (D10)."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from sobank.domain.proof import Proof
from sobank.services.prove import prove
from sobank.store import schema
from sobank.store.proof import ProofRows
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement

DAY = date(2026, 3, 3)


def _proof(house: TestHouse, day: date = DAY) -> Proof:
    return prove(day, rows=ProofRows(house.database), spool=house.spool, read=house.read_sealed)


def _world(house: TestHouse) -> TestHouse:
    house.register(
        Cabinet(
            "CAB1",
            accounts={1: ("approved", "fizen"), 2: ("approved", None), 3: ("signed", None), 4: ("revoked", None)},
        )
    )
    house.take_in(
        file_of(*(statement(n, DAY, 100 * n, -30) for n in range(1, 6)), statement(1, DAY + timedelta(days=1)))
    )
    return house


def test_a_delivered_day_holds_and_says_where_each_statement_is(house: TestHouse) -> None:
    _world(house).run(DAY)
    proof = _proof(house)
    assert proof.holds
    shown = proof.as_json()
    assert shown["in"] == {"statements": 5, "entries": 10, "credit": 1500, "debit": -150}
    assert [
        (d["destination"], d["kind"], d["statements"], d["sum"], d["delivered"], d["pending"])
        for d in shown["destinations"]
    ] == [
        ("connector:CAB1/fizen", "connector", 1, 70, 1, 0),
        ("global:CAB1", "global", 1, 170, 1, 0),
    ]
    assert shown["quarantine"] == [
        {"reason": "mandate_revoked", "statements": 1},
        {"reason": "unknown_account", "statements": 1},
    ]
    assert (shown["waiting"], shown["missing"], shown["doubled"], shown["holds"]) == (1, 0, 0, True)


def test_a_day_before_its_run_does_not_hold(house: TestHouse) -> None:
    proof = _proof(_world(house))
    assert (proof.holds, proof.undecided, proof.missing) == (False, 3, 3)


def test_a_day_without_statements_holds(house: TestHouse) -> None:
    assert _proof(house).holds


def test_a_sealed_batch_that_has_not_left_is_pending_and_the_day_does_not_hold(house: TestHouse) -> None:
    _world(house).decide(DAY)
    proof = _proof(house)
    assert (proof.holds, proof.pending, proof.missing, proof.doubled) == (False, 2, 0, 0)


def test_a_late_statement_makes_its_day_red_until_a_run_takes_it(house: TestHouse) -> None:
    _world(house).run(DAY)
    house.take_in(file_of(statement(2, DAY, 7)), "late.txt")
    assert not _proof(house).holds
    assert ProofRows(house.database).open_days(DAY) == [DAY]
    house.run(DAY + timedelta(days=1))
    assert _proof(house).holds
    assert _proof(house, DAY + timedelta(days=1)).holds
    assert ProofRows(house.database).open_days(DAY) == []


def _sealed(house: TestHouse, kind: str) -> tuple[bytes, int]:
    c = schema.batches.c
    with house.database.read() as connection:
        sha, batch_id = connection.execute(sa.select(c.payload_sha256, c.id).where(c.kind == kind)).one()
    return house.spool.read(sha.hex()), batch_id


def _reseal(house: TestHouse, batch_id: int, payload: bytes, **figures: int) -> None:
    """Forge a batch: other bytes with a receipt to match, as a faulty decision would have left it."""
    sha = house.spool.put(payload)
    name = house.ledger.batch(batch_id).outgoing.object_name
    receipt = {
        "remote_name": f"/inbox/{name}",
        "sha256": sha,
        "size": len(payload),
        "at": NOW.isoformat(),
        "answer": "",
    }
    with house.database.write() as connection:
        connection.execute(
            schema.batches.update()
            .where(schema.batches.c.id == batch_id)
            .values(payload_sha256=bytes.fromhex(sha), payload_size=len(payload), receipt=receipt, **figures)
        )


def test_a_statement_that_is_not_in_the_sealed_bytes_is_missing(house: TestHouse) -> None:
    _world(house).run(DAY)
    payload, _ = _sealed(house, "connector")
    _, other = _sealed(house, "global")
    _reseal(house, other, payload, n_entries=2, credit=100, debit=-30)
    proof = _proof(house)
    assert (proof.missing, proof.doubled, proof.holds) == (1, 1, False)


def test_a_statement_twice_in_the_sealed_bytes_is_doubled(house: TestHouse) -> None:
    _world(house).run(DAY)
    payload, batch_id = _sealed(house, "connector")
    _reseal(house, batch_id, payload * 2, n_statements=2, n_entries=4, credit=200, debit=-60)
    proof = _proof(house)
    assert (proof.missing, proof.doubled, proof.holds) == (0, 1, False)


def test_one_cent_off_is_found_even_where_the_ledger_was_written_to_match(house: TestHouse) -> None:
    _world(house).run(DAY)
    with house.database.write() as connection:
        of_first = sa.select(schema.statements.c.id).where(schema.statements.c.account == "00000000001")
        connection.execute(
            schema.entries.update()
            .where(schema.entries.c.statement_id.in_(of_first), schema.entries.c.seq == 0)
            .values(amount=schema.entries.c.amount + 1)
        )
    proof = _proof(house)
    assert not proof.holds
    assert any("entry rows" in fault for fault in proof.faults)


@pytest.mark.parametrize("figure", ["n_statements", "n_entries", "credit", "debit"])
def test_figures_of_the_ledger_that_are_not_those_of_the_bytes_are_a_fault(house: TestHouse, figure: str) -> None:
    _world(house).run(DAY)
    with house.database.write() as connection:
        column = schema.batches.c[figure]
        connection.execute(
            schema.batches.update().where(schema.batches.c.kind == "connector").values({figure: column + 1})
        )
    assert not _proof(house).holds


@pytest.mark.parametrize("other", [{"sha256": "00" * 32}, {"size": 1}, {"remote_name": "/inbox/another"}])
def test_a_receipt_that_disagrees_with_the_delivery_ledger_makes_the_proof_fail(
    house: TestHouse, other: dict[str, object]
) -> None:
    _world(house).run(DAY)
    _, batch_id = _sealed(house, "connector")
    assert _proof(house).holds
    receipt = house.ledger.standing(batch_id).receipt
    assert receipt is not None
    with house.database.write() as connection:
        changed = schema.batches.update().where(schema.batches.c.id == batch_id).values(receipt=receipt | other)
        connection.execute(changed)
    found = _proof(house)
    assert not found.holds
    assert any("receipt" in fault for fault in found.faults)


def test_a_partner_that_left_the_catalogue_stops_nobody_else_and_is_named(sqlite_house: TestHouse) -> None:
    house = _world(sqlite_house)
    gone = house.partners.pop("fizen")
    counts = house.decide(DAY)
    assert counts["unsealed"] > 0
    assert counts["decided"] > 0
    house.push(DAY)
    assert not _proof(house).holds
    house.partners["fizen"] = gone
    house.run(DAY)
    assert _proof(house).holds
    house.partners.pop("fizen")
    assert _proof(house).holds, "what was sealed is read as it was sealed, whatever the catalogue says now"


def test_statements_whose_batches_vanished_are_missing(house: TestHouse) -> None:
    _world(house).run(DAY)
    with house.database.write() as connection:
        connection.execute(schema.batches.update().values(state="rejected"))
    proof = _proof(house)
    assert (proof.missing, proof.holds) == (2, False)


def test_an_allocation_that_vanished_is_a_fault(house: TestHouse) -> None:
    _world(house).run(DAY)
    with house.database.write() as connection:
        connection.execute(schema.allocations.delete().where(schema.allocations.c.statement_id == 1))
    proof = _proof(house)
    assert ("0 statements are allocated" in "".join(proof.faults), proof.holds) == (True, False)


def test_amounts_that_no_64_bits_hold_together_are_summed_to_the_cent(house: TestHouse) -> None:
    """The closing records count in thousandths, the others in whole units: each amount is stored a thousandfold."""
    most = 10**14 - 1
    absurd = bytearray(file_of(*(statement(n, DAY, *[most, -most] * 60, closing=0, decimals=0) for n in (1, 2))))
    for end in (len(absurd) // 2, len(absurd)):
        absurd[end - 121 + 19] = ord("3")
    _world(house).take_in(bytes(absurd), "absurd.txt")
    house.run(DAY, judged=True)
    received = _proof(house).received
    assert (received.statements, received.entries) == (7, 250)
    assert (received.credit, received.debit) == (1500 + 120_000 * most, -150 - 120_000 * most)


def test_sealed_bytes_that_rotted_are_a_fault_and_the_rest_of_the_day_is_still_shown(house: TestHouse) -> None:
    _world(house).run(DAY)
    payload, _ = _sealed(house, "connector")
    sha = hashlib.sha256(payload).hexdigest()
    (house.settings.home / "spool" / sha[:2] / sha).write_bytes(payload.replace(b"EUR", b"USD"))
    proof = _proof(house)
    assert (proof.missing, proof.doubled, proof.holds) == (1, 0, False)
    assert any("connector:CAB1/fizen" in fault and "cannot be read back" in fault for fault in proof.faults)
    assert [d.destination for d in proof.destinations] == ["connector:CAB1/fizen", "global:CAB1"]
