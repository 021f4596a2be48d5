"""What the S3 sink promises beyond the suite of all sinks: parts, conditions, keys, addresses, and lost answers."""

from __future__ import annotations

import io
import ssl
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from sobank.domain.sink import Login, Presence
from sobank.errors import ConfigFault, ConfigurationError, NameTaken, SinkError, Transient, Unknown
from sobank.simulator.partner_s3 import S3Partner
from sobank.simulator.script import Fault
from sobank.sinks import sink_class
from sobank.sinks.names import TAKEN
from sobank.sinks.s3 import S3Sink
from sobank.sinks.s3_address import access_of, place_of, read_staging
from sobank.sinks.s3_bucket import Bucket
from tests.sinks.harness_s3 import S3Harness, reach
from tests.sinks.test_contract import NAME, NOW, PAYLOAD, outgoing, probe, publish, put, stage

LEAST_PART = 5 << 20


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[S3Partner]:
    with S3Partner(tmp_path / "partner") as made:
        yield made
        made.inbox.empty()


@pytest.fixture
def sink(partner: S3Partner, tmp_path: Path) -> S3Sink:
    return S3Sink.of(reach(partner, tmp_path))


def test_a_file_above_the_size_of_a_part_goes_in_several_and_arrives_whole(partner: S3Partner, tmp_path: Path) -> None:
    payload = bytes(range(256)) * (LEAST_PART // 256) + b"the rest"
    put(S3Sink.of(reach(partner, tmp_path, transport={"part_bytes": LEAST_PART})), payload)
    assert partner.inbox.final() == {NAME: payload}
    assert partner.payload_bytes == len(payload)


def test_nothing_is_under_the_key_before_the_upload_is_completed(partner: S3Partner, sink: S3Sink) -> None:
    staging = stage(sink)
    assert partner.inbox.final() == {}
    assert partner.inbox.open_uploads() == [NAME]
    publish(sink, staging)
    assert partner.inbox.open_uploads() == []


def test_completing_an_upload_a_second_time_changes_nothing(partner: S3Partner, sink: S3Sink, tmp_path: Path) -> None:
    """Even after the partner took the object: what he took must not come back."""
    bucket = Bucket(access_of(reach(partner, tmp_path)))
    staged = read_staging(stage(sink), NAME)
    parts = bucket.parts(staged.at, staged.upload)
    assert parts
    bucket.complete(staged.at, staged.upload, parts)
    bucket.complete(staged.at, staged.upload, parts)
    assert partner.inbox.received() == [(NAME, PAYLOAD)]
    partner.inbox.take()
    with pytest.raises(ClientError):
        bucket.complete(staged.at, staged.upload, parts)
    assert partner.inbox.received() == [(NAME, PAYLOAD)]


def test_the_same_bytes_under_the_name_already_are_found_in_place(partner: S3Partner, sink: S3Sink) -> None:
    staging = stage(sink)
    partner.inbox.put(NAME, PAYLOAD)
    assert publish(sink, staging).answer == "found in place"
    assert partner.inbox.final() == {NAME: PAYLOAD}
    assert partner.inbox.open_uploads() == []


@pytest.mark.parametrize("content", [b"other", PAYLOAD + b"x", PAYLOAD[:-1] + b"x"], ids=["short", "longer", "alike"])
def test_other_bytes_that_appear_between_stage_and_publish_stay(
    partner: S3Partner, sink: S3Sink, content: bytes
) -> None:
    staging = stage(sink)
    partner.inbox.put(NAME, content)
    with pytest.raises(NameTaken):
        publish(sink, staging)
    assert partner.inbox.final() == {NAME: content}
    assert probe(sink, staging) is Presence.OTHER_BYTES


def test_the_hash_that_an_object_claims_of_itself_proves_nothing(partner: S3Partner, sink: S3Sink) -> None:
    store: Any = partner.inbox._store
    store.put_object(partner.inbox.bucket, f"releves/{NAME}", b"forged").set_metadata({"sha256": outgoing().sha256})
    assert probe(sink, None) is Presence.OTHER_BYTES


def test_an_object_taken_at_once_has_a_receipt_that_says_so(partner: S3Partner, sink: S3Sink) -> None:
    partner.inbox.greedy = True
    assert put(sink).answer == TAKEN
    assert partner.inbox.received() == [(NAME, PAYLOAD)]


def test_an_older_worker_cannot_throw_away_the_upload_of_a_newer_one(partner: S3Partner, sink: S3Sink) -> None:
    """The older was stopped past its lease; the newer one's upload is in the ledger, and the only one that counts."""
    newer = stage(sink, attempt=2)
    stage(sink, attempt=1)
    assert probe(sink, newer) is Presence.STAGED
    publish(sink, newer)
    assert partner.inbox.final() == {NAME: PAYLOAD}
    assert partner.inbox.open_uploads() == [], "what the older one left is swept away after"


def test_uploads_for_other_names_are_left_alone(partner: S3Partner, sink: S3Sink) -> None:
    other = replace(outgoing(), object_name=NAME + ".bis")
    kept = sink.stage(other, io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    put(sink)
    assert sink.probe(other, staging=kept, now=NOW) is Presence.STAGED


def test_what_was_staged_is_finished_there_though_the_prefix_changed_since(
    partner: S3Partner, sink: S3Sink, tmp_path: Path
) -> None:
    staging = stage(sink)
    moved = S3Sink.of(reach(partner, tmp_path, settings={**partner.settings, "prefix": "elsewhere"}))
    assert probe(moved, staging) is Presence.STAGED
    publish(moved, staging)
    assert partner.inbox.final() == {NAME: PAYLOAD}
    assert probe(moved, staging) is Presence.PUBLISHED


def test_an_upload_that_is_gone_is_taken_for_consumed_only_as_long_as_no_rule_of_the_bucket_can_have_removed_it(
    partner: S3Partner, sink: S3Sink
) -> None:
    partner.inbox.greedy = True
    staging = stage(sink)
    publish(sink, staging)
    assert probe(sink, staging) is Presence.ABSENT
    assert sink.probe(outgoing(), staging=staging, now=NOW + timedelta(days=1)) is Presence.UNKNOWABLE


def test_an_upload_that_the_store_said_it_completed_and_did_not_is_not_taken_for_consumed(
    partner: S3Partner, sink: S3Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = stage(sink)
    monkeypatch.setattr(Bucket, "complete", lambda *_: None)
    with pytest.raises(Unknown, match="not there"):
        publish(sink, staging)
    assert probe(sink, staging) is Presence.STAGED


def test_staged_parts_that_changed_since_are_not_published(partner: S3Partner, sink: S3Sink, tmp_path: Path) -> None:
    staging = stage(sink)
    staged = read_staging(staging, NAME)
    Bucket(access_of(reach(partner, tmp_path))).put_part(staged.at, staged.upload, 1, b"x" * len(PAYLOAD))
    assert probe(sink, staging) is Presence.OTHER_BYTES
    with pytest.raises(Unknown):
        publish(sink, staging)
    assert partner.inbox.final() == {}


@pytest.mark.parametrize("staging", ["", "nonsense", "https://h/b/k?upload=u", "https://h/b/other?upload=u&region=r"])
def test_a_staging_name_that_cannot_be_read_is_no_success(sink: S3Sink, staging: str) -> None:
    with pytest.raises(Unknown):
        publish(sink, staging)


#: What each fault before publishing is; and whether a publish without an answer was done.
_STAGING_FAULTS = [
    (Fault.LOSE_ANSWER, Transient), (Fault.LOSE_REQUEST, Transient), (Fault.RESET_MID_BODY, Transient),
    (Fault.ERROR_BEFORE_COMMIT, Transient), (Fault.ERROR_AFTER_COMMIT, Transient),
    (Fault.TOO_MANY_SECONDS, Transient), (Fault.PERMISSION_DENIED, ConfigFault), (Fault.REDIRECT, ConfigFault),
]  # fmt: skip
_PUBLISHING_FAULTS = [
    (Fault.LOSE_ANSWER, True), (Fault.LOSE_REQUEST, False), (Fault.RESET_MID_BODY, False),
    (Fault.ERROR_BEFORE_COMMIT, False), (Fault.ERROR_AFTER_COMMIT, True), (Fault.TOO_MANY_SECONDS, False),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "kind"), _STAGING_FAULTS)
@pytest.mark.parametrize("operation", ["get", "create", "part", "list"])
def test_a_fault_before_publishing_was_not_received_and_leaves_no_final_name(
    partner: S3Partner, sink: S3Sink, operation: str, fault: Fault, kind: type[SinkError]
) -> None:
    partner.script.add(operation, fault)
    with pytest.raises(kind) as raised:
        stage(sink)
    assert partner.inbox.received() == []
    assert raised.value.retry_after == (1.0 if fault is Fault.TOO_MANY_SECONDS else None)
    put(sink, attempt=2)
    assert partner.inbox.received() == [(NAME, PAYLOAD)]
    assert partner.inbox.open_uploads() == []


@pytest.mark.parametrize(("fault", "done"), _PUBLISHING_FAULTS)
@pytest.mark.parametrize("greedy", [False, True])
def test_a_publish_without_an_answer_is_unknown_and_looking_tells(
    partner: S3Partner, sink: S3Sink, fault: Fault, done: bool, greedy: bool
) -> None:
    partner.inbox.greedy = greedy
    staging = stage(sink)
    partner.script.add("complete", fault)
    with pytest.raises(Unknown) as raised:
        publish(sink, staging)
    assert raised.value.retry_after == (1.0 if fault is Fault.TOO_MANY_SECONDS else None)
    published = Presence.ABSENT if greedy else Presence.PUBLISHED
    assert probe(sink, staging) is (published if done else Presence.STAGED)
    if not done:
        publish(sink, staging, again=True)
    assert partner.inbox.received() == [(NAME, PAYLOAD)]


@pytest.mark.parametrize("fault", [Fault.PERMISSION_DENIED, Fault.REDIRECT])
def test_a_publish_that_is_refused_leaves_what_is_staged_for_later(
    partner: S3Partner, sink: S3Sink, fault: Fault
) -> None:
    staging = stage(sink)
    partner.script.add("complete", fault)
    with pytest.raises(ConfigFault):
        publish(sink, staging)
    assert probe(sink, staging) is Presence.STAGED


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.PERMISSION_DENIED, Fault.ERROR_BEFORE_COMMIT])
def test_what_was_completed_and_cannot_be_read_back_is_unknown_never_a_fault_that_proves_nothing_was_sent(
    partner: S3Partner, sink: S3Sink, fault: Fault
) -> None:
    staging = stage(sink)
    partner.script.add("get", fault)
    with pytest.raises(Unknown):
        publish(sink, staging)
    assert probe(sink, staging) is Presence.PUBLISHED


def test_a_part_that_the_store_kept_half_of_is_not_published(partner: S3Partner, sink: S3Sink) -> None:
    partner.script.add("part", Fault.TRUNCATE)
    with pytest.raises(Transient):
        stage(sink)
    assert partner.inbox.open_uploads() == []


def test_an_answer_that_drips_is_an_answer(partner: S3Partner, sink: S3Sink) -> None:
    partner.script.add("get", Fault.DRIP, times=2)
    partner.script.add("create", Fault.DRIP)
    put(sink)
    assert partner.inbox.final() == {NAME: PAYLOAD}


@pytest.mark.parametrize("tls", [False, True])
def test_an_answer_that_drips_without_end_is_given_up(
    partner: S3Partner, certified: tuple[S3Partner, str], tmp_path: Path, tls: bool
) -> None:
    """Each byte comes in time; all of them together do not."""
    server, login = partner, partner.login()
    if tls:
        server, login = certified[0], certified[0].login()
        login = replace(login, extra={**login.extra, "ca": certified[1]})
    given = reach(server, tmp_path, login=login)
    server.drip_seconds = 0.05
    at = replace(place_of(given), key="releves/x")
    bucket = Bucket(replace(access_of(given), timeout=0.5))
    patient = Bucket(access_of(given))
    patient.create(at, sha256="")  # the first answer of a server may be slow for other reasons
    server.script.add("create", Fault.DRIP)
    with pytest.raises((HTTPClientError, BotoConnectionError)):
        bucket.create(at, sha256="")
    patient.create(at, sha256="")


@pytest.mark.parametrize("operation", ["create", "complete"])
def test_a_store_that_never_answers_is_given_up(partner: S3Partner, tmp_path: Path, operation: str) -> None:
    sink = S3Sink.of(reach(partner, tmp_path, transport={"timeout_seconds": 5}))
    partner.script.add(operation, Fault.BLACK_HOLE)
    with pytest.raises(Transient if operation == "create" else Unknown):
        put(sink)
    assert partner.inbox.received() == []


def test_a_store_that_is_not_there_was_not_sent_anything(partner: S3Partner, sink: S3Sink) -> None:
    staging = stage(sink)
    partner.__exit__(None, None, None)
    with pytest.raises(Transient):
        stage(sink)
    with pytest.raises(Transient):
        publish(sink, staging)
    with pytest.raises(Unknown):
        publish(sink, staging, again=True)
    partner._thread.join = partner._server.shutdown = lambda: None  # type: ignore[method-assign]


def test_keys_profiles_and_proxies_of_the_environment_are_not_used(
    partner: S3Partner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[default]\nendpoint_url = http://127.0.0.1:9\naws_access_key_id = FOREIGN\n")
    for name, value in {
        "AWS_ACCESS_KEY_ID": "FOREIGN", "AWS_SECRET_ACCESS_KEY": "foreign", "AWS_SESSION_TOKEN": "foreign",
        "AWS_PROFILE": "not-there", "AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "config"), "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_CA_BUNDLE": str(tmp_path / "config"), "HTTP_PROXY": "http://127.0.0.1:9", "AWS_MAX_ATTEMPTS": "7",
        "http_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "all_proxy": "http://127.0.0.1:9",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    put(S3Sink.of(reach(partner, tmp_path, transport={"timeout_seconds": 3})))
    assert partner.inbox.final() == {NAME: PAYLOAD}


def test_without_keys_in_the_connection_those_of_the_environment_do_not_help(
    partner: S3Partner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", str(partner.login().user))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", str(partner.login().password))
    with pytest.raises(ConfigurationError, match="no keys"):
        S3Sink.of(reach(partner, tmp_path, login=replace(partner.login(), user=None, password=None)))


def test_a_fault_is_asked_about_once_for_retries_live_in_one_place(partner: S3Partner, sink: S3Sink) -> None:
    partner.script.add("create", Fault.ERROR_BEFORE_COMMIT)
    with pytest.raises(Transient):
        stage(sink)
    partner.script.add("create", Fault.LOSE_REQUEST)
    with pytest.raises(Transient):
        stage(sink)
    assert partner.inbox.open_uploads() == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"login": None}, "names no Airflow connection"),
        ({"settings": {}}, "name no bucket"),
        ({"settings": {"bucket": "Up/Per"}}, "name no bucket"),
        ({"settings": {"bucket": "good-bucket", "prefix": "a/../b"}}, "prefix"),
        ({"settings": {"bucket": "good-bucket", "prefix": "a\nb"}}, "prefix"),
        ({"transport": {"timeout_seconds": 0}}, "timeout_seconds"),
        ({"transport": {"at_once": "many"}}, "at_once"),
        ({"transport": {"part_bytes": 1024}}, "part_bytes"),
        ({"private": False}, "no https address"),
        ({"login": Login(host="s3.example.com", user="k", password="s", extra={"ca": "nonsense"})}, "its ca"),  # noqa: S106
    ],
)
def test_settings_that_make_no_sink_say_what_to_do(
    partner: S3Partner, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    given = reach(partner, tmp_path)
    with pytest.raises(ConfigurationError, match=told) as raised:
        S3Sink.of(replace(given, **changes))
    assert raised.value.remedy
    assert raised.value.subject == given.destination


@pytest.mark.parametrize(
    "url", ["http://s3.example.com", "https://u:p@s3.example.com", "https://s3.example.com/x", "ftp://x", "https://h:x"]
)
def test_an_endpoint_that_is_no_plain_https_address_is_refused(partner: S3Partner, tmp_path: Path, url: str) -> None:
    login = replace(partner.login(), extra={"endpoint_url": url})
    with pytest.raises(ConfigurationError, match="no https address"):
        S3Sink.of(reach(partner, tmp_path, login=login, private=False))


@pytest.fixture
def certified(tmp_path: Path) -> Iterator[tuple[S3Partner, str]]:
    """A store behind TLS, and the PEM of the only authority that vouches for it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "both.pem").write_bytes(
        pem
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with S3Partner(tmp_path / "certified", tls=context) as partner:
        yield partner, pem.decode()
        partner.inbox.empty()


def test_only_the_authority_of_the_connection_is_trusted(certified: tuple[S3Partner, str], tmp_path: Path) -> None:
    partner, pem = certified
    with pytest.raises(ConfigFault, match="TLS"):
        put(S3Sink.of(reach(partner, tmp_path)))
    assert partner.payload_bytes == 0
    login = partner.login()
    put(S3Sink.of(reach(partner, tmp_path, login=replace(login, extra={**login.extra, "ca": pem}))))
    assert partner.inbox.final() == {NAME: PAYLOAD}


def test_an_address_on_this_machine_is_refused_before_anything_is_sent(
    certified: tuple[S3Partner, str], tmp_path: Path
) -> None:
    partner, pem = certified
    login = partner.login()
    sink = S3Sink.of(reach(partner, tmp_path, private=False, login=replace(login, extra={**login.extra, "ca": pem})))
    with pytest.raises(ConfigFault, match="private network"):
        put(sink)
    with pytest.raises(ConfigFault, match="private network"):
        sink.test()
    assert partner.payload_bytes == 0
    assert partner.inbox.open_uploads() == []


def test_a_staging_name_without_tls_is_not_followed(partner: S3Partner, sink: S3Sink, tmp_path: Path) -> None:
    staging = stage(sink)
    login = replace(partner.login(), extra={"endpoint_url": "https://s3.example.com"})
    with pytest.raises(ConfigFault, match="without TLS"):
        publish(S3Sink.of(reach(partner, tmp_path, private=False, login=login)), staging)


def test_a_missing_library_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name for name in sys.modules if name.startswith("sobank.sinks.s3") or name.split(".")[0] == "botocore"
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "botocore", None)
    with pytest.raises(ConfigurationError, match=r"botocore.* is not installed\n.*requirements-s3\.txt"):
        sink_class("s3")


def test_a_test_of_the_connection_says_what_only_writing_could_tell(sink: S3Sink) -> None:
    report = sink.test()
    assert "bucket in region eu-west-3" in report.capabilities
    assert any("If-None-Match" in line for line in report.degraded)


def test_the_receipt_names_the_object_as_people_write_it(partner: S3Partner, sink: S3Sink) -> None:
    assert put(sink).remote_name == f"{partner.endpoint}/{partner.inbox.bucket}/releves/{NAME}"


def test_two_sinks_that_are_reached_the_same_way_share_connections_and_others_do_not(
    partner: S3Partner, tmp_path: Path
) -> None:
    given = reach(partner, tmp_path)
    at = place_of(given)
    one, same = (Bucket(access_of(given))._client(at) for _ in range(2))
    login = replace(partner.login(), password="another")  # noqa: S106
    assert one is same
    assert Bucket(access_of(replace(given, login=login)))._client(at) is not one


def test_the_harness_breaks_every_exchange_of_a_delivery(tmp_path: Path) -> None:
    """Else the suite of all sinks would break nothing and prove nothing."""
    harness = S3Harness(tmp_path)
    try:
        for operation in harness.breakable:
            harness.break_in(operation, ConnectionResetError())
            with pytest.raises(SinkError):
                put(harness.sink())
    finally:
        harness.close()
