"""What every simulated partner with an HTTPS API has: an inbox, a script of faults, a token, a certificate.

He listens on 127.0.0.1 with a certificate of a private authority that his login names. A body is accepted only when it
came whole; what is accepted lies in the inbox, and what is accepted twice lies there twice.
"""

from __future__ import annotations

import re
import secrets
import time
from email.utils import formatdate
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sobank.domain.sink import Login
from sobank.simulator.partner_certificate import PrivateAuthority
from sobank.simulator.partner_http_server import Asked, HttpServer, Reply
from sobank.simulator.partner_inbox import PartnerInbox
from sobank.simulator.private_file import kept_secret
from sobank.simulator.script import Fault, Script

#: Names of files that partners take.
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
FAULTS: Final = frozenset(
    {
        Fault.LOSE_ANSWER,
        Fault.LOSE_REQUEST,
        Fault.RESET_MID_BODY,
        Fault.DRIP,
        Fault.BLACK_HOLE,
        Fault.TOO_MANY_SECONDS,
        Fault.TOO_MANY_DATE,
        Fault.ERROR_BEFORE_COMMIT,
        Fault.ERROR_AFTER_COMMIT,
        Fault.REPLAY,
        Fault.REDIRECT,
        Fault.WRONG_ECHO,
        Fault.PERMISSION_DENIED,
        Fault.TRUNCATE,
    }
)


class HttpsPartner:
    """A partner's server; use it as a context manager.

    drip_seconds: between two bytes of a dripped answer. asked_seconds: what 429 asks for. elsewhere: where a redirect
    leads. payload_bytes_seen: bytes of bodies that ever came. asked: every request. remembers_days: how long he says
    that he remembers a key.

    Args:
        folder: of the inbox; token and authority stay there for the next time. port: 0 for a free one. names: of the
            certificate.
    """

    operations: frozenset[str] = frozenset({"connect", "post", "probe"})
    faults: frozenset[Fault] = FAULTS
    remembers_days: int | None = None

    def __init__(
        self,
        folder: Path,
        *,
        greedy: bool = False,
        port: int = 0,
        names: tuple[str, ...] = ("127.0.0.1", "localhost"),
    ) -> None:
        self.inbox = PartnerInbox(folder, greedy=greedy)
        self.script = Script()
        self.settings: dict[str, Any] = {}
        self.transport: dict[str, Any] = {}
        self.token = kept_secret(folder / "token")
        self.drip_seconds = 0.5
        self.asked_seconds = 2
        self.elsewhere = "https://127.0.0.1:9/elsewhere"
        self.payload_bytes_seen = 0
        self.asked: list[Asked] = []
        self._authority = PrivateAuthority(folder / "authority.pem")
        self._server = HttpServer(self, tls=self._authority.server_context(names), port=port)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    def login(self) -> Login:
        """How to get in, as an Airflow connection would give it."""
        return Login(host="https://127.0.0.1", port=self.port, password=self.token, extra={"ca": self._authority.pem})

    def reset(self) -> None:
        """Nothing was ever received, and no fault is left."""
        self.script.clear()
        self.inbox.empty()
        self.payload_bytes_seen = 0
        self.asked.clear()

    def put_by_hand(self, name: str, content: bytes) -> None:
        """He has a file of that name from somebody else."""
        (self.inbox.folder / name).write_bytes(content)

    def fault_at(self, operation: str) -> Fault | None:
        """See Served."""
        return self.script.take(operation)

    def operation_of(self, method: str) -> str:
        """See Served."""
        return "post" if method == "POST" else "probe"

    def seen(self, method: str, size: int) -> None:  # noqa: ARG002
        """See Served."""
        self.payload_bytes_seen += size

    def answer(self, asked: Asked, fault: Fault | None) -> Reply | None:
        """See Served."""
        self.asked.append(asked)
        early = self._instead(fault)
        if fault is Fault.LOSE_REQUEST or early is not None:
            return early
        reply = self._carry_out(asked)
        if fault is Fault.REPLAY:
            reply = self._carry_out(asked)
        if fault is Fault.LOSE_ANSWER:
            return None
        return Reply(status=500) if fault is Fault.ERROR_AFTER_COMMIT else reply

    def _instead(self, fault: Fault | None) -> Reply | None:
        """What is answered in place of doing anything."""
        if fault is Fault.TOO_MANY_SECONDS:
            return Reply(status=429, headers={"Retry-After": str(self.asked_seconds)})
        if fault is Fault.TOO_MANY_DATE:
            now = time.time()
            there = {
                "Date": formatdate(now, usegmt=True),
                "Retry-After": formatdate(now + self.asked_seconds, usegmt=True),
            }
            return Reply(status=429, headers=there)
        if fault is Fault.ERROR_BEFORE_COMMIT:
            return Reply(status=500)
        if fault is Fault.REDIRECT:
            return Reply(status=307, headers={"Location": self.elsewhere})
        return Reply(status=403) if fault is Fault.PERMISSION_DENIED else None

    def _carry_out(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def _let_in(self, asked: Asked) -> bool:
        given = asked.headers.get("authorization", "")
        return secrets.compare_digest(given.encode(), f"Bearer {self.token}".encode())

    def _store(self, name: str, content: bytes) -> None:
        """Under its final name in one step; an earlier one of that name is kept beside it, for the judge."""
        if (self.inbox.folder / name).exists():
            self.inbox.take()
        aside = self.inbox.folder / f".{name}"
        aside.write_bytes(content)
        aside.rename(self.inbox.folder / name)
        self.inbox.arrived()
