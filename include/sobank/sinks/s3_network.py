"""The network below a request to a store of objects: which machine it really reaches, and how long it may answer.

The library knows a time-out for each read only: an answer of one byte in each would never end.
"""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool

from sobank.errors import ConfigFault
from sobank.sinks.addresses import is_public

if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object


class _Exchange(threading.local):
    """Until when the exchange of this thread may take, on `time.monotonic`."""

    until: float = math.inf


_exchange = _Exchange()


def must_end_in(seconds: float) -> None:
    """From now on the exchange of this thread has so many seconds."""
    _exchange.until = time.monotonic() + seconds


def bound(client: Any, *, private: bool) -> None:
    """Let a client of the library keep to `must_end_in`; where not `private`, to public addresses and TLS, too."""
    manager = client._endpoint.http_session._manager  # there is no public way
    manager.connection_pool_kw["ssl_context"].sslsocket_class = _BoundedTls
    pools = (_HttpPool, _HttpsPool) if private else (_NoHttpPool, _PublicHttpsPool)
    manager.pool_classes_by_scheme = dict(zip(("http", "https"), pools, strict=True))


class _Bounded(_Socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        left = _exchange.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        given = self.gettimeout()
        if given is None or left < given:
            self.settimeout(left)
        return super().recv_into(*args, **kwargs)


class _BoundedSocket(_Bounded, socket.socket):
    """A connection without TLS."""


class _BoundedTls(_Bounded, ssl.SSLSocket):
    """A connection with TLS."""


class _Http(AWSHTTPConnection):
    def _new_conn(self) -> Any:
        made = super()._new_conn()
        bounded = _BoundedSocket(made.family, made.type, made.proto, fileno=made.detach())
        bounded.settimeout(self.timeout)
        return bounded


class _NoHttp(AWSHTTPConnection):
    def _new_conn(self) -> Any:
        raise ConfigFault("an address without TLS; nothing was sent", subject=self.host, remedy="use https")


class _PublicHttps(AWSHTTPSConnection):
    """Looks at the address that it is really connected to, before the first byte: names may resolve twice."""

    def _new_conn(self) -> Any:
        made = super()._new_conn()
        address = made.getpeername()[0]
        if is_public(address):
            return made
        made.close()
        raise ConfigFault(
            "its address is on this machine or a private network; nothing was sent",
            subject=address,
            remedy="give a public endpoint_url in the connection (SOBANK_PRIVATE_PARTNERS=1 is for development only)",
        )


class _HttpPool(AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(AWSHTTPSConnectionPool):
    """TLS to any address; the bounded socket comes with the context."""


class _NoHttpPool(AWSHTTPConnectionPool):
    ConnectionCls = _NoHttp


class _PublicHttpsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _PublicHttps
