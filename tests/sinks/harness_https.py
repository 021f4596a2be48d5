"""The HTTPS sink with both its dialects, each with a simulated partner behind TLS on loopback."""

from __future__ import annotations

import hashlib
import io
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from sobank.domain.sink import Login, Outgoing, Reach, Sink
from sobank.simulator.partner_https import GenericPartner, MyUnisoftPartner
from sobank.simulator.partner_https_base import HttpsPartner
from sobank.sinks.https import HttpsSink
from sobank.sinks.https_exchange import Answer, Exchange

TIMEOUT = 5.0
WRONG = "not-the-right-one"


class Spool:
    """Sealed bytes by SHA-256."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._kept[digest] = content
        return digest

    def open(self, sha256: str) -> BinaryIO:
        return io.BytesIO(self._kept[sha256])


class SpoolingSink(HttpsSink):
    """Keeps what it is given to stage, as the spool has it before any sink is asked."""

    spool: Spool

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:
        content = payload.read()
        self.spool.keep(content)
        return super().stage(outgoing, io.BytesIO(content), attempt=attempt, now=now)


class BreakingExchange(Exchange):
    """Raises `error` in the exchange `broken`; calls `watch` at every piece of a body, and after it."""

    broken: str = ""
    error: BaseException = OSError()
    watch: Callable[[], object] = staticmethod(lambda: None)

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        self._break("get")
        return super().get(url, headers)

    def options(self, url: str, headers: Mapping[str, str]) -> Answer:
        self._break("options")
        return super().options(url, headers)

    def post(self, url: str, headers: Mapping[str, str], body: Iterator[bytes], *, size: int) -> Answer:
        self._break("post")
        answer = super().post(url, headers, self._watched(body), size=size)
        self.watch()
        return answer

    def _watched(self, body: Iterator[bytes]) -> Iterator[bytes]:
        for piece in body:
            for place in range(0, len(piece), 32):
                yield piece[place : place + 32]
                self.watch()

    def _break(self, operation: str) -> None:
        if operation == self.broken:
            raise self.error


def reach_of(partner: HttpsPartner, spool: Spool, *, login: Login | None = None, **transport: Any) -> Reach:
    """How a connector to the partner is reached, in development."""
    return Reach(
        destination="connector:CAB001/portail", login=login or partner.login(), settings=partner.settings,
        transport={"timeout_seconds": TIMEOUT, **partner.transport, **transport},
        remembers_days=partner.remembers_days, folder=Path("/nowhere"), payload=spool.open, private=True,
    )  # fmt: skip


class HttpsHarness:
    """The partner with idempotency keys and an address to ask."""

    breakable: tuple[str, ...] = ("get", "post")
    errors: tuple[BaseException, ...] = (
        httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x"), httpx.ReadError("x"),
        httpx.ReadTimeout("x"), httpx.WriteError("x"), httpx.RemoteProtocolError("x"), httpx.LocalProtocolError("x"),
        ConnectionResetError("x"), TimeoutError("x"), ssl.SSLError("x"), ValueError("x"), MemoryError("x"),
    )  # fmt: skip

    def __init__(self, home: Path) -> None:
        self.home = home
        self.partner = self.made(home / "partner").__enter__()
        self.spool = Spool()
        self._others: list[HttpsPartner] = []
        login = self.partner.login()
        self.exchange = BreakingExchange(
            f"127.0.0.1:{login.port}", timeout=TIMEOUT, ca=str(login.extra["ca"]), private=True
        )
        self.secrets = self.secrets_of(login)

    def made(self, folder: Path) -> HttpsPartner:
        return GenericPartner(folder)

    def secrets_of(self, login: Login) -> tuple[str, ...]:
        return (str(login.password),)

    def sink(self) -> Sink:
        return self._sink(reach_of(self.partner, self.spool), self.exchange)

    def sinks_refused(self) -> list[Sink]:
        """Wrong token; a certificate of another authority; one for another name."""
        login = self.partner.login()
        others = [self._other("other-authority"), self._other("other-name", names=("partner.example",))]
        logins = [
            replace(login, password=WRONG),
            replace(others[0].login(), extra=login.extra),
            others[1].login(),
        ]
        return [self._sink(reach_of(self.partner, self.spool, login=one)) for one in logins]

    def sinks_set_up_wrong(self) -> list[Sink]:
        return [self._sink(reach_of(self.partner, self.spool, path="/v2/nothing/{name}"))]

    def break_in(self, operation: str, error: BaseException) -> None:
        self.exchange.broken, self.exchange.error = operation, error

    def mend(self) -> None:
        self.exchange.broken = ""

    def watch(self, look: Callable[[], object]) -> None:
        self.exchange.watch = look

    def final(self) -> dict[str, bytes]:
        return self.partner.inbox.final()

    def put_by_hand(self, name: str, content: bytes) -> None:
        self.partner.put_by_hand(name, content)

    def everything(self) -> list[str]:
        return sorted(path.name for path in self.partner.inbox.folder.iterdir())

    def received(self) -> list[tuple[str, bytes]]:
        return self.partner.inbox.received()

    def payload_bytes_seen(self) -> int:
        return self.partner.payload_bytes_seen + sum(other.payload_bytes_seen for other in self._others)

    def close(self) -> None:
        for partner in (self.partner, *self._others):
            partner.__exit__(None, None, None)

    def _other(self, folder: str, **more: Any) -> HttpsPartner:
        self._others.append(GenericPartner(self.home / folder, **more).__enter__())
        return self._others[-1]

    def _sink(self, reach: Reach, remote: Exchange | None = None) -> Sink:
        sink = SpoolingSink.of(reach, remote=remote)
        sink.spool = self.spool
        return sink


class MyUnisoftHarness(HttpsHarness):
    """The partner that recognises what it imported."""

    def made(self, folder: Path) -> HttpsPartner:
        return MyUnisoftPartner(folder, requests=1_000_000)

    def secrets_of(self, login: Login) -> tuple[str, ...]:
        return str(login.password), str(login.extra["third_party_secret"])

    def sink(self) -> Sink:
        return self._sink(reach_of(self.partner, self.spool, requests=1_000_000), self.exchange)

    def sinks_refused(self) -> list[Sink]:
        login = self.partner.login()
        return [
            self._sink(reach_of(self.partner, self.spool, login=one))
            for one in (
                replace(login, password=WRONG),
                replace(login, extra={**login.extra, "third_party_secret": WRONG}),
            )
        ]

    def sinks_set_up_wrong(self) -> list[Sink]:
        login = self.partner.login()
        other = self._other("generic").login()
        unknown = replace(login, port=other.port, extra={**login.extra, **other.extra})
        return [self._sink(reach_of(self.partner, self.spool, login=unknown))]
