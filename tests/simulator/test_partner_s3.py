"""The simulated store of objects: who is let in, what goes wrong when told to, and what the partner's inbox shows."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from sobank.errors import SinkError
from sobank.simulator.partner_s3 import S3Partner
from sobank.simulator.script import Fault, Script
from sobank.sinks.s3 import S3Sink
from tests.sinks.harness_s3 import reach
from tests.sinks.test_contract import NAME, NOW, PAYLOAD, outgoing, put

_MET_BY = {"head": "test", "uploads": "test"}


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[S3Partner]:
    with S3Partner(tmp_path / "partner") as made:
        yield made
        made.inbox.empty()


def test_whoever_did_not_sign_is_not_let_in(partner: S3Partner) -> None:
    for method in ("GET", "PUT"):
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(f"{partner.endpoint}/{partner.inbox.bucket}/releves/x", method=method, data=b"x"))  # noqa: S310
    assert partner.inbox.final() == {}


def test_a_greedy_partner_takes_an_object_the_moment_it_appears(tmp_path: Path) -> None:
    with S3Partner(tmp_path / "partner", greedy=True) as partner:
        put(S3Sink.of(reach(partner, tmp_path)))
        assert partner.inbox.final() == {}
        assert partner.inbox.received() == [(NAME, PAYLOAD)]


def test_what_comes_twice_is_seen_twice(tmp_path: Path) -> None:
    with S3Partner(tmp_path / "partner", greedy=True) as partner:
        for attempt in (1, 2):
            put(S3Sink.of(reach(partner, tmp_path)), attempt=attempt)
        assert partner.inbox.received() == [(NAME, PAYLOAD)] * 2


def test_partners_of_one_process_do_not_see_one_another(partner: S3Partner, tmp_path: Path) -> None:
    with S3Partner(tmp_path / "second") as second:
        put(S3Sink.of(reach(second, tmp_path)))
        assert partner.inbox.final() == {}


def test_a_partner_who_is_reset_has_nothing_and_behaves(partner: S3Partner, tmp_path: Path) -> None:
    sink = S3Sink.of(reach(partner, tmp_path))
    put(sink)
    sink.stage(outgoing(), io.BytesIO(PAYLOAD), attempt=2, now=NOW)
    partner.script.add("create", Fault.ERROR_BEFORE_COMMIT)
    partner.reset()
    assert (partner.inbox.received(), partner.inbox.open_uploads(), partner.payload_bytes) == ([], [], 0)
    put(sink)


@pytest.mark.parametrize("operation", sorted(S3Partner.operations - {"abort"}))
def test_every_operation_of_the_script_is_one_that_a_delivery_or_a_test_meets(
    partner: S3Partner, tmp_path: Path, operation: str
) -> None:
    partner.script.add(operation, Fault.PERMISSION_DENIED)
    sink = S3Sink.of(reach(partner, tmp_path))
    with pytest.raises(SinkError):
        sink.test() if operation in _MET_BY else put(sink)
    assert partner.script.take(operation) is None


@pytest.mark.parametrize("fault", sorted(S3Partner.faults - {Fault.BLACK_HOLE, Fault.DRIP}))
def test_every_fault_of_the_script_stops_a_delivery(partner: S3Partner, tmp_path: Path, fault: Fault) -> None:
    partner.script.add("part", fault)
    with pytest.raises(SinkError):
        put(S3Sink.of(reach(partner, tmp_path)))
    assert partner.inbox.received() == []


def test_a_script_file_names_its_operations_and_faults(tmp_path: Path) -> None:
    path = tmp_path / "script.jsonl"
    path.write_text('{"on": "complete", "do": "lose_answer", "times": 2}\n')
    script = Script.read(path, operations=S3Partner.operations, faults=S3Partner.faults)
    assert script.take("complete") is Fault.LOSE_ANSWER


def test_nobody_who_does_not_start_a_store_needs_moto() -> None:
    code = "import sys; sys.modules['moto'] = None; import sobank.simulator.partner_s3"
    subprocess.run([sys.executable, "-c", code], check=True)
