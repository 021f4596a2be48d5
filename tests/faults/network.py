"""Partners with a real server on loopback: the simulated ones in this process, and OpenSSH's sshd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from botocore.exceptions import ReadTimeoutError

from sobank.domain.sink import Login, Reach, Sink
from sobank.simulator.partner_https import GenericPartner
from sobank.simulator.partner_inbox import PartnerInbox
from sobank.simulator.partner_s3 import S3Partner
from sobank.simulator.script import Fault, Script
from sobank.sinks import sftp_connections
from tests.faults.partners import Address, Around, Payload, as_it_is, nothing
from tests.faults.seeds import PARTNER
from tests.faults.steps import Stepped, Steps
from tests.sshd import sshd

_SFTP_TELLING = ("before rename", "after rename")
_SFTP_EXCHANGES = frozenset({"create", "finish", "rename", "digest", "exists", "remove", "names_of"})


@dataclass(kw_only=True)
class Served:
    """A partner whose server runs in this process; see Partner."""

    title: str
    kind: str
    server: Any
    telling: tuple[str, ...]
    telling_exchanges: frozenset[str]
    no_answer: Callable[[], BaseException]
    may_hold: bool = False
    beyond_us: frozenset[Fault] = frozenset()
    transport: Mapping[str, object] = field(default_factory=dict)
    patience: int = 10
    #: A person knows the login by heart: what the server changes of it is known after `learn` only.
    login: Login | None = None

    @property
    def script(self) -> Script:
        """See Partner."""
        return self.server.script

    @property
    def operations(self) -> frozenset[str]:
        """See Partner."""
        return self.server.operations

    @property
    def inbox(self) -> PartnerInbox:
        """Where it all arrives."""
        return self.server.inbox

    @property
    def greedy(self) -> bool:
        """See Partner."""
        return self.inbox.greedy

    @property
    def address(self) -> Address:
        """See Partner."""
        server = self.server
        reach = Reach(
            destination=PARTNER, login=self.login or server.login(), settings=server.settings,
            transport={**server.transport, **self.transport, "timeout_seconds": self.patience},
            remembers_days=getattr(server, "remembers_days", None),
            folder=Path("/nowhere"), payload=nothing, private=True,
        )  # fmt: skip
        return Address(kind=self.kind, reach=reach)

    def learn(self) -> None:
        """Take the login as it is now for the known one."""
        self.login = self.server.login()

    def sink(self, *, payload: Payload, companion: bytes | None = None, around: Around = as_it_is) -> Sink:
        """See Partner."""
        return self.address.sink(payload=payload, companion=companion, around=around)

    def stepped(self, remote: Any, steps: Steps) -> Any:
        """See Partner."""
        return Stepped(remote, steps)

    def reset(self, *, greedy: bool) -> None:
        """See Partner. Connections stay: making one costs more than all the rest."""
        self.script.clear()
        self.inbox.greedy = greedy
        if self.kind == "sftp":
            self.inbox.empty()
        else:
            self.server.reset()

    def cut(self) -> None:
        """See Partner. Our end lets go of them too, or chance would say whether the next exchange connects."""
        if self.kind == "sftp":
            self.server.drop()
            sftp_connections.close_all()

    def look(self) -> None:
        """The server looks by itself."""

    def take(self) -> None:
        """See Partner."""
        self.inbox.take()

    def received(self) -> list[tuple[str, bytes]]:
        """See Partner."""
        return self.inbox.received()

    def put_by_hand(self, name: str, content: bytes) -> None:
        """See Partner."""
        if isinstance(self.server, S3Partner):
            self.server.inbox.put(name, content)
        else:
            (self.inbox.folder / name).write_bytes(content)

    def state(self) -> object:
        """See Partner."""
        known = [getattr(self.server, name, None) for name in ("_keys", "_imported", "_had")]
        if isinstance(self.server, S3Partner):
            known.append(self.server.inbox.open_uploads())
        lying = sorted((path.name, path.read_bytes()) for path in self.inbox.folder.iterdir())
        return self.received(), lying, repr(known)


class _Watched:
    """The remote of a server that cannot tell us when something appears: the partner looks after every rename."""

    def __init__(self, inner: Any, look: Callable[[], None]) -> None:
        self._inner, self._look = inner, look

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def rename(self, old: str, new: str) -> None:
        self._inner.rename(old, new)
        self._look()


class OpenSsh:
    """OpenSSH's own server, serving one folder; see Partner. No script: it does only what sshd does."""

    title = "sftp, OpenSSH"
    script = None
    operations: frozenset[str] = frozenset()
    telling = _SFTP_TELLING
    telling_exchanges = _SFTP_EXCHANGES
    beyond_us: frozenset[Fault] = frozenset()
    may_hold = False
    patience = 10
    no_answer = TimeoutError

    def __init__(self, home: Path) -> None:
        self.inbox = PartnerInbox(home)

    @property
    def greedy(self) -> bool:
        """See Partner."""
        return self.inbox.greedy

    @property
    def address(self) -> Address:
        """See Partner."""
        reach = Reach(
            destination=PARTNER, login=sshd().login(), settings={"folder": str(self.inbox.folder)}, transport={},
            remembers_days=None, folder=Path("/nowhere"), payload=nothing, private=True,
        )  # fmt: skip
        return Address(kind="sftp", reach=reach)

    def sink(self, *, payload: Payload, companion: bytes | None = None, around: Around = as_it_is) -> Sink:
        """See Partner."""
        return self.address.sink(
            payload=payload, companion=companion, around=lambda remote: around(_Watched(remote, self.look))
        )

    def stepped(self, remote: Any, steps: Steps) -> Any:
        """See Partner."""
        return Stepped(remote, steps)

    def reset(self, *, greedy: bool) -> None:
        """See Partner."""
        self.inbox.empty()
        self.inbox.greedy = greedy

    def cut(self) -> None:
        """Its connections stay."""

    def look(self) -> None:
        """See Partner."""
        self.inbox.arrived()

    def take(self) -> None:
        """See Partner."""
        self.inbox.take()

    def received(self) -> list[tuple[str, bytes]]:
        """See Partner."""
        return self.inbox.received()

    def put_by_hand(self, name: str, content: bytes) -> None:
        """See Partner."""
        (self.inbox.folder / name).write_bytes(content)

    def state(self) -> object:
        """See Partner."""
        return self.received(), sorted((path.name, path.read_bytes()) for path in self.inbox.folder.iterdir())


def sftp(server: Any) -> Served:
    """asyncssh's own server."""
    return Served(
        title="sftp, asyncssh", kind="sftp", server=server, telling=_SFTP_TELLING, telling_exchanges=_SFTP_EXCHANGES,
        no_answer=TimeoutError, login=server.login(),
    )  # fmt: skip


def https(title: str, server: Any, *, may_hold: bool) -> Served:
    """An HTTPS partner. One who knows no request again takes it as often as the network brings it."""
    knows_again = not isinstance(server, GenericPartner) or server.remembers_days is not None
    server.drip_seconds = 0.1
    limits = {} if isinstance(server, GenericPartner) else {"requests": 1_000_000, "per_seconds": 1}
    return Served(
        title=f"https, {title}", kind="https", server=server, may_hold=may_hold,
        telling=("before post", "after post"), telling_exchanges=frozenset({"get", "post"}),
        beyond_us=frozenset() if knows_again else frozenset({Fault.REPLAY}),
        no_answer=lambda: httpx.ReadTimeout("no answer"), transport=limits,
    )  # fmt: skip


def s3(server: S3Partner) -> Served:
    """A store of objects."""
    return Served(
        title="s3", kind="s3", server=server, telling=("before complete", "after complete"),
        telling_exchanges=frozenset({"create", "put_part", "parts", "complete", "read", "abort", "uploads"}),
        no_answer=lambda: ReadTimeoutError(endpoint_url="http://127.0.0.1:1"),
    )  # fmt: skip
