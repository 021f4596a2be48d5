"""One request and its answer: the round trips that `sinks/https.py` is made of. Nothing here decides anything."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import httpx

from sobank.errors import SinkError, Transient, Unknown
from sobank.sinks.https_network import CheckedTransport, must_end_in
from sobank.sinks.per_process import PerProcess

#: An answer longer than this is not one that we understand.
MOST_BYTES: Final = 64 << 10
#: Bytes per second below which an upload is given up.
_SLOWEST: Final = 16 << 10

_transports: PerProcess[CheckedTransport] = PerProcess(most=64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came back. `headers`: names in small letters. `body`: None where it is longer than `MOST_BYTES`.

    whole: whether all of the request had left before it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    tls: str = ""
    whole: bool = True


class Exchange:
    """Requests to one partner, each one round trip on a connection that the process shares.

    Every method raises `ConfigFault` where address or certificate are refused, else what httpx raises.

    Args:
        host: of the partner. timeout: seconds for each step: connect, handshake, answer after the last byte sent.
        ca, private: see `CheckedTransport`.
    """

    def __init__(self, host: str, *, timeout: float = 30.0, ca: str | None = None, private: bool = False) -> None:
        self._host = host
        self._timeout = timeout
        self._ca = ca
        self._private = private

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for something."""
        return self._exchange("GET", url, headers)

    def options(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask what may be done there."""
        return self._exchange("OPTIONS", url, headers)

    def post(self, url: str, headers: Mapping[str, str], body: Iterator[bytes], *, size: int) -> Answer:
        """Send exactly `size` bytes."""
        left: list[bool] = []
        paced = self._paced(body, size / _SLOWEST, left)
        answer = self._exchange("POST", url, {**headers, "Content-Length": str(size)}, paced)
        return replace(answer, whole=bool(left))

    def _paced(self, body: Iterator[bytes], extra: float, left: list[bool]) -> Iterator[bytes]:
        """Says in `left` that all has left: where a partner answers too early, the library stops and reads it."""
        must_end_in(self._timeout + extra)
        yield from body
        left.append(True)
        must_end_in(self._timeout)

    def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: Iterator[bytes] | None = None
    ) -> Answer:
        transport = _transports.get(
            (self._host, self._ca, self._private), lambda: CheckedTransport(ca=self._ca, private=self._private)
        )
        steps = dict.fromkeys(("connect", "read", "write", "pool"), self._timeout)
        request = httpx.Request(method, url, headers=headers, content=body, extensions={"timeout": steps})
        must_end_in(2 * self._timeout)
        response = transport.handle_request(request)
        try:
            stream = response.extensions.get("network_stream")
            tls = stream.get_extra_info("ssl_object") if stream is not None else None
            return Answer(
                status=response.status_code,
                headers=dict(response.headers),
                body=_read(response),
                tls=tls.version() if tls is not None else "",
            )
        finally:
            response.close()


def failed(error: Exception, subject: str) -> SinkError:
    """The sink's error that a failed exchange stands for: only what failed before the first byte is surely not there.

    The text of an exception may hold anything: only its type, and the system's own words for a number, are told.
    """
    because: BaseException | None = error
    text = type(error).__name__
    while because is not None:
        if isinstance(because, socket.gaierror):
            text = "the name of the host cannot be resolved"
            break
        if isinstance(because, OSError) and because.errno and because.errno > 0:
            text = os.strerror(because.errno)
            break
        because = because.__cause__ or because.__context__  # the pool of httpcore cuts the causes off
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return Transient(
            f"the partner cannot be reached ({text}); nothing was sent", subject=subject, remedy="it is sent again"
        )
    return Unknown(f"no answer came ({text})", subject=subject, remedy="run again: it looks first")


def _read(response: httpx.Response) -> bytes | None:
    """The body as it came, never decompressed; None where it does not end in time."""
    found = bytearray()
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        return None
    for piece in stream:
        found += piece
        if len(found) > MOST_BYTES:
            return None
    return bytes(found)
