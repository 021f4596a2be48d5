"""What a named person decides of a batch, where it ends badly: a decision stands though a partner does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import BatchState, Claim, Happening
from sobank.domain.roles import Operator
from sobank.domain.sink import Outgoing, Presence
from sobank.errors import ForbiddenTransition, LedgerError, NotFound, Transient
from sobank.services.held import ask_again, confirm_held, reject_held, release_held
from sobank.store.circuits import Circuits
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.ledger_rows import Which
from sobank.store.objects import ObjectStore
from sobank.store.schema import audit_events
from tests.faults.seeds import GLOBAL, PARTNER, seed_batch, seed_registry
from tests.faults.worlds import LEASE

OPERATOR = Operator("anne")
NOW = datetime(2026, 1, 12, 9, tzinfo=UTC)
STAGED = "/in/.a.1.part"


@dataclass
class Away:
    """A partner of whom nothing can be removed."""

    holds_staged: bool = True
    found: Presence = Presence.STAGED
    asked: list[str] = field(default_factory=list)

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:
        assert staging == STAGED
        return self.found

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        self.asked.append(staging)
        raise Transient("no answer", subject=outgoing.object_name)


@pytest.fixture
def ledger(database: Database, tmp_path: Path) -> Ledger:
    """Batches 1 (of a partner) and 2 (a global file); the first was staged, and is held."""
    seed_registry(database)
    spool = ObjectStore((tmp_path / "spool").as_uri())
    seed_batch(database, spool, 1, destination=PARTNER)
    seed_batch(database, spool, 2, destination=GLOBAL)
    found = Ledger(database)
    claim = found.claim(1, worker="w", now=NOW, lease=LEASE)
    assert isinstance(claim, Claim)
    found.mark_staged(1, claim.fence, STAGED, now=NOW, lease=LEASE)
    found.record(1, claim.fence, Happening.DOUBTFUL, now=NOW, message="?")
    return found


def actions(database: Database) -> list[tuple[str, str, str]]:
    c = audit_events.c
    with database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(c.action, c.actor, c.reason).order_by(c.id))]


@pytest.mark.parametrize(
    ("decide", "ends", "action"),
    [
        (reject_held, BatchState.REJECTED, "batch.rejected_by_person"),
        (confirm_held, BatchState.DELIVERED, "batch.confirmed_by_person"),
    ],
)
def test_a_decision_stands_when_what_was_staged_cannot_be_removed_and_says_so(
    ledger: Ledger, database: Database, decide: Callable[..., None], ends: BatchState, action: str
) -> None:
    away = Away()
    with pytest.raises(Transient, match="no answer"):
        decide(ledger, away, 1, actor=OPERATOR, reason="asked them", now=NOW)
    assert away.asked == [STAGED]
    assert ledger.batch(1).state is ends
    assert actions(database) == [(action, "anne", "asked them")]


@pytest.mark.parametrize(
    ("lies_there", "found", "kept"),
    [
        (True, Presence.STAGED, STAGED),
        (True, Presence.OTHER_BYTES, STAGED),
        (True, Presence.PUBLISHED, STAGED),
        (True, Presence.ABSENT, None),
        (True, Presence.UNKNOWABLE, None),
        (False, Presence.STAGED, None),
    ],
)
def test_a_release_keeps_the_one_name_that_may_be_published_where_it_lies_at_the_partners(
    ledger: Ledger, lies_there: bool, found: Presence, kept: str | None
) -> None:
    away = Away(holds_staged=lies_there, found=found)
    release_held(ledger, away, 1, actor=OPERATOR, reason="asked them", now=NOW)  # type: ignore[arg-type]
    assert (ledger.batch(1).state, ledger.batch(1).staging, away.asked) == (BatchState.SEALED, kept, [])


def test_what_waits_for_a_person_is_found_among_all_with_how_its_last_attempt_ended(ledger: Ledger) -> None:
    everything = Which(states=tuple(BatchState))
    assert [(one.batch.id, one.attempts) for one in ledger.listed(everything, limit=9)] == [(1, 1), (2, 0)]
    (held,) = ledger.listed(Which(states=(BatchState.HELD,)), limit=9)
    assert (held.batch.id, held.last_outcome, held.last_message, held.last_at) == (1, "doubtful", "?", NOW)
    assert [one.batch.id for one in ledger.listed(Which(destination=GLOBAL), limit=9)] == [2]
    assert len(ledger.listed(everything, limit=1)) == 1


def test_asking_again_for_a_global_file_touches_no_circuit(ledger: Ledger, database: Database) -> None:
    circuits = Circuits(database)
    circuits.open(1, cause="?", worker="w", now=NOW)
    told = ask_again(ledger, circuits, 2, actor=OPERATOR, reason="now", now=NOW)
    assert told == GLOBAL
    assert len(circuits.all()) == 1
    assert actions(database)[-1] == ("batch.retry", "anne", "now")


def test_asking_again_is_refused_where_a_person_must_decide_first_and_changes_nothing(
    ledger: Ledger, database: Database
) -> None:
    circuits = Circuits(database)
    circuits.open(1, cause="?", worker="w", now=NOW)
    before = actions(database)
    for batch, actor, refused in (
        (1, OPERATOR, ForbiddenTransition),
        (9, OPERATOR, NotFound),
        (2, Operator(" "), LedgerError),
    ):
        with pytest.raises(refused):
            ask_again(ledger, circuits, batch, actor=actor, reason="now", now=NOW)
    assert actions(database) == before
    assert len(circuits.all()) == 1
