"""The promises of every sink, one test each, on its real server. A kind of sink without its harness fails by name."""

from __future__ import annotations

import copy
import hashlib
import io
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sobank.domain.delivery import BatchState
from sobank.domain.sink import Outgoing, Presence, Receipt, Sink
from sobank.errors import ConfigFault, Doubtful, NameTaken, SinkError, SobankError, Unknown
from sobank.services.push import push_batch
from sobank.sinks import SINKS, sink_class
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.faults.partners import PartnerFolder
from tests.faults.seeds import seed_batch, seed_registry
from tests.faults.worlds import Clock, World
from tests.sinks.harnesses import BY_CONTENT, HARNESSES, Harness

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
IBAN, LABEL = "FR7630001007941234567890185", "SALAIRE"
PAYLOAD = f"IBAN {IBAN} VIR {LABEL}".encode().ljust(120) * 3
NAME = "SOBANK_CAB001_fizen_20260302_001.cfonb.txt"
BAD_NAMES = ["a/b", "../a", "..", ".", ".hidden", "a..b", "a\0b", "a\rb", "a\nb", "a\r\n", "", "é", "a" * 201, "a b"]


STAGED_BY = {
    "folder": f"/elsewhere/.{NAME}.1.part",
    "sftp": f"sftp://sobank@partner.example:22/in/.{NAME}.1.part",
    "https": f"https://partner.example/in/{NAME}#for=generic#sent-after=2026-03-03T12:00:00+00:00",
    "s3": f"https://partner.example/bucket/{NAME}?upload=u&region=r&parts=p&since=2026-03-03T12%3A00%3A00%2B00%3A00",
}


def outgoing(payload: bytes = PAYLOAD, name: str = NAME) -> Outgoing:
    return Outgoing(
        object_name=name, idempotency_key=f"key-{name}", sha256=hashlib.sha256(payload).hexdigest(), size=len(payload),
        n_statements=3,
    )  # fmt: skip


def stage(sink: Sink, payload: bytes = PAYLOAD, *, attempt: int = 1) -> str:
    return sink.stage(outgoing(payload), io.BytesIO(payload), attempt=attempt, now=NOW)


def publish(sink: Sink, staging: str, payload: bytes = PAYLOAD, *, again: bool = False) -> Receipt:
    return sink.publish(outgoing(payload), staging=staging, again=again, now=NOW)


def probe(sink: Sink, staging: str | None) -> Presence:
    return sink.probe(outgoing(), staging=staging, now=NOW)


def put(sink: Sink, payload: bytes = PAYLOAD, *, attempt: int = 1) -> Receipt:
    return publish(sink, stage(sink, payload, attempt=attempt), payload)


@pytest.fixture(params=sorted(SINKS.keys() | HARNESSES.keys()))
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Harness]:
    if request.param not in HARNESSES:
        pytest.fail(f"the sink {request.param} has no harness in tests/sinks/harnesses.py")
    made = HARNESSES[request.param](tmp_path)
    yield made
    made.close()


def test_a_sink_is_of_the_kind_under_which_it_is_registered() -> None:
    assert {kind: sink_class(kind).kind for kind in SINKS} == {kind: kind for kind in SINKS}


def test_what_was_put_is_what_the_partner_reads(harness: Harness) -> None:
    receipt = put(harness.sink())
    assert harness.final() == {NAME: PAYLOAD}
    assert (receipt.sha256, receipt.size, receipt.at) == (hashlib.sha256(PAYLOAD).hexdigest(), len(PAYLOAD), NOW)
    assert NAME in receipt.remote_name


def test_nothing_of_a_delivery_stays_beside_what_was_put(harness: Harness) -> None:
    put(harness.sink())
    assert harness.everything() == [NAME]


def test_the_same_bytes_twice_change_nothing(harness: Harness) -> None:
    first = put(harness.sink())
    staging = stage(harness.sink(), attempt=2)
    again = publish(harness.sink(), staging, again=True)
    assert harness.received() == [(NAME, PAYLOAD)]
    assert harness.everything() == [NAME]
    assert (again.remote_name, again.sha256) == (first.remote_name, first.sha256)


def test_other_bytes_under_the_same_name_are_refused_not_replaced(harness: Harness) -> None:
    harness.put_by_hand(NAME, b"what the partner had")
    if isinstance(harness, BY_CONTENT):
        put(harness.sink())
        assert sorted(harness.received()) == sorted([(NAME, b"what the partner had"), (NAME, PAYLOAD)])
        return
    with pytest.raises(NameTaken):
        put(harness.sink())
    assert harness.final() == {NAME: b"what the partner had"}


def test_what_is_gone_before_it_was_ever_published_is_never_thought_to_have_been_taken(harness: Harness) -> None:
    sink = harness.sink()
    if not sink.holds_staged:
        return
    staging = stage(sink)
    sink.discard(outgoing(), staging=staging)
    with pytest.raises(Doubtful):
        publish(sink, staging)
    with pytest.raises(Unknown):
        publish(sink, staging, again=True)


@pytest.mark.parametrize("kind", STAGED_BY)
def test_of_what_a_sink_of_another_kind_staged_nobody_can_know(harness: Harness, kind: str) -> None:
    sink = harness.sink()
    if sink.kind != kind:
        assert probe(sink, STAGED_BY[kind]) is Presence.UNKNOWABLE


def test_never_half_a_file_is_under_the_final_name(harness: Harness) -> None:
    seen: set[bytes] = set()
    harness.watch(lambda: seen.update(harness.final().values()))
    put(harness.sink())
    assert seen | set(harness.final().values()) == {PAYLOAD}


def test_a_transfer_that_is_cut_leaves_no_final_name(harness: Harness) -> None:
    for operation in harness.breakable[:-1]:
        harness.break_in(operation, ConnectionResetError("cut"))
        with pytest.raises(SinkError):
            put(harness.sink())
        assert harness.final() == {}, operation
        harness.mend()
        assert probe(harness.sink(), None) is Presence.ABSENT


def test_what_a_worker_that_died_left_does_not_stop_the_next(harness: Harness) -> None:
    for attempt, operation in enumerate(harness.breakable[:-1], start=1):
        harness.break_in(operation, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            put(harness.sink(), attempt=attempt)
    harness.mend()
    put(harness.sink(), attempt=len(harness.breakable))
    assert harness.received() == [(NAME, PAYLOAD)]
    assert harness.everything() == [NAME]


def test_whoever_is_not_let_in_has_a_fault_of_configuration_and_sends_no_byte(harness: Harness) -> None:
    for sink in harness.sinks_refused():
        with pytest.raises(ConfigFault):
            put(sink)
    assert harness.payload_bytes_seen() == 0
    assert harness.everything() == []


def test_a_wrong_address_is_a_fault_of_configuration_and_nothing_was_stored(harness: Harness) -> None:
    for sink in harness.sinks_set_up_wrong():
        with pytest.raises(ConfigFault):
            put(sink)
        with pytest.raises(ConfigFault):
            sink.test()
    assert harness.everything() == []


def test_whatever_fails_wherever_the_batch_is_not_delivered(
    harness: Harness, sqlite_database: Database, tmp_path: Path
) -> None:
    """The partner never has it under a final name, so `delivered` would be a lie, whatever the exception."""
    seed_registry(sqlite_database)
    world = World(
        database=sqlite_database,
        breaking=sqlite_database,
        spool=ObjectStore((tmp_path / "spool").as_uri()),
        partner=PartnerFolder(folder=tmp_path, greedy=False),
        clock=Clock(NOW),
    )
    ledger, batch_id = Ledger(sqlite_database), 0
    for operation in harness.breakable:
        for error in harness.errors:
            batch_id += 1
            seed_batch(sqlite_database, world.spool, batch_id, seq=batch_id)
            harness.break_in(operation, error)
            with suppress(SobankError):
                push_batch(world.worker("w"), harness.sink(), ledger.batch(batch_id))
            state = ledger.batch(batch_id).state
            assert state not in {BatchState.DELIVERED, BatchState.REJECTED}, (operation, error)
            harness.mend()
            assert not harness.final(), (operation, error)
            _put_out_of_the_way(world, batch_id)


def _put_out_of_the_way(world: World, batch_id: int) -> None:
    """Let the next batch of the destination be first (D5)."""
    with world.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE batches SET state = 'rejected' WHERE id = {batch_id}")


def test_whatever_operation_fails_the_error_is_of_the_closed_set_and_tells_nothing(harness: Harness) -> None:
    unspeakable = (IBAN, LABEL, *harness.secrets)
    for operation in harness.breakable:
        for error in map(copy.copy, harness.errors):
            error.args = (f"{error.args} {unspeakable}",)
            harness.break_in(operation, error)
            with pytest.raises(Exception) as raised:  # noqa: PT011  a foreign one is the caller's Unknown
                put(harness.sink())
            assert isinstance(raised.value, SinkError) or raised.value is error
            if isinstance(raised.value, SinkError):
                shown = "".join(traceback.format_exception(raised.value))
                assert not [word for word in unspeakable if word in shown], (operation, error)
            harness.mend()


def test_a_probe_finds_what_is_absent_staged_and_published(harness: Harness) -> None:
    sink = harness.sink()
    assert probe(sink, None) is Presence.ABSENT
    staging = stage(sink)
    assert probe(sink, staging) is Presence.STAGED
    assert probe(sink, None) is Presence.ABSENT
    publish(sink, staging)
    if sink.holds_staged:
        assert probe(sink, staging) is Presence.PUBLISHED
        assert sink.receipt(outgoing(), staging=staging, now=NOW).sha256 == outgoing().sha256


def test_what_was_published_is_never_published_again(harness: Harness) -> None:
    sink = harness.sink()
    staging = stage(sink)
    publish(sink, staging)
    with suppress(SinkError):
        publish(sink, staging, again=True)
    assert harness.received() == [(NAME, PAYLOAD)]


def test_what_was_discarded_is_not_at_the_partners(harness: Harness) -> None:
    sink = harness.sink()
    staging = stage(sink)
    sink.discard(outgoing(), staging=staging)
    sink.discard(outgoing(), staging=staging)
    assert harness.everything() == []
    if sink.holds_staged:
        with pytest.raises(SinkError):
            publish(sink, staging)
        assert harness.everything() == []


def test_bytes_that_are_not_those_sealed_are_not_staged(harness: Harness) -> None:
    for wrong in (PAYLOAD[:-1], PAYLOAD + b"x", PAYLOAD[:-1] + b"x", b""):
        with pytest.raises(ConfigFault):
            harness.sink().stage(outgoing(), io.BytesIO(wrong), attempt=1, now=NOW)
    assert harness.everything() == []


def test_no_secret_is_in_the_picture_of_a_sink_or_its_test(harness: Harness) -> None:
    sink = harness.sink()
    shown = f"{sink!r} {sink.test()!r} {stage(sink)}"
    assert not [secret for secret in harness.secrets if secret in shown]


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_a_name_that_is_no_plain_name_is_refused(harness: Harness, name: str) -> None:
    bad, sink = outgoing(name=name), harness.sink()
    with pytest.raises(ConfigFault):
        sink.stage(bad, io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    with pytest.raises(ConfigFault):
        sink.publish(bad, staging=".x.1.part", again=False, now=NOW)
    with pytest.raises(ConfigFault):
        sink.probe(bad, staging=None, now=NOW)
    assert harness.everything() == []


def test_a_test_of_the_connection_sends_nothing(harness: Harness) -> None:
    assert harness.sink().test().reachable
    assert harness.everything() == []
    assert harness.payload_bytes_seen() == 0
