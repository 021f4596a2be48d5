"""The network below an HTTPS request: which machine it really reaches, and for how long it may take.

A name is resolved here, every address it has is looked at, and one of those that were looked at is connected to: no
second look-up in between can lead the request elsewhere (DNS rebinding). TLS still proves the name.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

from sobank.errors import ConfigFault
from sobank.sinks.addresses import is_public

#: Connections of one process to one partner; how many requests are under way is the business of its rate limit.
_CONNECTIONS: Final = 64
#: No connection is used for a second request: what a partner sends too much would be read as the answer to it, and one
#: that he closes while we send would leave a batch in doubt.
_KEPT_ALIVE: Final = 0
#: What OpenSSL found wrong with a certificate; other numbers are told as they are.
_WRONG: Final = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "it was signed by an authority that is not trusted",
    20: "it was signed by an authority that is not trusted",
    21: "it was signed by an authority that is not trusted",
    62: "it is for another name",
    64: "it is for another address",
}


class _Deadline(threading.local):
    """When the exchange of this thread must be over, on `time.monotonic`."""

    at: float = math.inf


_deadline = _Deadline()


def must_end_in(seconds: float) -> None:
    """From now on the exchange of this thread has so many seconds, however the partner spreads his bytes."""
    _deadline.at = time.monotonic() + seconds


class CheckedTransport(httpx.HTTPTransport):
    """Speaks HTTP/1.1 to one partner; follows nothing, keeps no cookie and asks the environment for no proxy.

    Args:
        ca: PEM of the only authorities trusted; None: those that the system trusts.
        private: whether an address on this machine or its network may be connected to.
    Raises:
        ConfigFault: `ca` is no certificate.
    """

    def __init__(self, *, ca: str | None, private: bool) -> None:
        try:
            trusted = ssl.create_default_context(cadata=ca)
        except (ssl.SSLError, ValueError):
            raise ConfigFault(
                "extra.ca holds no certificate that can be read",
                subject="connection",
                remedy="give the PEM of the authority that signed the partner's certificate",
            ) from None
        trusted.minimum_version = ssl.TLSVersion.TLSv1_2
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted,
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_KEPT_ALIVE,
            network_backend=_CheckedNetwork(private=private),
        )


class _CheckedNetwork(httpcore.NetworkBackend):
    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        if not self._private and any(not is_public(address) for address in addresses):
            raise ConfigFault(
                "the address is on this machine or a private network, and such are refused",
                subject=host,
                remedy="correct the host of the connection (SOBANK_PRIVATE_PARTNERS=1 is for development only)",
            )
        failed: Exception = httpcore.ConnectError()
        for address in addresses:
            try:
                left = _left(timeout, httpcore.ConnectTimeout)
                return _BoundedStream(self._plain.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class _BoundedStream(httpcore.NetworkStream):
    """A stream on which no step goes beyond the deadline of the exchange."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        try:
            return _BoundedStream(self._inner.start_tls(ssl_context, server_hostname, left))
        except httpcore.ConnectError as error:
            if (fault := _tls_fault(error.__cause__, server_hostname or "")) is not None:
                raise fault from None
            raise

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _addresses(host: str, port: int) -> list[str]:
    """Every address of a name, each once, in the order of the resolver."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore.ConnectError from error
    return list(dict.fromkeys(str(place[4][0]) for place in found))


def _left(timeout: float | None, late: type[Exception]) -> float:
    left = _deadline.at - time.monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(timeout, left)


def _tls_fault(cause: BaseException | None, host: str) -> ConfigFault | None:
    """The fault of configuration behind a failed handshake; None where only the connection broke."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        wrong = _WRONG.get(cause.verify_code, f"OpenSSL code {cause.verify_code}")
        return ConfigFault(
            f"the partner's certificate is refused ({wrong}); nothing was sent",
            subject=host,
            remedy="ask the partner; a private authority is given as extra.ca of the connection",
        )
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError | ssl.SSLSyscallError):
        return ConfigFault(
            "the partner speaks no TLS that is accepted; nothing was sent",
            subject=host,
            remedy="check host and port of the connection; TLS 1.2 is the least",
        )
    return None
