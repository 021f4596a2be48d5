"""The promises of every sink, one test each. A kind of sink without its harness fails by name."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sobank.domain.sink import Outgoing, Presence, Receipt, Sink
from sobank.errors import ConfigFault, NameTaken, SinkError, Transient, Unknown
from sobank.sinks import SINKS, sink_class
from tests.sinks.harnesses import HARNESSES

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
PAYLOAD = b"IBAN FR7630001007941234567890185 VIR SALAIRE".ljust(120) * 3
NAME = "SOBANK_CAB001_fizen_20260302_001.cfonb.txt"
BAD_NAMES = ["a/b", "../a", "..", ".", ".hidden", "a..b", "a\0b", "a\rb", "a\nb", "a\r\n", "", "é", "a" * 201, "a b"]


def outgoing(payload: bytes = PAYLOAD, name: str = NAME) -> Outgoing:
    return Outgoing(
        object_name=name, idempotency_key="k", sha256=hashlib.sha256(payload).hexdigest(), size=len(payload),
        n_statements=3,
    )  # fmt: skip


def put(sink: Sink, payload: bytes = PAYLOAD, *, attempt: int = 1) -> Receipt:
    staging = sink.stage(outgoing(payload), io.BytesIO(payload), attempt=attempt, now=NOW)
    return sink.publish(outgoing(payload), staging=staging, again=False, now=NOW)


@pytest.fixture(params=sorted(SINKS))
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param not in HARNESSES:
        pytest.fail(f"the sink {request.param} has no harness in tests/sinks/harnesses.py")
    return HARNESSES[request.param](tmp_path)


def test_a_sink_is_of_the_kind_under_which_it_is_registered() -> None:
    assert {kind: sink_class(kind).kind for kind in SINKS} == {kind: kind for kind in SINKS}


def test_what_was_put_is_what_the_partner_reads(harness: Any) -> None:
    receipt = put(harness.sink())
    assert harness.final() == {NAME: PAYLOAD}
    assert (receipt.sha256, receipt.size, receipt.at) == (hashlib.sha256(PAYLOAD).hexdigest(), len(PAYLOAD), NOW)
    assert receipt.remote_name.endswith(NAME)


def test_nothing_of_a_delivery_stays_beside_what_was_put(harness: Any) -> None:
    put(harness.sink())
    assert harness.everything() == [NAME]


def test_the_same_bytes_twice_change_nothing(harness: Any) -> None:
    first = put(harness.sink())
    again = put(harness.sink(), attempt=2)
    assert harness.final() == {NAME: PAYLOAD}
    assert harness.everything() == [NAME]
    assert (again.remote_name, again.sha256) == (first.remote_name, first.sha256)


def test_other_bytes_under_the_same_name_are_refused_not_replaced(harness: Any) -> None:
    harness.put_by_hand(NAME, b"what the partner had")
    with pytest.raises(NameTaken):
        put(harness.sink())
    assert harness.final() == {NAME: b"what the partner had"}
    assert harness.sink().probe(outgoing(), staging=None, now=NOW) is Presence.OTHER_BYTES


def test_never_half_a_file_is_under_the_final_name(harness: Any) -> None:
    seen: set[bytes] = set()
    harness.disk.watch = lambda: seen.update(harness.final().values())
    put(harness.sink())
    assert seen == {PAYLOAD}


@pytest.mark.parametrize("operation", ["create", "write", "sync"])
def test_a_transfer_that_is_cut_leaves_no_final_name(harness: Any, operation: str) -> None:
    harness.disk.broken = operation
    with pytest.raises(SinkError):
        put(harness.sink())
    assert harness.final() == {}
    harness.disk.broken = ""
    assert harness.sink().probe(outgoing(), staging=None, now=NOW) is Presence.ABSENT


def test_what_a_worker_that_died_left_does_not_stop_the_next(harness: Any) -> None:
    harness.disk.broken, harness.disk.error = "write", KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        put(harness.sink())
    harness.disk.broken = ""
    put(harness.sink(), attempt=2)
    assert harness.everything() == [NAME]


def test_wrong_rights_are_a_fault_of_configuration_and_nothing_was_sent(harness: Any) -> None:
    with pytest.raises(ConfigFault):
        put(harness.sink_without_rights())
    assert harness.everything() == []


def test_a_wrong_address_is_a_fault_of_configuration_and_nothing_was_sent(harness: Any) -> None:
    for sink in harness.sinks_set_up_wrong():
        with pytest.raises(ConfigFault):
            put(sink)
        with pytest.raises(ConfigFault):
            sink.test()
    assert harness.everything() == []


def test_whatever_operation_fails_the_error_is_of_the_closed_set(harness: Any) -> None:
    for operation in harness.breakable:
        harness.disk.broken = operation
        with pytest.raises((Transient, Unknown, ConfigFault)):
            put(harness.sink())


def test_a_probe_finds_what_is_absent_staged_and_published(harness: Any) -> None:
    sink = harness.sink()
    assert sink.probe(outgoing(), staging=None, now=NOW) is Presence.ABSENT
    staging = sink.stage(outgoing(), io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    assert sink.probe(outgoing(), staging=staging, now=NOW) is Presence.STAGED
    assert sink.probe(outgoing(), staging=None, now=NOW) is Presence.ABSENT
    sink.publish(outgoing(), staging=staging, again=False, now=NOW)
    assert sink.probe(outgoing(), staging=staging, now=NOW) is Presence.PUBLISHED
    assert sink.receipt(outgoing(), staging=staging, now=NOW).sha256 == outgoing().sha256


def test_what_was_published_once_cannot_be_published_again(harness: Any) -> None:
    sink = harness.sink()
    staging = sink.stage(outgoing(), io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    sink.publish(outgoing(), staging=staging, again=False, now=NOW)
    with pytest.raises(Unknown):
        sink.publish(outgoing(), staging=staging, again=False, now=NOW)


def test_what_was_discarded_cannot_be_published(harness: Any) -> None:
    sink = harness.sink()
    staging = sink.stage(outgoing(), io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    sink.discard(outgoing(), staging=staging)
    sink.discard(outgoing(), staging=staging)
    with pytest.raises(Unknown):
        sink.publish(outgoing(), staging=staging, again=False, now=NOW)
    assert harness.everything() == []


def test_bytes_that_are_not_those_sealed_are_not_staged(harness: Any) -> None:
    with pytest.raises(ConfigFault):
        harness.sink().stage(outgoing(), io.BytesIO(PAYLOAD[:-1]), attempt=1, now=NOW)
    assert harness.everything() == []


def test_no_label_and_no_full_iban_is_in_any_message(harness: Any) -> None:
    for operation in harness.breakable:
        harness.disk.broken = operation
        with pytest.raises(SinkError) as raised:
            put(harness.sink())
        assert "FR7630001007941234567890185" not in str(raised.value)
        assert "SALAIRE" not in str(raised.value)


@pytest.mark.parametrize("name", BAD_NAMES, ids=repr)
def test_a_name_that_is_no_plain_name_is_refused(harness: Any, name: str) -> None:
    bad = outgoing(name=name)
    with pytest.raises(ConfigFault):
        harness.sink().stage(bad, io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    with pytest.raises(ConfigFault):
        harness.sink().publish(bad, staging=".x.1.part", again=False, now=NOW)
    assert harness.everything() == []


def test_a_test_of_the_connection_sends_nothing(harness: Any) -> None:
    assert harness.sink().test().reachable
    assert harness.everything() == []
