"""A simulated partner with a store of objects: moto's server on 127.0.0.1, which checks who asks, and misbehaves.

moto keeps one state for the whole process: each partner has a bucket of its own, and looks into it past the requests.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import itertools
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext
from time import sleep
from types import TracebackType
from typing import Any, Final, NoReturn, Self
from urllib.parse import parse_qs

from sobank.domain.sink import Login
from sobank.simulator.bucket_inbox import BucketInbox, backend
from sobank.simulator.private_file import kept_secret
from sobank.simulator.script import Fault, Script

REGION: Final = "eu-west-3"
KEY_ID: Final = "SIMULATEDKEYID"
_numbers = itertools.count(1)
_PIECES: Final = 8

_START = Callable[..., Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Asked:
    """A request: its name in a script, and what it holds."""

    operation: str
    environ: dict[str, Any]
    body: bytes


@dataclass(kw_only=True, slots=True)
class _Answer:
    status: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def give(self, start: _START) -> list[bytes]:
        start(self.status, self.headers)
        return [self.body]


class S3Partner:
    """moto behind a door: who asks must have signed with the keys of `login`, and the script decides what goes wrong.

    watch: called whenever a piece of a body has come, and around every change. payload_bytes: of parts, ever come.
    drip_seconds: between two bytes of an answer that drips.
    """

    operations = frozenset({"create", "part", "list", "complete", "get", "head", "abort", "uploads"})
    faults = frozenset(
        {
            Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.RESET_MID_BODY, Fault.DRIP, Fault.BLACK_HOLE,
            Fault.TOO_MANY_SECONDS, Fault.ERROR_BEFORE_COMMIT, Fault.ERROR_AFTER_COMMIT, Fault.REDIRECT,
            Fault.PERMISSION_DENIED, Fault.TRUNCATE,
        }
    )  # fmt: skip

    def __init__(
        self, folder: Path, *, greedy: bool = False, port: int = 0, bucket: str = "", tls: SSLContext | None = None
    ) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server

        self.script = Script()
        self.settings = {"bucket": bucket or f"sobank-{os.getpid()}-{next(_numbers)}", "prefix": "releves"}
        self.transport: dict[str, object] = {"timeout_seconds": 2}
        self.inbox: BucketInbox = BucketInbox(
            folder, bucket=self.settings["bucket"], prefix="releves/", region=REGION, greedy=greedy
        )
        self.watch: Callable[[], object] = lambda: None
        self.payload_bytes = 0
        self.drip_seconds = 0.001
        self._secret = kept_secret(folder / "secret_key")
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._moto: Any = DomainDispatcherApplication(create_backend_app)
        self._moto.get_application({"PATH_INFO": "/"})  # made now: the first request is not to wait for it

        class Quiet(MotoRequestHandler):
            def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
                """Nothing: keys are part of the lines."""

        self._server = make_server(
            "127.0.0.1", port, self._serve, threaded=True, request_handler=Quiet, ssl_context=tls
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """Address of the store."""
        return f"{'https' if self._server.ssl_context else 'http'}://127.0.0.1:{self._server.server_port}"

    def login(self) -> Login:
        """How to get in, as an Airflow connection would give it."""
        return Login(
            host="",
            user=KEY_ID,
            password=self._secret,
            extra={"endpoint_url": self.endpoint, "region_name": REGION},
        )

    def reset(self) -> None:
        """Behave, and forget everything that came."""
        self.script.clear()
        self.inbox.empty()
        self.payload_bytes = 0

    def _serve(self, environ: dict[str, Any], start: _START) -> list[bytes] | Iterator[bytes]:
        operation = _operation(environ)
        fault = self.script.take(operation)
        if fault is Fault.RESET_MID_BODY:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0) // 2)
            _reset(environ)
        asked = _Asked(operation=operation, environ=environ, body=self._body(environ, count=operation == "part"))
        if fault is Fault.BLACK_HOLE:
            self._over.wait(60)
        if fault in {Fault.LOSE_REQUEST, Fault.BLACK_HOLE}:
            _hang_up(environ)
        if fault in _INSTEAD:
            return _error(*_INSTEAD[fault]).give(start)
        if refusal := self._refusal(asked):
            return refusal.give(start)
        answer = self._do(asked, truncate=fault is Fault.TRUNCATE)
        if fault is Fault.LOSE_ANSWER:
            _hang_up(environ)
        if fault is Fault.ERROR_AFTER_COMMIT:
            return _error("500 Internal Server Error", "InternalError").give(start)
        given = answer.give(start)
        return _dripped(given[0], self.drip_seconds) if fault is Fault.DRIP else given

    def _body(self, environ: dict[str, Any], *, count: bool) -> bytes:
        """Read in pieces, so that whoever watches sees the moments in between."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        pieces = []
        while length and (piece := environ["wsgi.input"].read(min(length, max(1, length // _PIECES)))):
            pieces.append(piece)
            length -= len(piece)
            if count:
                self.payload_bytes += len(piece)
            self.watch()
        return b"".join(pieces)

    def _refusal(self, asked: _Asked) -> _Answer | None:
        """Who asks, and whether the body is the one that was signed. moto looks at neither."""
        environ = asked.environ
        wanted = f"Credential={KEY_ID}/"
        if wanted not in environ.get("HTTP_AUTHORIZATION", ""):
            return _error("403 Forbidden", "InvalidAccessKeyId")
        if not hmac.compare_digest(_signature(environ, self._secret), environ["HTTP_AUTHORIZATION"].rpartition("=")[2]):
            return _error("403 Forbidden", "SignatureDoesNotMatch")
        if f"/{REGION}/" not in environ["HTTP_AUTHORIZATION"]:
            return _error("400 Bad Request", "AuthorizationHeaderMalformed")
        if hashlib.sha256(asked.body).hexdigest() != environ.get("HTTP_X_AMZ_CONTENT_SHA256"):
            return _error("400 Bad Request", "XAmzContentSHA256Mismatch")
        upload = parse_qs(environ["QUERY_STRING"]).get("uploadId", [""])[0]
        if asked.operation == "part" and upload and upload not in backend().buckets[self.inbox.bucket].multiparts:
            return _error("404 Not Found", "NoSuchUpload")
        return None

    def _do(self, asked: _Asked, *, truncate: bool) -> _Answer:
        """One request at a time: only so is looking for an object and making it one step, as If-None-Match promises."""
        body = asked.body[: len(asked.body) // 2] if truncate else asked.body
        environ = {**asked.environ, "wsgi.input": io.BytesIO(body)}
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        answer = _Answer(status="")

        def started(status: str, headers: list[tuple[str, str]], *_: object) -> None:
            answer.status, answer.headers = status, headers

        with self._lock:
            self.watch()
            answer.body = b"".join(self._moto(environ, started))
            if asked.operation == "complete":
                self.watch()
                self.inbox.arrived()
            self.watch()
        return answer


_INSTEAD: Final[dict[Fault, tuple[str, str, list[tuple[str, str]]]]] = {
    Fault.TOO_MANY_SECONDS: ("503 Slow Down", "SlowDown", [("Retry-After", "1")]),
    Fault.ERROR_BEFORE_COMMIT: ("500 Internal Server Error", "InternalError", []),
    Fault.PERMISSION_DENIED: ("403 Forbidden", "AccessDenied", []),
    Fault.REDIRECT: ("301 Moved Permanently", "PermanentRedirect", [("x-amz-bucket-region", "us-west-2")]),
}


def _operation(environ: dict[str, Any]) -> str:
    method, query = environ["REQUEST_METHOD"], environ.get("QUERY_STRING", "")
    asked = parse_qs(query, keep_blank_values=True).keys()
    if method == "GET":
        return "uploads" if "uploads" in asked else "list" if "uploadId" in asked else "get"
    if method == "POST":
        return "create" if "uploads" in asked else "complete"
    return {"PUT": "part", "DELETE": "abort", "HEAD": "head"}.get(method, "other")


def _error(status: str, code: str, headers: Iterable[tuple[str, str]] = ()) -> _Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>simulated</Message></Error>'
    return _Answer(
        status=status,
        headers=[("Content-Type", "application/xml"), ("Content-Length", str(len(body))), *headers],
        body=body.encode(),
    )


def _reset(environ: dict[str, Any]) -> None:
    """End the connection so that the other side sees it cut, not closed."""
    environ["werkzeug.socket"].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _hang_up(environ)


def _hang_up(environ: dict[str, Any]) -> NoReturn:
    """No answer, now: the server would wait for another request on the connection."""
    with suppress(OSError):
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError


def _dripped(body: bytes, pause: float) -> Iterator[bytes]:
    for place in range(len(body)):
        sleep(pause)
        yield body[place : place + 1]


def _signature(environ: dict[str, Any], secret: str) -> str:
    """What the signature of the request should be (AWS signature version 4)."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    authorization = environ["HTTP_AUTHORIZATION"]
    names = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: environ.get(f"HTTP_{name.upper().replace('-', '_')}", "") for name in names}
    for name in ("content-type", "content-length"):
        if name in names:
            headers[name] = environ.get(name.upper().replace("-", "_"), "")
    request: Any = AWSRequest(
        method=environ["REQUEST_METHOD"], url=f"http://{environ['HTTP_HOST']}{environ['REQUEST_URI']}", headers=headers
    )
    request.context["timestamp"] = environ.get("HTTP_X_AMZ_DATE", "")
    region = authorization.partition("Credential=")[2].split("/")[2]
    auth: Any = S3SigV4Auth(Credentials(KEY_ID, secret), "s3", region)
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
