"""A connector that is set up wrong is left alone, and a partner who asks for a pause gets it (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from sobank.domain.circuit import LONGEST_WAIT, CircuitKind, asked_pause, config_pause, wait_before
from sobank.domain.delivery import BatchState
from sobank.domain.roles import Operator
from sobank.domain.sink import ConnectionReport, Outgoing, Presence, Receipt
from sobank.errors import ConfigFault, Doubtful, ForbiddenTransition, LedgerError, Transient, Unknown
from sobank.services.held import ask_again, confirm_held, reject_held, release_held
from sobank.services.push import push_all
from sobank.store.circuits import Circuits
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from sobank.store.schema import audit_events, batches
from tests.faults.partners import PartnerFolder
from tests.faults.seeds import OTHER_PARTNER, PARTNER, seed_batch, seed_registry
from tests.faults.worlds import World

CONNECTOR = 1


@dataclass
class Intake:
    """A partner's API without staging: `answers` are raised or, where None, it takes the bytes."""

    answers: list[Exception | None] = field(default_factory=list)
    looks: list[Presence] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    asked: int = 0
    kind: str = "intake"
    holds_staged: bool = False

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:
        self.asked += 1
        return self.looks.pop(0) if self.looks else (Presence.STAGED if staging else Presence.ABSENT)

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:
        return f"sent-after={now.isoformat()}"

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        self.got.append(outgoing.object_name)
        return Receipt(remote_name=outgoing.object_name, sha256=outgoing.sha256, size=outgoing.size, at=now)

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        return Receipt(remote_name=outgoing.object_name, sha256=outgoing.sha256, size=outgoing.size, at=now)

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        self.asked += 1

    def test(self) -> ConnectionReport:
        return ConnectionReport(reachable=True)


@pytest.fixture
def world(database: Database, tmp_path: Path) -> World:
    seed_registry(database)
    (tmp_path / "partner").mkdir()
    made = World(
        database=database, breaking=database, spool=ObjectStore((tmp_path / "spool").as_uri()),
        partner=PartnerFolder(folder=tmp_path / "partner", greedy=False),
    )  # fmt: skip
    seed_batch(database, made.spool, 1, destination=PARTNER)
    seed_batch(database, made.spool, 2, destination=PARTNER, seq=2)
    return made


def through(world: World, intake: Intake) -> None:
    world.sink_around = lambda sink: intake  # type: ignore[assignment,return-value]


def circuit(world: World) -> Any:
    found = Circuits(world.database).all()
    return found[0] if found else None


def events(world: World) -> list[tuple[str, str, str | None]]:
    c = audit_events.c
    with world.database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(c.action, c.actor, c.reason).order_by(c.id))]


def state(world: World, batch_id: int = 1) -> BatchState:
    return Ledger(world.database).batch(batch_id).state


def staging(world: World, batch_id: int = 1) -> str | None:
    return Ledger(world.database).batch(batch_id).staging


def test_a_fault_of_configuration_opens_the_circuit_alerts_once_and_keeps_everything(world: World) -> None:
    intake = Intake(answers=[ConfigFault("the token is refused")] * 9)
    through(world, intake)
    report = world.push()
    assert (report.delivered, report.pending) == (0, 2)
    assert (state(world, 1), state(world, 2)) == (BatchState.SEALED, BatchState.SEALED)
    assert circuit(world).kind is CircuitKind.CONFIG
    tried = intake.asked
    for _ in range(3):
        report = world.push()
    assert intake.asked == tried, "an open circuit is not knocked at"
    assert "circuit is open" in report.errors[PARTNER]
    assert "the token is refused" in report.errors[PARTNER]
    assert len(world.alerts) == 1
    assert [action for action, _, _ in events(world)] == ["circuit.open"]


def test_an_open_circuit_stops_no_other_destination(world: World) -> None:
    world.expected = seed_batch(world.database, world.spool, 3, destination=OTHER_PARTNER)
    Circuits(world.database).open(CONNECTOR, cause="?", worker="w", now=world.clock())
    report = world.push()
    assert (report.delivered, report.pending, list(report.errors)) == (1, 2, [PARTNER])
    assert world.partner.violations(world.expected) == []


def test_after_the_pause_one_batch_tries_and_when_it_arrives_the_circuit_closes_and_the_rest_follows(
    world: World,
) -> None:
    intake = Intake(answers=[ConfigFault("the token is refused")])
    through(world, intake)
    world.push()
    world.clock.at = circuit(world).until
    assert world.push().delivered == 2
    assert circuit(world) is None
    assert [action for action, _, _ in events(world)] == ["circuit.open", "circuit.close"]


def test_each_failed_try_doubles_the_pause_up_to_an_hour_without_a_new_alert(world: World) -> None:
    through(world, Intake(answers=[ConfigFault("the token is refused")] * 9))
    pauses = []
    for _ in range(7):
        world.push()
        pauses.append(circuit(world).until - world.clock())
        world.clock.at = circuit(world).until
    assert [pause.total_seconds() / 60 for pause in pauses] == [5, 10, 20, 40, 60, 60, 60]
    assert len(world.alerts) == 1


def test_of_several_workers_who_come_when_the_pause_is_over_one_tries(world: World) -> None:
    circuits = Circuits(world.database)
    circuits.open(CONNECTOR, cause="?", worker="w", now=world.clock())
    world.clock.at = circuit(world).until
    assert [circuits.enter(CONNECTOR, now=world.clock()) is None for _ in range(4)] == [True, False, False, False]


def test_a_pause_that_the_partner_asks_for_is_kept_within_the_push_when_it_is_short(world: World) -> None:
    through(world, Intake(answers=[Transient("slow down", retry_after=20)]))
    slept: list[float] = []
    worker = replace(world.worker("w", attempts=2), sleep=slept.append, draw=lambda: 0.0)
    assert push_all(worker, world.sink_of, worker.ledger.open_batches()).delivered == 2
    assert slept == [20.0]
    assert circuit(world) is None


def test_a_long_pause_that_the_partner_asks_for_ends_the_push_and_binds_the_next_ones(world: World) -> None:
    intake = Intake(answers=[Transient("slow down", retry_after=600)])
    through(world, intake)
    slept: list[float] = []
    worker = replace(world.worker("w", attempts=3), sleep=slept.append)
    report = push_all(worker, world.sink_of, worker.ledger.open_batches())
    assert (report.delivered, slept, intake.asked) == (0, [], 1)
    assert circuit(world).kind is CircuitKind.ASKED
    assert (world.alerts, events(world)) == ([], [])
    world.clock.at += timedelta(seconds=599)
    assert "asked to be left alone" in world.push().errors[PARTNER]
    world.clock.at += timedelta(seconds=1)
    assert world.push().delivered == 2
    assert circuit(world) is None


def test_whatever_the_partner_asks_for_is_capped_at_an_hour(world: World) -> None:
    through(world, Intake(answers=[Transient("slow down", retry_after=10**9)]))
    world.push()
    assert circuit(world).until - world.clock() == timedelta(hours=1)


def test_asking_for_a_pause_does_not_hide_a_fault_of_configuration(world: World) -> None:
    circuits = Circuits(world.database)
    circuits.open(CONNECTOR, cause="the token is refused", worker="w", now=world.clock())
    circuits.rest(CONNECTOR, seconds=1, cause="slow down", now=world.clock())
    assert (circuit(world).kind, circuit(world).cause) == (CircuitKind.CONFIG, "the token is refused")


@given(attempt=st.integers(1, 40), asked=st.none() | st.floats(0, 1e6), drawn=st.floats(0, 1, exclude_max=True))
def test_pauses_are_spread_bounded_and_never_shorter_than_asked(
    attempt: int, asked: float | None, drawn: float
) -> None:
    wait = wait_before(attempt, asked=asked, draw=lambda: drawn)
    if wait is None:
        assert asked is not None
        assert asked > LONGEST_WAIT
    else:
        assert (asked or 0) <= wait <= LONGEST_WAIT


@given(faults=st.integers(1, 10_000), seconds=st.floats(allow_nan=False))
def test_pauses_of_a_circuit_are_between_nothing_and_an_hour(faults: int, seconds: float) -> None:
    assert timedelta(minutes=5) <= config_pause(faults) <= timedelta(hours=1)
    assert timedelta(0) <= asked_pause(seconds) <= timedelta(hours=1)


def test_a_first_send_that_was_refused_is_forgotten_and_sent_anew(world: World) -> None:
    intake = Intake(answers=[Transient("busy")], looks=[Presence.UNKNOWABLE])
    through(world, intake)
    world.push()
    assert (state(world), staging(world)) == (BatchState.SEALED, None)
    assert world.push().delivered == 2, "nothing can have left, so nobody need be asked"


def test_a_refusal_after_a_lost_answer_does_not_make_the_first_send_undone(world: World) -> None:
    intake = Intake(answers=[Unknown("no answer"), Transient("busy")])
    through(world, intake)
    world.push()
    first = staging(world)
    world.push()
    assert (state(world), staging(world)) == (BatchState.SEALED, first)
    intake.looks = [Presence.UNKNOWABLE]
    assert world.push().held == 1


@pytest.fixture
def held(world: World) -> Intake:
    """The answer was lost, the partner cannot be asked, and he would take it twice."""
    intake = Intake(answers=[Unknown("no answer")], looks=[Presence.UNKNOWABLE])
    through(world, intake)
    world.push()
    assert world.push().held == 1
    return intake


def by(world: World) -> dict[str, Any]:
    return {"actor": Operator("anne"), "reason": "asked the partner", "now": world.clock()}


def test_what_nobody_can_know_is_held_and_nothing_overtakes_it(world: World, held: Intake) -> None:
    assert (state(world, 1), state(world, 2)) == (BatchState.HELD, BatchState.SEALED)
    assert held.got == []
    for _ in range(3):
        world.push()
    assert held.got == []


def test_a_held_batch_that_the_partner_does_not_have_is_sent_on_a_persons_word(world: World, held: Intake) -> None:
    release_held(Ledger(world.database), held, 1, **by(world))  # type: ignore[arg-type]
    assert world.push().delivered == 2
    assert len(held.got) == 2


def test_a_held_batch_that_the_partner_has_is_delivered_on_a_persons_word_and_never_sent(
    world: World, held: Intake
) -> None:
    confirm_held(Ledger(world.database), held, 1, **by(world))  # type: ignore[arg-type]
    assert world.push().delivered == 1
    assert len(held.got) == 1
    with world.database.read() as connection:
        receipt = connection.scalar(sa.select(batches.c.receipt).where(batches.c.id == 1))
    assert receipt["answer"] == "confirmed by anne: asked the partner"
    assert ("batch.confirmed_by_person", "anne", "asked the partner") in events(world)


def test_a_held_batch_that_is_given_up_lets_the_next_leave(world: World, held: Intake) -> None:
    reject_held(Ledger(world.database), held, 1, **by(world))  # type: ignore[arg-type]
    assert world.push().delivered == 1


@pytest.mark.parametrize("decide", [release_held, confirm_held, reject_held])
def test_only_what_is_held_is_decided_by_a_person_and_only_with_name_and_reason(
    world: World, decide: Callable[..., None]
) -> None:
    intake = Intake()
    for given_by in ({"actor": Operator(" ")}, {"reason": ""}):
        with pytest.raises(LedgerError):
            decide(Ledger(world.database), intake, 1, **(by(world) | given_by))
    with pytest.raises(ForbiddenTransition):
        decide(Ledger(world.database), intake, 1, **by(world))
    assert (state(world), intake.asked, events(world)) == (BatchState.SEALED, 0, [])


def test_a_person_who_asks_for_a_try_closes_the_circuit_and_is_remembered(world: World) -> None:
    ledger, circuits = Ledger(world.database), Circuits(world.database)
    circuits.open(CONNECTOR, cause="?", worker="w", now=world.clock())
    assert ask_again(ledger, circuits, 1, **by(world)) == PARTNER
    assert circuit(world) is None
    assert [(action, actor) for action, actor, _ in events(world)] == [
        ("circuit.open", "w"),
        ("batch.retry", "anne"),
        ("circuit.close", "anne"),
    ]


def test_an_answer_that_tells_nothing_holds_the_batch(world: World) -> None:
    through(world, Intake(answers=[Doubtful("nobody knows")]))
    assert world.push().held == 1


def test_a_late_success_does_not_close_a_circuit_that_was_opened_since(world: World) -> None:
    circuits = Circuits(world.database)
    circuits.open(CONNECTOR, cause="?", worker="w", now=world.clock())
    seen = circuit(world)
    circuits.close(CONNECTOR, actor="anne", reason="mended", now=world.clock())
    world.clock.at += timedelta(minutes=1)
    circuits.open(CONNECTOR, cause="the new token is refused", worker="w", now=world.clock())
    assert circuits.close(CONNECTOR, actor="w", reason="?", now=world.clock(), opened_at=seen.opened_at) is None
    assert circuit(world).cause == "the new token is refused"


def test_a_circuit_that_cannot_be_kept_stops_no_other_destination(world: World) -> None:
    world.expected = seed_batch(world.database, world.spool, 3, destination=OTHER_PARTNER)

    class Broken(Circuits):
        def open(self, *_: Any, **__: Any) -> bool:
            raise RuntimeError("a secret")

    worker = replace(world.worker("w"), circuits=Broken(world.database))
    intake = Intake(answers=[ConfigFault("the token is refused")])
    report = push_all(
        worker,
        lambda batch: intake if batch.destination == PARTNER else world.sink_of(batch),  # type: ignore[arg-type,return-value]
        worker.ledger.open_batches(),
    )
    assert (report.delivered, report.pending, report.errors) == (1, 2, {PARTNER: "RuntimeError"})
    assert world.partner.violations(world.expected) == []
