"""Whatever is done to the delivery ledger in whatever order, it stays what a small model says it is."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sobank.domain.delivery import FINAL_STATES, BatchState, Claim, Happening, NotClaimed, transition
from sobank.domain.sink import Receipt
from sobank.errors import FenceLost, ForbiddenTransition
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.conftest import FreshUrl
from tests.faults.seeds import START, seed_batch, seed_registry
from tests.faults.worlds import LEASE

BATCHES = (1, 2, 3)
ENDS = st.sampled_from(
    [Happening.ARRIVED, Happening.NO_ANSWER, Happening.PROVED_NOT_RECEIVED, Happening.REFUSED, Happening.DOUBTFUL]
)
batch_ids = st.sampled_from(BATCHES)


class DeliveryLedger(RuleBasedStateMachine):
    """Three batches of one destination, one statement each; the model is four small dictionaries and a clock."""

    fresh: FreshUrl

    def __init__(self) -> None:
        super().__init__()
        self.database = Database(self.fresh())
        self.folder = tempfile.TemporaryDirectory()
        seed_registry(self.database)
        for batch in BATCHES:
            seed_batch(self.database, ObjectStore(Path(self.folder.name).as_uri()), batch, seq=batch, size=1)
        self.ledger = Ledger(self.database)
        self.now = START
        self.state = dict.fromkeys(BATCHES, BatchState.SEALED)
        self.fence = dict.fromkeys(BATCHES, 0)
        self.lease_until = dict.fromkeys(BATCHES, START)
        self.withdrawn: set[int] = set()

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule()
    def time_passes(self) -> None:
        self.now += LEASE / 2

    @rule(batch=batch_ids)
    def a_mandate_is_revoked(self, batch: int) -> None:
        with self.database.write() as connection:
            connection.execute(sa.text("UPDATE mandates SET step = 'revoked' WHERE id = :id"), {"id": batch * 1000})
        self.withdrawn.add(batch)

    @rule(batch=batch_ids)
    def a_worker_claims(self, batch: int) -> None:
        found = self.ledger.claim(batch, worker="w", now=self.now, lease=LEASE)
        expected = self._expected_claim(batch)
        if isinstance(found, Claim):
            assert expected is None
            assert (found.entered_as, found.fence) == (self.state[batch], self.fence[batch] + 1)
            self.state[batch], self.fence[batch] = BatchState.SENDING, found.fence
            self.lease_until[batch] = self.now + LEASE
        else:
            assert found is expected
            if found is NotClaimed.CANCELLED:
                self.state[batch] = BatchState.CANCELLED

    def _expected_claim(self, batch: int) -> NotClaimed | None:
        if self.state[batch] in FINAL_STATES:
            return NotClaimed.FINAL
        if self.state[batch] is BatchState.HELD:
            return NotClaimed.HELD
        if self.state[batch] is BatchState.SENDING and self.lease_until[batch] > self.now:
            return NotClaimed.BUSY
        if any(self.state[earlier] not in FINAL_STATES for earlier in BATCHES if earlier < batch):
            return NotClaimed.BLOCKED
        return NotClaimed.CANCELLED if self.fence[batch] == 0 and batch in self.withdrawn else None

    @rule(batch=batch_ids, happening=ENDS, stale=st.booleans())
    def a_worker_records(self, batch: int, happening: Happening, stale: bool) -> None:
        fence = self.fence[batch] - stale
        receipt = Receipt(remote_name="x", sha256="", size=1, at=self.now) if happening is Happening.ARRIVED else None
        owns = self.state[batch] is BatchState.SENDING and not stale
        try:
            state = self.ledger.record(batch, fence, happening, now=self.now, receipt=receipt, message="m")
        except FenceLost:
            assert not owns
        else:
            assert owns
            assert state is transition(BatchState.SENDING, happening, attempted=True)
            self.state[batch] = state

    @precondition(lambda self: BatchState.HELD in self.state.values())
    @rule(batch=batch_ids, ends=st.sampled_from([BatchState.SEALED, BatchState.REJECTED, BatchState.DELIVERED]))
    def a_person_decides(self, batch: int, ends: BatchState) -> None:
        decisions = {
            BatchState.SEALED: self.ledger.release,
            BatchState.REJECTED: self.ledger.reject,
            BatchState.DELIVERED: self.ledger.confirm,
        }
        try:
            decisions[ends](batch, actor="anne", role=None, reason="because", now=self.now)
        except ForbiddenTransition:
            assert self.state[batch] is not BatchState.HELD
        else:
            assert self.state[batch] is BatchState.HELD
            self.state[batch] = ends

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        with self.database.read() as connection:
            rows = connection.execute(sa.text("SELECT id, state, fence FROM batches ORDER BY id")).all()
        assert [tuple(row) for row in rows] == [(b, self.state[b], self.fence[b]) for b in BATCHES]

    @invariant()
    def each_statement_is_in_exactly_one_place(self) -> None:
        query = sa.text(
            "SELECT s.id, s.status, (SELECT count(*) FROM undecided u WHERE u.statement_id = s.id),"
            " (SELECT count(*) FROM allocations a WHERE a.statement_id = s.id),"
            " (SELECT count(*) FROM quarantine q WHERE q.statement_id = s.id) FROM statements s ORDER BY s.id"
        )
        places = {
            BatchState.CANCELLED: ("accepted", 1, 0, 0),
            BatchState.REJECTED: ("quarantined", 0, 0, 1),
        }
        with self.database.read() as connection:
            found = {row[0] // 1000: tuple(row[1:]) for row in connection.execute(query)}
        assert found == {b: places.get(self.state[b], ("accepted", 0, 1, 0)) for b in BATCHES}


def test_the_ledger_stays_what_the_model_says(fresh_sqlite_url: FreshUrl) -> None:
    machine = type("OnSqlite", (DeliveryLedger,), {"fresh": staticmethod(fresh_sqlite_url)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=timedelta(seconds=60), derandomize=True,
            suppress_health_check=[HealthCheck.too_slow], database=None,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("state", [*BatchState])
def test_no_final_state_can_be_left(state: BatchState) -> None:
    leaves = any(transition(state, happening, attempted=False) for happening in Happening)
    assert leaves != (state in FINAL_STATES)
