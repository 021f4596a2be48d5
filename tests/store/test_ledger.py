"""The delivery ledger: who may claim what, what a fence protects, and what becomes of statements (D5–D7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import BatchState, Claim, Happening, NotClaimed
from sobank.domain.ledger_step import Arrived, Claiming, Staged
from sobank.domain.sink import Receipt
from sobank.errors import FenceLost, ForbiddenTransition, LedgerError, NotFound
from sobank.store import schema, standing
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.faults.seeds import DAY, GLOBAL, OTHER_PARTNER, PARTNER, START, seed_batch, seed_registry
from tests.faults.worlds import LEASE

RECEIPT = Receipt(remote_name="/drop/x", sha256="ab", size=240, at=START, answer="ok")
AFTER = START + 2 * LEASE


@pytest.fixture
def spool(tmp_path: Path) -> ObjectStore:
    return ObjectStore((tmp_path / "spool").as_uri())


@pytest.fixture
def ledger(database: Database) -> Ledger:
    seed_registry(database)
    return Ledger(database)


def claim(ledger: Ledger, batch_id: int = 1, *, now: object = START) -> Claim:
    found = ledger.claim(batch_id, worker="w", now=now, lease=LEASE)  # type: ignore[arg-type]
    assert isinstance(found, Claim), found
    return found


def refused(ledger: Ledger, batch_id: int = 1, *, now: object = START) -> NotClaimed:
    found = ledger.claim(batch_id, worker="w", now=now, lease=LEASE)  # type: ignore[arg-type]
    assert isinstance(found, NotClaimed), found
    return found


def rows(database: Database, sql: str) -> list[tuple[object, ...]]:
    with database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def statuses(database: Database) -> set[object]:
    with database.read() as connection:
        return set(connection.scalars(sa.select(standing.status())))


def hold(ledger: Ledger) -> None:
    taken = claim(ledger)
    ledger.record(1, taken.fence, Happening.DOUBTFUL, now=START, message="other bytes")


def test_open_batches_come_by_destination_then_date_then_seq(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    later = DAY + timedelta(days=1)
    for batch_id, destination, day, seq in (
        (1, PARTNER, later, 1), (2, PARTNER, DAY, 2), (3, PARTNER, DAY, 1), (4, GLOBAL, DAY, 1),
        (5, OTHER_PARTNER, DAY, 1),
    ):  # fmt: skip
        seed_batch(database, spool, batch_id, destination=destination, day=day, seq=seq)
    assert [batch.id for batch in ledger.open_batches()] == [3, 2, 1, 5, 4]
    assert [batch.id for batch in ledger.open_batches(until=DAY)] == [3, 2, 5, 4]
    assert [batch.id for batch in ledger.open_batches(partner="fulll")] == [5]
    assert [batch.id for batch in ledger.open_batches(kind="global")] == [4]


def test_a_claim_gives_the_next_fence_and_leaves_an_attempt(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    seed_batch(database, spool, 1)
    assert [claim(ledger, now=START + n * 2 * LEASE).fence for n in range(3)] == [1, 2, 3]
    assert rows(database, "SELECT fence, worker, outcome FROM attempts ORDER BY fence") == [
        (1, "w", "lease_expired"), (2, "w", "lease_expired"), (3, "w", None)
    ]  # fmt: skip


def test_a_batch_whose_lease_runs_is_refused_and_one_whose_lease_is_over_is_not(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    seed_batch(database, spool, 1)
    claim(ledger)
    assert refused(ledger, now=START + LEASE - timedelta(seconds=1)) is NotClaimed.BUSY
    assert claim(ledger, now=START + LEASE).entered_as is BatchState.SENDING


def test_an_earlier_batch_of_the_destination_holds_back_the_later_ones_of_it_only(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    seed_batch(database, spool, 1)
    seed_batch(database, spool, 2, seq=2)
    seed_batch(database, spool, 3, destination=OTHER_PARTNER)
    hold(ledger)
    assert refused(ledger, 2) is NotClaimed.BLOCKED
    assert claim(ledger, 3).fence == 1
    ledger.release(1, actor="anne", role="superviseur", reason="seen with the partner", now=START)
    assert refused(ledger, 2) is NotClaimed.BLOCKED
    ledger.record(1, claim(ledger).fence, Happening.ARRIVED, now=START, receipt=RECEIPT)
    assert claim(ledger, 2).fence == 1


def test_every_write_of_a_worker_whose_fence_is_lost_is_refused_and_changes_nothing(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    seed_batch(database, spool, 1)
    stale = claim(ledger).fence
    claim(ledger, now=AFTER)
    before = rows(database, "SELECT state, fence, staging, lease_until, receipt FROM batches")
    with pytest.raises(FenceLost):
        ledger.mark_staged(1, stale, ".x.1.part", now=AFTER, lease=LEASE)
    with pytest.raises(FenceLost):
        ledger.renew(1, stale, now=AFTER, lease=LEASE)
    for happening in (Happening.NO_ANSWER, Happening.PROVED_NOT_RECEIVED, Happening.REFUSED, Happening.DOUBTFUL):
        with pytest.raises(FenceLost):
            ledger.record(1, stale, happening, now=AFTER)
    with pytest.raises(FenceLost):
        ledger.record(1, stale, Happening.ARRIVED, now=AFTER, receipt=RECEIPT)
    assert rows(database, "SELECT state, fence, staging, lease_until, receipt FROM batches") == before
    assert statuses(database) == {"decided"}


def test_what_was_staged_is_told_to_the_next_worker(database: Database, ledger: Ledger, spool: ObjectStore) -> None:
    seed_batch(database, spool, 1)
    ledger.mark_staged(1, claim(ledger).fence, ".x.1.part", now=START, lease=LEASE)
    assert claim(ledger, now=AFTER).staging == ".x.1.part"


def test_a_delivered_batch_has_its_receipt_and_is_final(database: Database, ledger: Ledger, spool: ObjectStore) -> None:
    seed_batch(database, spool, 1)
    ledger.record(1, claim(ledger).fence, Happening.ARRIVED, now=START, receipt=RECEIPT)
    with database.read() as connection:
        assert connection.scalar(sa.select(schema.batches.c.receipt)) == {
            "remote_name": "/drop/x", "sha256": "ab", "size": 240, "at": START.isoformat(), "answer": "ok"
        }  # fmt: skip
    assert refused(ledger, now=AFTER) is NotClaimed.FINAL
    assert ledger.open_batches() == []


def test_nothing_is_delivered_without_a_receipt(database: Database, ledger: Ledger, spool: ObjectStore) -> None:
    seed_batch(database, spool, 1)
    fence = claim(ledger).fence
    with pytest.raises(ForbiddenTransition):
        ledger.record(1, fence, Happening.ARRIVED, now=START)
    with pytest.raises(ForbiddenTransition):
        ledger.record(1, fence, Happening.NO_ANSWER, now=START, receipt=RECEIPT)


WITHDRAWALS = {
    "mandate revoked": "UPDATE mandates SET step = 'revoked' WHERE id = 1000",
    "association ended": "UPDATE associations SET until = since WHERE id = 1000",
    "associated with another connector": "UPDATE associations SET connector_id = 2, id = 77 WHERE id = 1000",
    "connector deleted": "UPDATE connectors SET deleted_at = (SELECT min(since) FROM associations) WHERE id = 1",
}


def _apply(database: Database, sql: str) -> None:
    """`until` is a reserved word; the allocation of a replaced association keeps the old one, so it is copied."""
    with database.write() as connection:
        if "id = 77" in sql:
            connection.exec_driver_sql('UPDATE associations SET "until" = since WHERE id = 1000')
            sql = (
                "INSERT INTO associations (id, account_id, connector_id, since, decided_by)"
                " SELECT 77, account_id, 2, since, decided_by FROM associations WHERE id = 1000"
            )
        connection.exec_driver_sql(sql.replace("SET until", 'SET "until"'))


@pytest.mark.parametrize("withdrawal", WITHDRAWALS)
def test_a_batch_of_which_something_was_withdrawn_is_cancelled_and_all_its_statements_are_pending(
    database: Database, ledger: Ledger, spool: ObjectStore, withdrawal: str
) -> None:
    seed_batch(database, spool, 1)
    _apply(database, WITHDRAWALS[withdrawal])
    assert refused(ledger) is NotClaimed.CANCELLED
    assert rows(database, "SELECT state, fence FROM batches") == [("cancelled", 0)]
    assert statuses(database) == {"pending"}
    assert rows(database, "SELECT * FROM allocations") == rows(database, "SELECT * FROM attempts") == []
    assert rows(database, "SELECT actor, action, subject FROM audit_events") == [("w", "batch.cancelled", "batch:1")]


def test_an_account_of_a_global_file_that_was_associated_since_cancels_it(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    seed_batch(database, spool, 1, destination=GLOBAL)
    with database.write() as connection:
        connection.execute(
            sa.insert(schema.associations).values(account_id=1000, connector_id=1, since=START, decided_by="anne")
        )
    assert refused(ledger) is NotClaimed.CANCELLED
    assert statuses(database) == {"pending"}


@pytest.mark.parametrize("withdrawal", WITHDRAWALS)
def test_after_an_attempt_a_batch_is_finished_as_planned(
    database: Database, ledger: Ledger, spool: ObjectStore, withdrawal: str
) -> None:
    seed_batch(database, spool, 1)
    ledger.record(1, claim(ledger).fence, Happening.PROVED_NOT_RECEIVED, now=START)
    _apply(database, WITHDRAWALS[withdrawal])
    assert claim(ledger).fence == 2
    assert statuses(database) == {"decided"}


def test_statements_that_the_partner_refuses_go_to_quarantine_with_their_reason(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    ids = seed_batch(database, spool, 1)
    kept = seed_batch(database, spool, 2, seq=2)
    ledger.record(1, claim(ledger).fence, Happening.REFUSED, now=START, message="bad format")
    assert rows(database, "SELECT statement_id, reason FROM quarantine ORDER BY statement_id") == [
        (number, "rejected_by_partner") for number in ids
    ]
    assert rows(database, "SELECT id FROM statements WHERE status = 'quarantined' ORDER BY id") == [(n,) for n in ids]
    assert rows(database, "SELECT statement_id FROM allocations ORDER BY 1") == [(n,) for n in kept]
    assert rows(database, "SELECT state, reason FROM batches WHERE id = 1") == [("rejected", "bad format")]


def test_a_person_rejects_a_held_batch_with_a_reason_and_its_statements_go_to_quarantine(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    seed_batch(database, spool, 1)
    hold(ledger)
    assert refused(ledger, now=AFTER) is NotClaimed.HELD
    ledger.reject(1, actor="anne", role="superviseur", reason="sent by post", now=START)
    assert rows(database, "SELECT DISTINCT reason FROM quarantine") == [("batch_rejected",)]
    assert rows(database, "SELECT actor, role, action, reason FROM audit_events") == [
        ("anne", "superviseur", "batch.rejected_by_person", "sent by post")
    ]
    assert refused(ledger, now=AFTER) is NotClaimed.FINAL


@pytest.mark.parametrize("decision", [Ledger.release, Ledger.reject], ids=["release", "reject"])
def test_a_decision_needs_a_person_a_reason_and_a_held_batch(
    database: Database, ledger: Ledger, spool: ObjectStore, decision: object
) -> None:
    seed_batch(database, spool, 1)
    with pytest.raises(ForbiddenTransition):
        decision(ledger, 1, actor="anne", role=None, reason="because", now=START)  # type: ignore[operator]
    hold(ledger)
    for actor, reason in (("", "because"), ("anne", " ")):
        with pytest.raises(LedgerError):
            decision(ledger, 1, actor=actor, role=None, reason=reason, now=START)  # type: ignore[operator]
    assert rows(database, "SELECT state FROM batches") == [("held",)]


def test_a_batch_that_is_not_there_is_said_so(ledger: Ledger) -> None:
    with pytest.raises(NotFound):
        ledger.claim(9, worker="w", now=START, lease=LEASE)
    with pytest.raises(NotFound):
        ledger.batch(9)


def test_of_many_workers_who_claim_at_once_one_gets_the_batch(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for round_ in range(1, 6):
        seed_batch(database, spool, round_, seq=round_)
        with ThreadPoolExecutor(6) as pool:
            found = list(
                pool.map(lambda n: ledger.claim(round_, worker=f"w{n}", now=START, lease=LEASE), range(6))  # noqa: B023
            )
        (claimed,) = [one for one in found if isinstance(one, Claim)]
        assert [one for one in found if one is not claimed] == [NotClaimed.BUSY] * 5
        ledger.record(round_, claimed.fence, Happening.ARRIVED, now=START, receipt=RECEIPT)


def test_of_a_set_each_step_is_answered_as_if_it_were_alone_and_one_that_is_refused_drops_out_alone(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    for batch_id, (destination, seq) in enumerate(
        ((PARTNER, 1), (PARTNER, 2), (OTHER_PARTNER, 1), (GLOBAL, 1), (GLOBAL, 2), (GLOBAL, 3)), 1
    ):
        seed_batch(database, spool, batch_id, destination=destination, seq=seq)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE mandates SET step = 'revoked' WHERE id = 4000")
    other = claim(ledger, 3).fence
    claims = ledger.take(
        [Claiming(batch_id=batch_id) for batch_id in (4, 3, 2, 1, 99)], worker="w", now=START, lease=LEASE
    )
    assert claims[:3] == [NotClaimed.CANCELLED, NotClaimed.BUSY, NotClaimed.BLOCKED]
    assert claims[3] == Claim(batch_id=1, fence=1, entered_as=BatchState.SEALED, staging=None)
    assert isinstance(claims[4], NotFound)
    answers = ledger.take(
        [
            Staged(batch_id=1, fence=1, staging=".x.1.part"),
            Arrived(batch_id=3, fence=other - 1, receipt=RECEIPT),
            Claiming(batch_id=5),
        ],
        worker="w", now=START, lease=LEASE,
    )  # fmt: skip
    assert answers[0] is None
    assert isinstance(answers[1], FenceLost)
    assert answers[2] == Claim(batch_id=5, fence=1, entered_as=BatchState.SEALED, staging=None)
    both = [Arrived(batch_id=1, fence=1, receipt=RECEIPT), Arrived(batch_id=3, fence=other, receipt=RECEIPT)]
    assert ledger.take(both, worker="w", now=START, lease=LEASE) == [BatchState.DELIVERED] * 2
    assert rows(database, "SELECT id, state, fence, staging FROM batches ORDER BY id") == [
        (1, "delivered", 1, ".x.1.part"), (2, "sealed", 0, None), (3, "delivered", 1, None),
        (4, "cancelled", 0, None), (5, "sending", 1, None), (6, "sealed", 0, None),
    ]  # fmt: skip
    assert rows(database, "SELECT batch_id, fence, outcome FROM attempts ORDER BY batch_id") == [
        (1, 1, "arrived"), (3, 1, "arrived"), (5, 1, None)
    ]  # fmt: skip


def test_two_workers_who_claim_the_same_set_share_it_without_waiting_for_one_another_in_a_circle(
    database: Database, ledger: Ledger, spool: ObjectStore
) -> None:
    destinations = (PARTNER, OTHER_PARTNER, GLOBAL)
    for batch_id, destination in enumerate(destinations, 1):
        seed_batch(database, spool, batch_id, destination=destination)
    orders = ([1, 2, 3], [3, 2, 1])

    def claim_all(order: list[int]) -> list[object]:
        return ledger.take([Claiming(batch_id=b) for b in order], worker=str(order), now=START, lease=LEASE)

    with ThreadPoolExecutor(2) as pool:
        answers = [answer for found in pool.map(claim_all, orders) for answer in found]
    claimed = [answer.batch_id for answer in answers if isinstance(answer, Claim)]
    assert sorted(claimed) == [1, 2, 3]
    assert [answer for answer in answers if not isinstance(answer, Claim)] == [NotClaimed.BUSY] * 3
