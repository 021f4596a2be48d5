"""Simulated partners with an HTTPS API: one with idempotency keys and an address to ask, and one like MyUnisoft."""

from __future__ import annotations

import base64
import hashlib
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sobank.domain.sink import Login
from sobank.simulator.partner_http_server import Asked, Reply
from sobank.simulator.partner_https_base import FAULTS, NAME, HttpsPartner
from sobank.simulator.private_file import kept_secret
from sobank.simulator.script import Fault


class GenericPartner(HttpsPartner):
    """Takes `POST /v1/files/{name}` with an idempotency key and a digest; tells of it at `GET` of the same path.

    Args:
        probe: whether he can be asked. remembers: whether he remembers keys. echo: whether he says what he took.
    """

    faults = FAULTS | {Fault.FORGET_KEYS}

    def __init__(
        self, folder: Path, *, probe: bool = True, remembers: bool = True, echo: bool = True, **more: Any
    ) -> None:
        super().__init__(folder, **more)
        self.transport = {"dialect": "generic", "path": "/v1/files/{name}"}
        if probe:
            self.transport["probe"] = "/v1/files/{name}?key={key}"
        self.remembers_days = 30 if remembers else None
        self._echo = echo
        self._keys: dict[str, tuple[str, Reply]] = {}
        self._had = dict(self.inbox.received())

    def reset(self) -> None:
        """See HttpsPartner; keys are forgotten too."""
        super().reset()
        self._keys.clear()
        self._had.clear()

    def answer(self, asked: Asked, fault: Fault | None) -> Reply | None:
        """See Served. What he says he has may be wrong."""
        if fault is Fault.FORGET_KEYS:
            self._keys.clear()
        if fault is Fault.TRUNCATE and asked.method == "POST" and self._let_in(asked):
            self.asked.append(asked)
            return Reply(status=201, body=_echo("cut", asked.body[: len(asked.body) // 2]))
        reply = super().answer(asked, fault)
        if fault in {Fault.WRONG_ECHO, Fault.TRUNCATE} and reply is not None:
            return Reply(status=reply.status, body=_echo("wrong", b"something else"))
        return reply

    def _carry_out(self, asked: Asked) -> Reply:
        if not self._let_in(asked):
            return Reply(status=401, body={"error": "unauthorized"})
        found = urlsplit(asked.target)
        folder, _, name = unquote(found.path).rpartition("/")
        if folder != "/v1/files" or not NAME.fullmatch(name):
            return Reply(status=404, body={"error": "not_found"})
        if asked.method == "OPTIONS":
            return Reply(status=204, headers={"Allow": "GET, POST, OPTIONS"})
        if asked.method == "GET":
            content = self._content(name)
            return Reply(status=404) if content is None else Reply(status=200, body=_echo(name, content))
        return self._take(asked, name) if asked.method == "POST" else Reply(status=405)

    def _take(self, asked: Asked, name: str) -> Reply:
        digest = hashlib.sha256(asked.body)
        if asked.headers.get("content-digest") != f"sha-256=:{base64.b64encode(digest.digest()).decode()}:":
            return Reply(status=400, body={"error": "digest_mismatch"})
        key = asked.headers.get("idempotency-key", "")
        if (before := self._keys.get(key)) is not None:
            return (
                before[1]
                if before[0] == digest.hexdigest()
                else Reply(status=409, body={"error": "idempotency_key_reused"})
            )
        if self._content(name) not in {None, asked.body}:
            return Reply(status=409, body={"error": "name_taken"})
        self._had[name] = asked.body
        self._store(name, asked.body)
        reply = Reply(status=201, body=_echo(name, asked.body) if self._echo else b"")
        if self.remembers_days is not None:
            self._keys[key] = (digest.hexdigest(), reply)
        return reply

    def _content(self, name: str) -> bytes | None:
        """What he has under a name, taken away or put there by hand."""
        there = self.inbox.folder / name
        return self._had.get(name) or (there.read_bytes() if there.exists() else None)


class MyUnisoftPartner(HttpsPartner):
    """Takes `POST /api/v1/releve_bancaire?filename=…`, recognises what it imported, and counts requests.

    refused_ibans: accounts that are collected elsewhere (23 characters of the BBAN are enough): RIB16.

    Args:
        requests, per_seconds, at_once: what it takes from one token before it answers 429.
    """

    def __init__(self, folder: Path, *, requests: int = 20, per_seconds: float = 10.0, **more: Any) -> None:
        super().__init__(folder, **more)
        self.transport = {"dialect": "myunisoft"}
        self.settings = {"society_id": 4217}
        self.third_party_secret = f"simulated-{kept_secret(folder / 'third_party_secret')}"
        self.refused_ibans: set[bytes] = set()
        self._limit, self._window = requests, per_seconds
        self._recent: deque[float] = deque()
        self._imported = {hashlib.sha256(body).hexdigest() for _, body in self.inbox.received()}

    def login(self) -> Login:
        """See HttpsPartner."""
        found = super().login()
        extra = {**found.extra, "third_party_secret": self.third_party_secret}
        return Login(host=found.host, port=found.port, password=found.password, extra=extra)

    def reset(self) -> None:
        """See HttpsPartner; what was imported is forgotten too."""
        super().reset()
        self._imported.clear()
        self._recent.clear()

    def answer(self, asked: Asked, fault: Fault | None) -> Reply | None:
        """See Served. Its echo is a number of rows, which proves nothing: a wrong one says too few."""
        if fault is Fault.TRUNCATE and asked.method == "POST" and self._let_in(asked):
            self.asked.append(asked)
            return Reply(status=200, body=b'{"rows_num')
        reply = super().answer(asked, fault)
        if fault in {Fault.WRONG_ECHO, Fault.TRUNCATE} and reply is not None:
            return Reply(status=reply.status, body={"error": {"code": "not a code", "message": "?"}})
        return reply

    def _carry_out(self, asked: Asked) -> Reply:
        left, reset = self._count()
        limits = {
            "X-Rate-Limit-Limit": str(self._limit),
            "X-Rate-Limit-Remaining": str(max(left, 0)),
            "X-Rate-Limit-Reset": f"{reset:.0f}",
        }
        if left < 0:
            return Reply(status=429, headers={**limits, "Retry-After": f"{reset:.0f}"})
        reply = self._served(asked)
        return Reply(status=reply.status, body=reply.body, headers=limits)

    def _served(self, asked: Asked) -> Reply:
        found = urlsplit(asked.target)
        if not self._let_in(asked) or asked.headers.get("x-third-party-secret") != self.third_party_secret:
            return _error(401, "AUTH1")
        if found.path == "/api/v1/key/info" and asked.method == "GET":
            return Reply(status=200, body={"company": "simulated", "access": "firm"})
        if found.path != "/api/v1/releve_bancaire" or asked.method != "POST":
            return _error(404, "GBL4")
        if asked.headers.get("society-id") != str(self.settings["society_id"]):
            return _error(400, "GBL10")
        name = "".join(parse_qs(found.query).get("filename", []))
        if not NAME.fullmatch(name):
            return _error(400, "GBL1")
        return self._import(name, asked.body)

    def _import(self, name: str, body: bytes) -> Reply:
        if any(iban in body for iban in self.refused_ibans):
            return _error(403, "RIB16", details=body[:60].decode("latin-1"))
        digest = hashlib.sha256(body).hexdigest()
        if not body or digest in self._imported:
            return _error(400, "IMPORT15")
        self._imported.add(digest)
        self._store(name, body)
        return Reply(status=200, body={"rows_number": sum(record.startswith(b"04") for record in body.splitlines())})

    def _count(self) -> tuple[int, float]:
        """Requests left after this one, below 0 if it is one too many, and seconds until all are."""
        now = time.monotonic()
        while self._recent and self._recent[0] + self._window <= now:
            self._recent.popleft()
        self._recent.append(now)
        return self._limit - len(self._recent), max(self._recent[0] + self._window - now, 1.0)


def _echo(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def _error(status: int, code: str, *, details: str = "") -> Reply:
    return Reply(status=status, body={"error": {"code": code, "message": "refused by the partner", "details": details}})
