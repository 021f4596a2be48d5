"""The S3 sink, and a store of objects that moto serves on loopback."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from sobank.domain.sink import Login, Reach, Sink
from sobank.simulator.partner_s3 import S3Partner
from sobank.sinks.s3 import S3Sink
from sobank.sinks.s3_address import access_of, place_of
from sobank.sinks.s3_bucket import Bucket

_URL = "http://127.0.0.1:1"


def reach(partner: S3Partner, folder: Path, *, login: Login | None = None, **changes: Any) -> Reach:
    """How the partner is reached, with good settings unless changed."""
    given: dict[str, Any] = {
        "destination": "connector:CAB001/entrepot", "login": login or partner.login(), "settings": partner.settings,
        "transport": partner.transport, "remembers_days": None, "folder": folder, "payload": open, "private": True,
    }  # fmt: skip
    return Reach(**{**given, **changes})


class BreakingBucket(Bucket):
    """Raises `error` in the operation `broken`; calls `watch` around every exchange."""

    broken = ""
    error: BaseException = ConnectionResetError()
    watch: Callable[[], object] = staticmethod(lambda: None)

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name not in {"read", "create", "put_part", "parts", "complete", "abort", "uploads", "look"}:
            return found

        def exchange(*args: Any, **kwargs: Any) -> Any:
            self.watch()
            if self.broken == name:
                raise self.error
            answer = found(*args, **kwargs)
            self.watch()
            return answer

        return exchange


def client_error(code: str, status: int, headers: Mapping[str, str] | None = None) -> ClientError:
    """An answer of the store that is an error."""
    answer: Any = {
        "Error": {"Code": code, "Message": "a label"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(headers or {})},
    }
    return ClientError(answer, "Operation")


class S3Harness:
    """The partner reads the bucket past the requests."""

    breakable: tuple[str, ...] = ("read", "create", "put_part", "parts", "complete")
    errors: tuple[BaseException, ...] = (
        *(client_error(code, status) for code, status in (
            ("AccessDenied", 403), ("NoSuchBucket", 404), ("NoSuchUpload", 404), ("404", 404), ("SlowDown", 503),
            ("InternalError", 500), ("PreconditionFailed", 412), ("ConditionalRequestConflict", 409), ("Unheard", 418),
            ("PermanentRedirect", 301), ("BadDigest", 400), ("InvalidPart", 400),
        )),
        EndpointConnectionError(endpoint_url=_URL),
        ConnectTimeoutError(endpoint_url=_URL),
        ReadTimeoutError(endpoint_url=_URL),
        ConnectionClosedError(endpoint_url=_URL),
        SSLError(endpoint_url=_URL, error=OSError()),
        HTTPClientError(error=OSError()),
        ResponseStreamingError(error=OSError()),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ParamValidationError(report="a label"),
        ConnectionResetError(),
        TimeoutError(),
        ValueError("a label"),
        KeyError("ETag"),
        MemoryError(),
    )  # fmt: skip

    def __init__(self, home: Path) -> None:
        self.home = home
        self.partner = S3Partner(home / "store").__enter__()
        self.secrets = (str(self.partner.login().password),)
        self.remote = BreakingBucket(access_of(reach(self.partner, home)))

    def sink(self) -> Sink:
        return S3Sink(place_of(reach(self.partner, self.home)), remote=self.remote)

    def _of(self, **changes: Any) -> Sink:
        return S3Sink.of(reach(self.partner, self.home, **changes))

    def sinks_refused(self) -> list[Sink]:
        login = self.partner.login()
        extra = {**login.extra, "region_name": "us-west-2"}
        return [
            self._of(login=replace(login, user="SOMEBODYELSE")),
            self._of(login=replace(login, password="another")),  # noqa: S106
            self._of(login=replace(login, extra=extra)),
        ]

    def sinks_set_up_wrong(self) -> list[Sink]:
        return [self._of(settings={"bucket": "no-such-bucket", "prefix": "releves"})]

    def break_in(self, operation: str, error: BaseException) -> None:
        self.remote.broken, self.remote.error = operation, error

    def mend(self) -> None:
        self.remote.broken = ""

    def watch(self, look: Callable[[], object]) -> None:
        self.remote.watch = self.partner.watch = look

    def final(self) -> dict[str, bytes]:
        return self.partner.inbox.final()

    def put_by_hand(self, name: str, content: bytes) -> None:
        self.partner.inbox.put(name, content)

    def everything(self) -> list[str]:
        return sorted([*self.final(), *(f"upload:{name}" for name in self.partner.inbox.open_uploads())])

    def received(self) -> list[tuple[str, bytes]]:
        return self.partner.inbox.received()

    def payload_bytes_seen(self) -> int:
        return self.partner.payload_bytes

    def close(self) -> None:
        self.partner.inbox.empty()
        self.partner.__exit__(None, None, None)
