"""Pushing: order, isolation of destinations, what each kind of failure becomes, and what a person decides (D5–D8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sobank.domain.delivery import Batch, BatchState
from sobank.domain.roles import Operator
from sobank.domain.sink import Sink
from sobank.errors import ConfigFault, Rejected, Transient, Unknown
from sobank.services.attempt import TAKEN
from sobank.services.held import reject_held
from sobank.services.push import push_all, push_batch
from sobank.services.worker import PushReport
from sobank.sinks.folder import FolderSink
from sobank.store import schema
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.faults.partners import PartnerFolder
from tests.faults.seeds import GLOBAL, OTHER_PARTNER, PARTNER, object_name, seed_batch, seed_registry
from tests.faults.worlds import LEASE, World


@pytest.fixture(params=["one after another", "folders side by side", "networks side by side"])
def world(database: Database, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """What is promised of a push holds however its batches share transactions of the ledger."""
    seed_registry(database)
    if request.param == "networks side by side":
        with database.write() as connection:
            connection.execute(sa.update(schema.connectors).values(connection="somewhere"))
    (tmp_path / "partner").mkdir()
    partner = PartnerFolder(folder=tmp_path / "partner", greedy=False)
    spool = ObjectStore((tmp_path / "spool").as_uri())
    at_once = 1 if request.param == "one after another" else 3
    return World(database=database, breaking=database, spool=spool, partner=partner, at_once=at_once)


def seeded(world: World, *batches: tuple[int, str, int]) -> None:
    for batch_id, destination, seq in batches:
        world.expected += seed_batch(world.database, world.spool, batch_id, destination=destination, seq=seq)


class FailsIn:
    """A sink whose `operation` raises `error`, `times` times."""

    def __init__(self, inner: Sink, operation: str, error: Exception, times: int = 1_000) -> None:
        self._inner, self._operation, self._error, self._times = inner, operation, error, times

    def __getattr__(self, name: str) -> Any:
        if name == self._operation and self._times > 0:
            self._times -= 1
            return self._raise
        return getattr(self._inner, name)

    def _raise(self, *_arguments: object, **_named: object) -> None:
        raise self._error


def state(world: World, batch_id: int = 1) -> BatchState:
    return Ledger(world.database).batch(batch_id).state


def failing(world: World, operation: str, error: Exception, times: int = 1_000) -> None:
    world.sink_around = lambda sink: FailsIn(sink, operation, error, times)  # type: ignore[assignment, return-value]


def test_every_open_batch_is_delivered_and_a_second_push_changes_nothing(world: World) -> None:
    seeded(world, (1, PARTNER, 1), (2, PARTNER, 2), (3, OTHER_PARTNER, 1), (4, GLOBAL, 1))
    assert world.push() == PushReport(delivered=4)
    assert world.partner.violations(world.expected) == []
    assert world.push() == PushReport()
    assert len(world.partner.received()) == 4


def test_a_destination_that_cannot_advance_keeps_its_order_and_stops_no_other(world: World) -> None:
    seeded(world, (1, PARTNER, 1), (2, PARTNER, 2), (3, OTHER_PARTNER, 1), (4, GLOBAL, 1))

    def sink_of(batch: Batch) -> Sink:
        if batch.destination == PARTNER:
            return FolderSink(world.partner.folder / "missing")
        return world.sink_of(batch)

    report = push_all(world.worker("w"), sink_of, Ledger(world.database).open_batches())
    assert (report.delivered, report.pending, list(report.errors)) == (2, 2, [PARTNER])
    assert {name for name, _ in world.partner.received()} == {object_name(3), object_name(4)}
    assert (state(world, 1), state(world, 2)) == (BatchState.SEALED, BatchState.SEALED)


def test_a_sink_that_cannot_be_made_stops_its_destination_only(world: World) -> None:
    seeded(world, (1, PARTNER, 1), (3, OTHER_PARTNER, 1))

    def sink_of(batch: Batch) -> Sink:
        if batch.destination == PARTNER:
            raise RuntimeError("secret")
        return world.sink_of(batch)

    report = push_all(world.worker("w"), sink_of, Ledger(world.database).open_batches())
    assert (report.delivered, report.pending, report.errors) == (1, 1, {PARTNER: "RuntimeError"})


@pytest.mark.parametrize(
    ("operation", "error", "ends"),
    [
        ("stage", Transient("full"), BatchState.SEALED),
        ("stage", ConfigFault("no rights"), BatchState.SEALED),
        ("stage", Unknown("no answer"), BatchState.UNCERTAIN),
        ("stage", RuntimeError("?"), BatchState.UNCERTAIN),
        ("publish", Unknown("no answer"), BatchState.UNCERTAIN),
        ("publish", ValueError("?"), BatchState.UNCERTAIN),
        ("publish", Rejected("not these bytes"), BatchState.REJECTED),
    ],
)
def test_every_kind_of_failure_ends_in_a_state_that_is_not_delivered(
    world: World, operation: str, error: Exception, ends: BatchState
) -> None:
    seeded(world, (1, PARTNER, 1))
    failing(world, operation, error)
    assert world.push().delivered == 0
    assert state(world) is ends


def test_an_error_while_looking_never_ends_the_doubt(world: World) -> None:
    seeded(world, (1, PARTNER, 1))
    failing(world, "stage", Unknown("no answer"))
    world.push()
    for error in (Transient("full"), Rejected("?"), ConfigFault("no rights")):
        failing(world, "probe", error)
        world.push()
        assert state(world) is BatchState.UNCERTAIN


@pytest.mark.parametrize("error", [Transient("full"), Unknown("no answer")])
def test_what_may_pass_is_tried_again_a_bounded_number_of_times_with_longer_pauses(
    world: World, error: Exception
) -> None:
    seeded(world, (1, PARTNER, 1))
    failing(world, "stage", error)
    pauses: list[float] = []
    worker = replace(world.worker("w", attempts=4), sleep=pauses.append, draw=lambda: 1.0)
    batch = worker.ledger.batch(1)
    assert push_batch(worker, world.sink_of(batch), batch).error == str(error)
    assert pauses == sorted(pauses)
    assert len(pauses) == 3
    failing(world, "stage", error, times=2)
    assert push_batch(worker, world.sink_of(batch), batch).state is BatchState.DELIVERED
    assert world.partner.violations(world.expected) == []


def test_other_bytes_under_the_name_hold_the_batch_until_a_person_decides(world: World) -> None:
    seeded(world, (1, PARTNER, 1), (2, PARTNER, 2))
    foreign = world.partner.folder / object_name(1)
    foreign.write_bytes(b"foreign")
    report = world.push()
    assert (report.held, report.pending) == (1, 1)
    assert foreign.read_bytes() == b"foreign"
    assert world.push().held == 1
    foreign.unlink()
    Ledger(world.database).release(1, actor="anne", role=None, reason="removed it", now=world.clock())
    assert world.push() == PushReport(delivered=2)
    assert world.partner.violations(world.expected) == []


@pytest.mark.parametrize("answers", [True, False], ids=["published", "staged only"])
def test_a_batch_staged_before_the_address_of_its_connector_changed_arrives_where_it_was_staged(
    world: World, answers: bool
) -> None:
    seeded(world, (1, PARTNER, 1), (2, PARTNER, 2))
    elsewhere = world.partner.folder.parent / "elsewhere"
    elsewhere.mkdir()
    failing(world, "publish", Unknown("no answer"))
    world.push()
    if answers:
        staged = next(world.partner.folder.glob(".*.part"))
        staged.rename(world.partner.folder / object_name(1))
    report = push_all(world.worker("w"), lambda _: FolderSink(elsewhere), Ledger(world.database).open_batches())
    assert report == PushReport(delivered=2)
    assert [name for name, _ in world.partner.received()] == [object_name(1)]
    assert [path.name for path in elsewhere.iterdir()] == [object_name(2)]
    with world.database.read() as connection:
        receipt = connection.scalar(sa.select(schema.batches.c.receipt).where(schema.batches.c.id == 1))
    assert receipt["remote_name"] == str(world.partner.folder / object_name(1))


def test_a_held_batch_that_is_rejected_leaves_nothing_to_publish(world: World) -> None:
    seeded(world, (1, PARTNER, 1))
    foreign = world.partner.folder / object_name(1)
    foreign.write_bytes(b"foreign")
    world.push()
    ledger = Ledger(world.database)
    sink = world.sink_of(ledger.batch(1))
    reject_held(ledger, sink, 1, actor=Operator("anne"), reason="sent by post", now=world.clock())
    assert [path.name for path in world.partner.folder.iterdir()] == [foreign.name]
    assert state(world) is BatchState.REJECTED


def test_what_a_partner_took_before_it_was_recorded_is_delivered_with_a_receipt_that_says_so(world: World) -> None:
    seeded(world, (1, PARTNER, 1))
    world.partner.greedy = True
    publish: Callable[..., Any] = FolderSink.publish

    class LosesTheAnswer(FailsIn):
        def _raise(self, *arguments: Any, **named: Any) -> None:
            publish(self._inner, *arguments, **named)
            raise Unknown("no answer")

    world.sink_around = lambda sink: LosesTheAnswer(sink, "publish", Unknown("no answer"))  # type: ignore[assignment, return-value]
    world.push()
    assert state(world) is BatchState.UNCERTAIN
    world.push()
    with world.database.read() as connection:
        assert connection.scalar(sa.select(schema.batches.c.receipt))["answer"] == TAKEN
    assert world.partner.violations(world.expected) == []


def test_a_payload_that_is_gone_from_the_spool_sends_nothing_and_says_what_to_do(world: World) -> None:
    seeded(world, (1, PARTNER, 1))
    empty = replace(world.worker("w"), spool=ObjectStore((world.partner.folder.parent / "empty").as_uri()))
    report = push_all(empty, world.sink_of, empty.ledger.open_batches())
    assert "restore the folder from its backup" in report.errors[PARTNER]
    assert state(world) is BatchState.SEALED
    assert world.partner.received() == []


def test_a_batch_in_the_hands_of_another_worker_is_left_to_it(world: World) -> None:
    seeded(world, (1, PARTNER, 1))
    Ledger(world.database).claim(1, worker="other", now=world.clock(), lease=LEASE)
    report = world.push()
    assert (report.pending, "another worker" in report.errors[PARTNER]) == (1, True)
    assert world.partner.received() == []


def test_a_batch_whose_mandate_was_revoked_is_cancelled_and_the_next_one_goes(world: World) -> None:
    seeded(world, (1, PARTNER, 1), (2, PARTNER, 2))
    with world.database.write() as connection:
        connection.execute(sa.text("UPDATE mandates SET step = 'revoked' WHERE id = 1000"))
    assert world.push() == PushReport(delivered=1, cancelled=1)
    assert [name for name, _ in world.partner.received()] == [object_name(2)]
