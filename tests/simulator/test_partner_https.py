"""What the simulated HTTPS partners do, asked by a plain client: a judge is worth what can be relied on in him."""

from __future__ import annotations

import base64
import hashlib
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sobank.simulator.partner_https import GenericPartner, MyUnisoftPartner
from sobank.simulator.partner_https_base import HttpsPartner
from sobank.simulator.script import Fault

Partners = Callable[..., HttpsPartner]
BODY = b"04 a statement".ljust(120) * 3


@pytest.fixture
def partners(tmp_path: Path) -> Iterator[Partners]:
    started: list[HttpsPartner] = []

    def start(kind: type[HttpsPartner] = GenericPartner, **more: Any) -> HttpsPartner:
        started.append(kind(tmp_path / f"partner-{len(started)}", **more).__enter__())
        return started[-1]

    yield start
    for partner in started:
        partner.__exit__(None, None, None)


def client(partner: HttpsPartner, **headers: str) -> httpx.Client:
    login = partner.login()
    secret = str(login.extra.get("third_party_secret", ""))
    return httpx.Client(
        base_url=f"{login.host}:{login.port}",
        verify=ssl.create_default_context(cadata=str(login.extra["ca"])),
        headers={
            "Authorization": f"Bearer {login.password}", "X-Third-Party-Secret": secret,
            "society-id": str(partner.settings.get("society_id", "")), **headers,
        },
        trust_env=False,
        timeout=10,
    )  # fmt: skip


def post(partner: HttpsPartner, name: str = "A.txt", body: bytes = BODY, *, key: str = "k1") -> httpx.Response:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    with client(partner) as asking:
        if isinstance(partner, MyUnisoftPartner):
            return asking.post("/api/v1/releve_bancaire", params={"filename": name}, content=body)
        headers = {"Idempotency-Key": key, "Content-Digest": f"sha-256=:{digest}:"}
        return asking.post(f"/v1/files/{name}", content=body, headers=headers)


def test_the_same_key_and_bytes_are_answered_alike_and_stored_once(partners: Partners) -> None:
    partner = partners()
    first, second = post(partner), post(partner)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert first.json() == {"name": "A.txt", "sha256": hashlib.sha256(BODY).hexdigest(), "size": len(BODY)}
    assert partner.inbox.received() == [("A.txt", BODY)]


def test_the_same_key_with_other_bytes_is_refused(partners: Partners) -> None:
    partner = partners()
    post(partner)
    again = post(partner, "B.txt", BODY + b"x")
    assert (again.status_code, again.json()) == (409, {"error": "idempotency_key_reused"})
    assert partner.inbox.received() == [("A.txt", BODY)]


@pytest.mark.parametrize("forgets", [True, False])
def test_who_remembers_no_key_stores_it_twice_and_the_judge_sees_both(partners: Partners, forgets: bool) -> None:
    partner = partners(remembers=forgets)
    post(partner)
    if forgets:
        partner.script.add("post", Fault.FORGET_KEYS)
    post(partner)
    assert partner.inbox.received() == [("A.txt", BODY)] * 2


def test_a_request_that_is_replayed_is_stored_twice_by_who_remembers_nothing(partners: Partners) -> None:
    partner = partners(remembers=False)
    partner.script.add("post", Fault.REPLAY)
    post(partner)
    assert partner.inbox.received() == [("A.txt", BODY)] * 2


def test_a_body_whose_digest_is_another_is_not_stored(partners: Partners) -> None:
    partner = partners()
    with client(partner) as asking:
        answer = asking.post("/v1/files/A.txt", content=BODY, headers={"Content-Digest": "sha-256=:AAAA:"})
    assert answer.status_code == 400
    assert partner.inbox.received() == []


def test_a_body_that_does_not_come_whole_is_not_stored(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)

    def half() -> Iterator[bytes]:
        yield BODY
        raise ConnectionAbortedError

    with client(partner) as asking, pytest.raises(ConnectionAbortedError):
        asking.post("/api/v1/releve_bancaire?filename=A.dat", content=half(), headers={"Content-Length": "10000"})
    assert post(partner, "B.dat").status_code == 200
    assert partner.inbox.received() == [("B.dat", BODY)]


def test_what_a_greedy_partner_took_can_still_be_asked_for(partners: Partners) -> None:
    partner = partners(greedy=True)
    post(partner)
    assert partner.inbox.final() == {}
    with client(partner) as asking:
        assert asking.get("/v1/files/A.txt?key=k1").json()["size"] == len(BODY)
        assert asking.get("/v1/files/B.txt?key=k1").status_code == 404


@pytest.mark.parametrize("name", ["..%2FA.txt", ".hidden", "a%00b"])
def test_no_name_leads_out_of_the_inbox(partners: Partners, name: str) -> None:
    partner = partners()
    with client(partner) as asking:
        assert asking.post(f"/v1/files/{name}", content=BODY).status_code == 404
    assert partner.inbox.received() == []


def test_whoever_has_not_the_token_is_told_nothing(partners: Partners) -> None:
    for kind in (GenericPartner, MyUnisoftPartner):
        partner = partners(kind)
        with client(partner, Authorization="Bearer something") as asking:
            for method, target in (("GET", "/v1/files/A.txt"), ("OPTIONS", "/v1/files/A.txt"), ("GET", "/")):
                assert asking.request(method, target).status_code == 401


@pytest.mark.parametrize("kind", [GenericPartner, MyUnisoftPartner])
def test_every_fault_that_a_script_can_name_is_played(partners: Partners, kind: type[HttpsPartner]) -> None:
    partner = partners(kind)
    partner.drip_seconds = 0.0
    good = post(partner)
    for fault in sorted(kind.faults - {Fault.BLACK_HOLE, Fault.DRIP}):
        partner.reset()
        partner.script.add("post", fault)
        try:
            answer = post(partner)
        except httpx.TransportError:
            continue
        harmless = {Fault.FORGET_KEYS} | ({Fault.REPLAY} if kind is GenericPartner else set())
        assert ((answer.status_code, answer.text) == (good.status_code, good.text)) is (fault in harmless), fault


def test_a_dripped_answer_is_whole_in_the_end(partners: Partners) -> None:
    partner = partners()
    partner.drip_seconds = 0.0001
    partner.script.add("post", Fault.DRIP)
    assert post(partner).json()["size"] == len(BODY)


def test_content_that_was_imported_is_recognised_under_any_name(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner)
    assert post(partner, "A.dat").json() == {"rows_number": 1}
    again = post(partner, "B.dat")
    assert (again.status_code, again.json()["error"]["code"]) == (400, "IMPORT15")
    assert partner.inbox.received() == [("A.dat", BODY)]


def test_the_request_after_the_last_one_allowed_is_refused_with_a_wait(partners: Partners) -> None:
    partner = partners(MyUnisoftPartner, requests=3, per_seconds=60)
    with client(partner) as asking:
        answers = [asking.get("/api/v1/key/info") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["x-rate-limit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert 50 < int(answers[-1].headers["retry-after"]) <= 60


def test_a_partner_is_up_and_gone_in_a_moment(partners: Partners, tmp_path: Path) -> None:
    started = time.monotonic()
    for number in range(10):
        with GenericPartner(tmp_path / str(number)) as partner:
            assert partner.port
    assert time.monotonic() - started < 5


def test_a_silent_partner_can_be_ended(tmp_path: Path) -> None:
    with GenericPartner(tmp_path) as partner:
        partner.script.add("post", Fault.BLACK_HOLE)
        with client(partner) as asking, pytest.raises(httpx.ReadTimeout):
            asking.post("/v1/files/A.txt", content=BODY, timeout=httpx.Timeout(10, read=0.2))
        partner.script.add("connect", Fault.BLACK_HOLE)
        with client(partner) as asking, pytest.raises(httpx.ReadTimeout):
            asking.get("/v1/files/A.txt", timeout=httpx.Timeout(10, read=0.2))
