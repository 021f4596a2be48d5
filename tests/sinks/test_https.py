"""What the HTTPS sink promises beyond the suite of all sinks: every fault, both dialects, what it refuses."""

from __future__ import annotations

import io
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sobank.domain.sink import Login, Presence, Reach, Receipt
from sobank.errors import ConfigFault, ConfigurationError, Doubtful, Rejected, SinkError, Transient, Unknown
from sobank.simulator.partner_http_server import Asked, Reply
from sobank.simulator.partner_https import GenericPartner, MyUnisoftPartner
from sobank.simulator.partner_https_base import HttpsPartner
from sobank.simulator.script import Fault
from sobank.sinks.addresses import is_public
from sobank.sinks.https import HttpsSink
from sobank.sinks.https_dialect import rest_asked, retry_after
from sobank.sinks.https_exchange import Answer, Exchange
from sobank.sinks.https_options import origin_of
from tests.sinks.harness_https import WRONG, Spool, reach_of
from tests.sinks.test_contract import IBAN, LABEL, NAME, NOW, PAYLOAD, outgoing, probe, publish, put, stage

Partners = Callable[..., HttpsPartner]
RECEIVED = [(NAME, PAYLOAD)]
#: Faults that only a time-out ends, and a short one.
SILENT, SHORT = frozenset({Fault.DRIP, Fault.BLACK_HOLE}), 1.0
#: What each fault of a POST is for us, and whether the partner then has the bytes.
FAULTS: dict[Fault, tuple[type[SinkError] | None, bool]] = {
    Fault.LOSE_ANSWER: (Unknown, True),
    Fault.LOSE_REQUEST: (Unknown, False),
    Fault.RESET_MID_BODY: (Unknown, False),
    Fault.DRIP: (Unknown, True),
    Fault.BLACK_HOLE: (Unknown, False),
    Fault.TOO_MANY_SECONDS: (Transient, False),
    Fault.TOO_MANY_DATE: (Transient, False),
    Fault.ERROR_BEFORE_COMMIT: (Unknown, False),
    Fault.ERROR_AFTER_COMMIT: (Unknown, True),
    Fault.REPLAY: (None, True),
    Fault.REDIRECT: (ConfigFault, False),
    Fault.WRONG_ECHO: (Unknown, True),
    Fault.FORGET_KEYS: (None, True),
    Fault.PERMISSION_DENIED: (ConfigFault, False),
    Fault.TRUNCATE: (Unknown, False),
}
#: MyUnisoft sees a replayed request for a second one, and does not tell which was ours.
MYUNISOFT_FAULTS = {**{f: v for f, v in FAULTS.items() if f is not Fault.FORGET_KEYS}, Fault.REPLAY: (Doubtful, True)}


@pytest.fixture
def partners(tmp_path: Path) -> Iterator[Partners]:
    """Starts simulated partners, and ends them."""
    started: list[HttpsPartner] = []

    def start(kind: type[HttpsPartner] = GenericPartner, **more: Any) -> HttpsPartner:
        started.append(kind(tmp_path / f"partner-{len(started)}", **more).__enter__())
        started[-1].drip_seconds = 0.1
        return started[-1]

    yield start
    for partner in started:
        partner.__exit__(None, None, None)


def reach(partner: HttpsPartner, *, login: Login | None = None, **transport: Any) -> Reach:
    spool = Spool()
    spool.keep(PAYLOAD)
    return reach_of(partner, spool, login=login, **transport)


def sink_to(partner: HttpsPartner, **more: Any) -> HttpsSink:
    return HttpsSink.of(reach(partner, **more))


def recover(sink: HttpsSink, staging: str) -> Presence:
    """Look, and publish what may be published, as the next run does."""
    found = sink.probe(outgoing(), staging=staging, now=NOW)
    if found is Presence.STAGED:
        publish(sink, staging, again=True)
    return found


def misbehave(partner: HttpsPartner, fault: Fault, expected: type[SinkError] | None) -> tuple[HttpsSink, str]:
    """Deliver under one fault; the sink and its staging name."""
    sink = sink_to(partner)
    staging = stage(sink)
    partner.script.add("post", fault)
    publishing = sink_to(partner, timeout_seconds=SHORT) if fault in SILENT else sink
    if expected is None:
        publish(publishing, staging)
    else:
        with pytest.raises(expected) as raised:
            publish(publishing, staging)
        assert raised.type is expected
    return sink, staging


def test_every_fault_of_a_partner_is_tried() -> None:
    assert FAULTS.keys() == GenericPartner.faults
    assert MYUNISOFT_FAULTS.keys() == MyUnisoftPartner.faults


@pytest.mark.parametrize("asks", [True, False], ids=["can be asked", "cannot be asked"])
@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_partner_does_he_has_it_once_after_the_next_run(
    partners: Partners, fault: Fault, asks: bool
) -> None:
    partner = partners(probe=asks)
    expected, arrived = FAULTS[fault]
    sink, staging = misbehave(partner, fault, expected)
    assert partner.inbox.received() == (RECEIVED if arrived else [])
    found = recover(sink, staging)
    assert partner.inbox.received() == RECEIVED
    assert found is (Presence.PUBLISHED if arrived and asks else Presence.STAGED)


@pytest.mark.parametrize("fault", MYUNISOFT_FAULTS)
def test_whatever_myunisoft_does_it_has_it_once_after_the_next_run(partners: Partners, fault: Fault) -> None:
    partner = partners(MyUnisoftPartner)
    expected, arrived = MYUNISOFT_FAULTS[fault]
    sink, staging = misbehave(partner, fault, expected)
    assert partner.inbox.received() == (RECEIVED if arrived else [])
    assert recover(sink, staging) is Presence.STAGED
    assert partner.inbox.received() == RECEIVED


@pytest.mark.parametrize("fault", [f for f, (kind, _) in FAULTS.items() if kind is Unknown])
def test_a_partner_who_remembers_nothing_and_cannot_be_asked_is_never_sent_it_twice(
    partners: Partners, fault: Fault
) -> None:
    partner = partners(probe=False, remembers=False)
    sink, staging = misbehave(partner, fault, Unknown)
    assert recover(sink, staging) is Presence.UNKNOWABLE
    assert partner.inbox.received() == (RECEIVED if FAULTS[fault][1] else [])


def test_a_partner_who_remembers_nothing_but_can_be_asked_is_believed_when_he_has_it(partners: Partners) -> None:
    partner = partners(remembers=False)
    sink, staging = misbehave(partner, Fault.LOSE_ANSWER, Unknown)
    assert recover(sink, staging) is Presence.PUBLISHED


def test_that_he_does_not_have_it_yet_is_no_proof_where_he_would_take_it_twice(partners: Partners) -> None:
    partner = partners(remembers=False)
    sink, staging = misbehave(partner, Fault.LOSE_REQUEST, Unknown)
    assert recover(sink, staging) is Presence.UNKNOWABLE


@pytest.mark.parametrize("fault", [f for f in FAULTS if f is not Fault.FORGET_KEYS and f is not Fault.REPLAY])
def test_a_fault_of_a_probe_is_no_finding(partners: Partners, fault: Fault) -> None:
    partner = partners()
    staging = stage(sink_to(partner))
    sink = sink_to(partner, **({"timeout_seconds": SHORT} if fault in SILENT else {}))
    partner.script.add("probe", fault)
    if fault is Fault.WRONG_ECHO or fault is Fault.TRUNCATE:
        assert sink.probe(outgoing(), staging=staging, now=NOW) is not Presence.PUBLISHED
        return
    with pytest.raises((Transient, Unknown, ConfigFault)):
        sink.probe(outgoing(), staging=staging, now=NOW)


@pytest.mark.parametrize("kind", [GenericPartner, MyUnisoftPartner])
@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.BLACK_HOLE, Fault.ERROR_BEFORE_COMMIT, Fault.DRIP])
def test_what_fails_before_the_payload_leaves_is_proved_not_received(
    partners: Partners, kind: type[HttpsPartner], fault: Fault
) -> None:
    partner = partners(kind)
    partner.script.add("probe", fault)
    with pytest.raises(Transient):
        stage(sink_to(partner, timeout_seconds=SHORT))
    assert partner.payload_bytes_seen == 0


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.BLACK_HOLE])
def test_a_connection_that_breaks_at_once_sends_no_payload(partners: Partners, fault: Fault) -> None:
    partner = partners()
    partner.script.add("connect", fault)
    with pytest.raises(Transient):
        put(sink_to(partner, timeout_seconds=SHORT))
    assert partner.payload_bytes_seen == 0


def test_a_partner_who_is_not_there_is_proved_not_to_have_it(partners: Partners) -> None:
    partner = partners()
    sink = sink_to(partner)
    staging = stage(sink)
    partner.__exit__(None, None, None)
    for raising in (lambda: stage(sink), lambda: publish(sink, staging)):
        with pytest.raises(Transient, match="Connection refused"):
            raising()


def test_a_name_that_nobody_knows_is_proved_not_to_have_it(partners: Partners, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "x")

    partner = partners()
    sink = sink_to(partner)
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(Transient, match="resolved"):
        stage(sink)


@pytest.mark.parametrize("fault", [Fault.TOO_MANY_SECONDS, Fault.TOO_MANY_DATE])
def test_a_pause_that_the_partner_asks_for_is_passed_on(partners: Partners, fault: Fault) -> None:
    partner = partners()
    partner.asked_seconds = 77
    sink = sink_to(partner)
    staging = stage(sink)
    partner.script.add("post", fault)
    with pytest.raises(Transient) as raised:
        publish(sink, staging)
    assert raised.value.retry_after == pytest.approx(77, abs=1)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120),
        ({"retry-after": " 0 "}, 0),
        ({"retry-after": "Tue, 03 Mar 2026 12:01:30 GMT"}, 90),
        ({"retry-after": "Tue, 03 Mar 2026 12:01:30 GMT", "date": "Tue, 03 Mar 2026 12:01:00 GMT"}, 30),
        ({"retry-after": "Tue, 03 Mar 2026 11:00:00 GMT"}, 0),
        ({}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e9"}, None),
        ({"retry-after": "99999999999999999999"}, None),
        ({"retry-after": "Tue, 99 Mar 2026 12:01:30 GMT"}, None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_nonsense_is_not(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds"),
    [("0", "7", 7), ("0", str(NOW.timestamp() + 4), 4), ("0", "-3", 0), ("1", "7", None), ("0", "nan", None)],
)
def test_the_rest_that_rate_limit_headers_ask_for(remaining: str, reset: str, seconds: float | None) -> None:
    assert rest_asked({"x-rate-limit-remaining": remaining, "x-rate-limit-reset": reset}, NOW) == seconds


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(partners: Partners) -> None:
    partner, other = partners(), partners()
    partner.elsewhere = f"https://127.0.0.1:{other.port}/v1/files/{NAME}"
    for operation in ("probe", "post"):
        partner.script.add(operation, Fault.REDIRECT)
        with pytest.raises(ConfigFault, match="307"):
            put(sink_to(partner))
    assert other.asked == []


def test_proxies_of_the_environment_are_not_used(partners: Partners, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    partner = partners()
    put(sink_to(partner))
    assert partner.inbox.received() == RECEIVED


def test_what_a_partner_wants_kept_is_not_sent_back_to_him(partners: Partners) -> None:
    partner = partners(_Answering, reply=Reply(status=200, body={}, headers={"Set-Cookie": "who=us; Path=/"}))
    put(sink_to(partner))
    put(sink_to(partner))
    assert [one.headers.get("cookie") for one in partner.asked] == [None] * 4


def test_a_private_address_is_refused_before_anything_is_sent(partners: Partners) -> None:
    partner = partners()
    sink = HttpsSink.of(replace(reach(partner), private=False))
    for raising in (lambda: put(sink), sink.test):
        with pytest.raises(ConfigFault, match="private network"):
            raising()
    assert partner.asked == []


def test_a_name_one_of_whose_addresses_is_private_is_refused(
    partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.1.2.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: places)
    partner = partners()
    login = replace(partner.login(), host="partner.example", port=None)
    with pytest.raises(ConfigFault, match="private network"):
        put(HttpsSink.of(replace(reach(partner, login=login), private=False)))


def test_the_address_that_was_looked_at_is_the_one_connected_to(
    partners: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    partner, asked, real = partners(), [], socket.getaddrinfo

    def resolve(host: str, *rest: Any, **more: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1" if host == "localhost" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    put(sink_to(partner, login=replace(partner.login(), host="localhost")))
    assert asked.count("localhost") == len(partner.asked) == 2, "once for each connection"
    assert partner.inbox.received() == RECEIVED


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True), ("127.0.0.1", False), ("10.0.0.1", False),
        ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False), ("100.64.0.1", False),
        ("0.0.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False), ("::1", False), ("fe80::1%eth0", False),
        ("fd00::1", False), ("::ffff:127.0.0.1", False), ("::ffff:93.184.216.34", True), ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False), ("2002:7f00:1::", False), ("::", False), ("ff02::1", False),
    ],
)  # fmt: skip
def test_which_addresses_are_of_the_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_a_key_is_relied_on_only_while_the_partner_surely_remembers_it(partners: Partners) -> None:
    partner = partners(probe=False)
    sink = sink_to(partner)
    staging = stage(sink)
    relied_on = timedelta(days=27)
    assert sink.probe(outgoing(), staging=staging, now=NOW + relied_on - timedelta(seconds=1)) is Presence.STAGED
    assert sink.probe(outgoing(), staging=staging, now=NOW + relied_on) is Presence.UNKNOWABLE


def test_an_answer_to_a_probe_needs_no_memory_of_keys(partners: Partners) -> None:
    partner = partners()
    sink = sink_to(partner)
    staging = stage(sink)
    later = NOW + timedelta(days=365)
    assert sink.probe(outgoing(), staging=staging, now=later) is Presence.STAGED
    publish(sink, staging)
    assert sink.probe(outgoing(), staging=staging, now=later) is Presence.PUBLISHED
    partner.reset()
    partner.put_by_hand(NAME, b"other")
    assert sink.probe(outgoing(), staging=staging, now=later) is Presence.OTHER_BYTES


def test_other_bytes_under_the_same_key_are_for_a_person(partners: Partners) -> None:
    partner = partners()
    put(sink_to(partner))
    other = replace(outgoing(PAYLOAD[::-1], name="OTHER.txt"), idempotency_key=outgoing().idempotency_key)
    spool = Spool()
    spool.keep(PAYLOAD[::-1])
    sink = HttpsSink.of(reach_of(partner, spool))
    staging = stage(sink).replace(NAME, other.object_name)
    with pytest.raises(Doubtful, match="idempotency key"):
        sink.publish(other, staging=staging, again=False, now=NOW)
    assert partner.inbox.received() == RECEIVED


class _Answering(GenericPartner):
    """Answers whatever it is told to, without looking at the request."""

    def __init__(self, folder: Path, *, reply: Reply) -> None:
        super().__init__(folder)
        self.reply = reply

    def answer(self, asked: Asked, fault: Fault | None) -> Reply | None:
        self.asked.append(asked)
        return self.reply if asked.method == "POST" else Reply(status=404)


def answered(partners: Partners, reply: Reply, *, again: bool = False) -> Receipt:
    sink = sink_to(partners(_Answering, reply=reply))
    return publish(sink, stage(sink), again=again)


@pytest.mark.parametrize("body", [b"", {}, {"status": "queued"}, {"sha256": None}])
def test_a_partner_who_echoes_nothing_is_taken_at_his_status_and_the_receipt_says_so(
    partners: Partners, body: object
) -> None:
    assert answered(partners, Reply(status=202, body=body)).answer == "202, no echo"


def test_an_echo_in_capital_letters_is_the_same_digest(partners: Partners) -> None:
    echo = {"sha256": outgoing().sha256.upper(), "size": len(PAYLOAD), "error": None, "success": True}
    assert answered(partners, Reply(status=201, body=echo)).answer == "201, echoed"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>please log in</html>", b"OK", b"[]", b'"x"', b"{", b"[" * 60_000, b"{" + b" " * 70_000 + b"}",
        {"sha256": "0" * 64}, {"size": len(PAYLOAD) + 1}, {"sha256": outgoing().sha256, "size": 1}, {"sha256": 7},
        {"error": {"code": "quota"}}, {"errors": ["x"], "size": len(PAYLOAD)}, {"success": False}, {"ok": False},
    ],
    ids=lambda body: str(body)[:20],
)  # fmt: skip
def test_a_success_that_is_not_understood_is_no_success(partners: Partners, body: object) -> None:
    with pytest.raises(Unknown):
        answered(partners, Reply(status=200, body=body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Rejected), (413, Rejected), (415, Rejected), (422, Rejected), (401, ConfigFault), (403, ConfigFault),
        (404, ConfigFault), (405, ConfigFault), (407, ConfigFault), (301, ConfigFault), (308, ConfigFault),
        (409, Doubtful), (429, Transient), (408, Unknown), (418, Unknown), (500, Unknown), (502, Unknown),
        (503, Unknown), (507, Unknown), (206, Unknown),
    ],
)  # fmt: skip
def test_what_each_status_means(partners: Partners, status: int, kind: type[SinkError]) -> None:
    with pytest.raises(SinkError) as raised:
        answered(partners, Reply(status=status, headers={"Retry-After": "9"}))
    assert raised.type is kind
    assert raised.value.retry_after == (9 if status in {429, 503, 500, 502, 507, 408, 418, 206} else None)


def test_a_refusal_of_what_may_have_been_sent_before_is_for_a_person(partners: Partners) -> None:
    with pytest.raises(Doubtful):
        answered(partners, Reply(status=400), again=True)


def test_nothing_of_an_answer_is_in_a_message(partners: Partners) -> None:
    leak = f"{IBAN} {LABEL}"
    for status in (200, 302, 400, 401, 409, 422, 429, 500):
        body = {"error": {"code": leak, "message": leak}, "sha256": leak}
        with pytest.raises(SinkError) as raised:
            answered(partners, Reply(status=status, body=body, headers={"Location": leak, "Retry-After": leak}))
        assert IBAN not in str(raised.value)
        assert LABEL not in str(raised.value)


def test_of_bytes_that_became_more_in_the_spool_never_as_many_leave_as_were_sealed(partners: Partners) -> None:
    sealed, spool, left = bytes(3 << 16), Spool(), list[bytes]()
    sha256 = spool.keep(sealed)

    class Watched(Exchange):
        def post(self, url: str, headers: Mapping[str, str], body: Iterator[bytes], *, size: int) -> Answer:
            left.extend(body)
            raise AssertionError(url, headers, size)

    of = reach_of(partners(), spool)
    staging = stage(HttpsSink.of(of), sealed)
    spool._kept[sha256] = b"x" * (4 << 16)
    with pytest.raises(Unknown, match="changed"):
        publish(HttpsSink.of(of, remote=Watched("127.0.0.1")), staging, sealed)
    assert sum(map(len, left)) < len(sealed)


def test_bytes_that_changed_in_the_spool_never_leave_whole(partners: Partners) -> None:
    partner = partners()
    changed = Spool()
    changed._kept[outgoing().sha256] = PAYLOAD[:-1] + b"!"
    sink = HttpsSink.of(reach_of(partner, changed))
    with pytest.raises(Unknown, match="changed"):
        publish(sink, stage(sink))
    assert partner.inbox.received() == []


def test_what_was_staged_is_finished_at_the_address_where_it_was_staged(partners: Partners) -> None:
    first, second = partners(), partners()
    staging = stage(sink_to(first))
    moved = replace(second.login(), password=first.login().password, extra=first.login().extra)
    sink = sink_to(second, login=moved)
    assert recover(sink, staging) is Presence.STAGED
    assert (first.inbox.received(), second.inbox.received()) == (RECEIVED, [])


def test_a_token_is_never_shown_to_another_host_than_that_of_the_connection(partners: Partners) -> None:
    partner = partners()
    staging = stage(sink_to(partner))
    partner.asked.clear()
    sink = sink_to(partner, login=replace(partner.login(), host="localhost"))
    assert sink.probe(outgoing(), staging=staging, now=NOW) is Presence.UNKNOWABLE
    with pytest.raises(Doubtful):
        publish(sink, staging, again=True)
    assert partner.asked == []


def test_what_may_have_been_sent_to_one_society_is_never_sent_to_another(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)
    partner.script.add("post", Fault.LOSE_ANSWER)
    of = reach(partner)
    staging = stage(HttpsSink.of(of))
    with pytest.raises(Unknown):
        publish(HttpsSink.of(of), staging)
    other = HttpsSink.of(replace(of, settings={"society_id": "999"}))
    partner.asked.clear()
    assert probe(other, staging) is Presence.UNKNOWABLE
    with pytest.raises(Doubtful, match="recipient"):
        publish(other, staging, again=True)
    assert partner.asked == []
    assert recover(HttpsSink.of(of), staging) is Presence.STAGED
    assert partner.inbox.received() == RECEIVED


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_that_may_follow_success_proves_nothing(status: int) -> None:
    with plain_server(OPEN_DOOR, f"HTTP/1.1 {status} x\r\nLocation: /done\r\nContent-Length: 0\r\n\r\n") as (sink, _):
        staging = stage(sink)
        with pytest.raises(Unknown):
            publish(sink, staging)
        assert probe(sink, staging) is Presence.UNKNOWABLE


@pytest.mark.parametrize("status", [302, 303])
def test_a_redirect_before_any_bytes_leave_is_a_fault_of_configuration(status: int) -> None:
    with (
        plain_server(f"HTTP/1.1 {status} x\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n") as (sink, seen),
        pytest.raises(ConfigFault),
    ):
        stage(sink)
    assert [line.split()[0] for line in seen] == ["OPTIONS"]


def test_what_a_partner_answers_too_much_is_never_the_answer_to_another_request() -> None:
    with plain_server(OPEN_DOOR + OPEN_DOOR, "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n") as (sink, seen):
        staging = stage(sink)
        with pytest.raises(Unknown):
            publish(sink, staging)
    assert [line.split()[0] for line in seen] == ["OPTIONS", "POST"]


@pytest.mark.parametrize(
    ("status", "expected"), [(200, Unknown), (204, Unknown), (413, Rejected), (429, Transient), (503, Unknown)]
)
def test_an_answer_that_comes_before_the_file_has_left_is_no_arrival(status: int, expected: type[SinkError]) -> None:
    large = bytes(8 << 20)
    answer = f"HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with plain_server(OPEN_DOOR, answer, payload=large, reads=False) as (sink, _):
        staging = stage(sink, large)
        with pytest.raises(expected) as raised:
            publish(sink, staging, large)
        assert raised.type is expected


OPEN_DOOR = "HTTP/1.1 204 x\r\n\r\n"


@contextmanager
def plain_server(*answers: str, payload: bytes = PAYLOAD, reads: bool = True) -> Iterator[tuple[HttpsSink, list[str]]]:
    """A sink to a server that gives these answers, byte for byte, to one request after another; what was asked.

    reads: whether the server reads the bodies; else it answers at once, and closes.
    """
    left, seen = list(answers), list[str]()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while left and (line := self.rfile.readline()):
                seen.append(line.decode())
                size = 0
                while (header := self.rfile.readline().strip()) != b"":
                    name, _, value = header.lower().partition(b":")
                    size = int(value) if name == b"content-length" else size
                self.rfile.read(size if reads else 0)
                self.wfile.write(left.pop(0).encode())
                if size and not reads:
                    return

    spool = Spool()
    spool.keep(payload)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        of = Reach(
            destination="connector:CAB001/portail", settings={}, remembers_days=None, folder=Path("/nowhere"),
            login=Login(host=f"http://127.0.0.1:{server.server_address[1]}", password=WRONG), private=True,
            transport={"path": "/in/{name}", "timeout_seconds": 5}, payload=spool.open,
        )  # fmt: skip
        yield HttpsSink.of(of), seen
        server.shutdown()


def test_the_staging_name_says_where_to_and_since_when(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)
    assert stage(sink_to(partner)) == (
        f"https://127.0.0.1:{partner.port}/api/v1/releve_bancaire?filename={NAME}"
        "#for=myunisoft society 4217#sent-after=2026-03-03T12:00:00+00:00"
    )


def test_import15_is_an_arrival_only_if_it_may_have_been_sent_before(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)
    sink = sink_to(partner)
    staging = stage(sink)
    publish(sink, staging)
    assert publish(sink, staging, again=True).answer == "400 IMPORT15: imported by an earlier attempt"
    with pytest.raises(Doubtful, match="IMPORT15"):
        publish(sink, staging)
    assert partner.inbox.received() == RECEIVED


def test_an_account_collected_elsewhere_is_rejected_and_not_named(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)
    assert isinstance(partner, MyUnisoftPartner)
    partner.refused_ibans.add(IBAN.encode())
    with pytest.raises(Rejected, match="RIB16") as raised:
        put(sink_to(partner))
    assert raised.type is Rejected
    assert IBAN not in str(raised.value)
    assert partner.inbox.received() == []


def test_a_society_that_is_not_known_is_a_fault_of_configuration(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)
    with pytest.raises(ConfigFault, match="society"):
        put(HttpsSink.of(replace(reach(partner), settings={"society_id": "99"})))


class _Saying(MyUnisoftPartner):
    """Answers every file with what it is told to."""

    def __init__(self, folder: Path, *, reply: Reply) -> None:
        super().__init__(folder)
        self.reply = reply

    def answer(self, asked: Asked, fault: Fault | None) -> Reply | None:
        return self.reply if asked.method == "POST" else super().answer(asked, fault)


@pytest.mark.parametrize("leak", [IBAN, LABEL, f"RIB16 {LABEL}", f"{LABEL}\nRIB16", "A" * 40 + "1"])
def test_a_code_is_told_only_if_it_looks_like_one_of_theirs(partners: Partners, leak: str) -> None:
    for status in (200, 400, 403, 500):
        reply = Reply(status=status, body={"error": {"code": leak, "message": leak, "details": leak}})
        with pytest.raises(SinkError) as raised:
            put(sink_to(partners(_Saying, reply=reply)))
        assert not [word for word in (leak, IBAN, LABEL, "RIB16") if word in str(raised.value)]
    told = Reply(status=400, body={"error": {"code": "GBL12"}})
    with pytest.raises(Rejected, match="GBL12"):
        put(sink_to(partners(_Saying, reply=told)))


def test_maintenance_is_tried_again_when_the_partner_says(partners: Partners) -> None:
    with pytest.raises(Unknown, match="maintenance") as raised:
        put(sink_to(partners(_Saying, reply=Reply(status=503, headers={"Retry-After": "600"}))))
    assert raised.value.retry_after == 600


def test_when_no_request_is_left_nothing_is_sent_until_there_is(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner, requests=3, per_seconds=3600)
    sink = sink_to(partner)
    put(sink)
    staging = stage(sink)
    with pytest.raises(Transient, match="used up") as raised:
        publish(sink, staging)
    assert raised.value.retry_after is not None
    assert 3500 < raised.value.retry_after <= 3600
    assert len(partner.asked) == 3


def test_a_test_of_the_connection_says_what_the_partner_can_and_what_is_degraded(partners: Partners) -> None:
    full = sink_to(partners()).test()
    assert full.capabilities == (
        "TLSv1.3", "token accepted", "10 at once", "can be asked what arrived", "remembers a key for 30 days",
    )  # fmt: skip
    assert full.degraded == ()
    poor = sink_to(partners(probe=False, remembers=False)).test()
    assert {what.partition(":")[0] for what in poor.degraded} == {
        "cannot be asked what arrived", "remembers no key", "whether the token is accepted shows with the first file",
    }  # fmt: skip
    assert "20 requests in 10 s, 10 at once" in sink_to(partners(MyUnisoftPartner)).test().capabilities


@pytest.mark.parametrize("kind", [GenericPartner, MyUnisoftPartner])
def test_a_test_with_a_wrong_token_is_a_fault_of_configuration(partners: Partners, kind: type[HttpsPartner]) -> None:
    partner = partners(kind)
    with pytest.raises(ConfigFault, match="401"):
        sink_to(partner, login=replace(partner.login(), password=WRONG)).test()


@pytest.mark.parametrize(
    ("login", "transport", "says"),
    [
        ({"password": None}, {}, "token"),
        ({"password": "two words"}, {}, "token"),
        ({"password": "a\r\nb: c"}, {}, "token"),
        ({"host": "http://partner.example"}, {}, "https"),
        ({"host": "ftp://partner.example"}, {}, "https"),
        ({"host": "https://user:pw@partner.example"}, {}, "more than a host"),
        ({"host": "https://partner.example/api"}, {}, "more than a host"),
        ({"host": "https://partner.example:8443", "port": 443}, {}, "two different ports"),
        ({"host": "https://partner.example:99999"}, {}, "no address"),
        ({"host": "pärtner.example"}, {}, "no host name"),
        ({"extra": {"ca": "/etc/ssl/ca.pem"}}, {}, "PEM"),
        ({}, {"path": None}, "transport.path"),
        ({}, {"path": "v1/files"}, "transport.path"),
        ({}, {"path": "/v1/{cabinet}"}, "transport.path"),
        ({}, {"path": "/v1/\r\nfiles"}, "transport.path"),
        ({}, {"probe": "/v1/files"}, "transport.probe"),
        ({}, {"dialect": "other"}, "transport.dialect"),
        ({}, {"requests": 0}, "transport.requests"),
        ({}, {"at_once": True}, "transport.at_once"),
        ({}, {"timeout_seconds": -1}, "transport.timeout_seconds"),
    ],
)
def test_what_makes_no_sink_is_said_at_once(
    tmp_path: Path, login: dict[str, Any], transport: dict[str, Any], says: str
) -> None:
    partner = GenericPartner(tmp_path)
    found = replace(Login(host="partner.example", password=partner.token), **login)
    wrong = replace(reach(partner, login=found, **transport), private=False)
    with pytest.raises(ConfigurationError, match=says) as raised:
        HttpsSink.of(wrong)
    assert partner.token not in str(raised.value)
    assert "pw@" not in str(raised.value)


@pytest.mark.parametrize(
    ("host", "port", "origin"),
    [
        ("partner.example", None, "https://partner.example"),
        ("https://partner.example/", None, "https://partner.example"),
        ("https://partner.example", 443, "https://partner.example"),
        ("partner.example", 8443, "https://partner.example:8443"),
        ("partner.example:8443", 8443, "https://partner.example:8443"),
        ("https://[2606:2800:220:1::1]", 8443, "https://[2606:2800:220:1::1]:8443"),
        ("http://127.0.0.1", 8080, "http://127.0.0.1:8080"),
    ],
)
def test_a_host_may_be_bare_or_have_its_scheme(tmp_path: Path, host: str, port: int | None, origin: str) -> None:
    partner = GenericPartner(tmp_path)
    assert origin_of(reach(partner, login=replace(partner.login(), host=host, port=port))) == origin


@pytest.mark.parametrize("settings", [{}, {"society_id": ""}, {"society_id": "undefined"}, {"society_id": "1\r\n"}])
def test_myunisoft_without_a_society_makes_no_sink(tmp_path: Path, settings: dict[str, object]) -> None:
    partner = MyUnisoftPartner(tmp_path)
    found = replace(partner.login(), port=443)
    with pytest.raises(ConfigurationError, match="society_id"):
        HttpsSink.of(replace(reach(partner, login=found), settings=settings))


def test_myunisoft_without_its_secret_makes_no_sink(tmp_path: Path) -> None:
    partner = MyUnisoftPartner(tmp_path)
    with pytest.raises(ConfigurationError, match="third_party_secret"):
        HttpsSink.of(reach(partner, login=replace(partner.login(), port=443, extra={})))


def test_without_a_connection_there_is_no_sink(tmp_path: Path) -> None:
    partner = GenericPartner(tmp_path)
    bare = replace(reach(partner, login=replace(partner.login(), port=443)), login=None)
    with pytest.raises(ConfigurationError, match="names no Airflow connection"):
        HttpsSink.of(bare)


def test_a_moment_of_another_zone_is_written_in_utc(partners: Partners) -> None:
    sink = sink_to(partners())
    paris = datetime.fromisoformat("2026-03-03T13:00:00+01:00")
    staging = sink.stage(outgoing(), io.BytesIO(PAYLOAD), attempt=1, now=paris)
    assert staging.endswith("#sent-after=2026-03-03T12:00:00+00:00")
