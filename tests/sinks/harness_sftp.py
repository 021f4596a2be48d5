"""The SFTP sink, before the simulated partner and before a real OpenSSH server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh

from sobank.domain.sink import Login, Reach, Sink
from sobank.simulator.partner_inbox import PartnerInbox
from sobank.simulator.partner_sftp import SftpPartner
from sobank.simulator.script import Fault
from sobank.sinks.sftp import SftpSink
from sobank.sinks.sftp_connections import NotConnected
from sobank.sinks.sftp_login import address_of
from sobank.sinks.sftp_places import Places
from sobank.sinks.sftp_remote import Remote
from tests.sshd import sshd

_OF_THE_REMOTE = ("create", "write", "finish", "rename", "digest", "exists", "remove", "names_of", "abilities")


def reach(login: Login | None, **changes: Any) -> Reach:
    """How a connector reaches the server, with good settings unless changed."""
    given: dict[str, Any] = {
        "destination": "connector:CAB001/fizen", "login": login, "settings": {}, "transport": {},
        "remembers_days": None, "folder": Path("unused"), "payload": open, "private": True,
    }  # fmt: skip
    return Reach(**{**given, **changes})


def another_key() -> asyncssh.SSHKey:
    """A key that nobody knows."""
    return asyncssh.generate_private_key("ssh-ed25519")


def with_extra(login: Login, **extra: object) -> Login:
    """The same login with other extras."""
    return replace(login, extra={**login.extra, **extra})


def public(key: asyncssh.SSHKey) -> str:
    """A public key as `type base64`."""
    return key.export_public_key("openssh").decode().strip()


def sink_of(partner: SftpPartner, **transport: object) -> SftpSink:
    """A sink to the simulated partner, with some `transport`."""
    return SftpSink.of(reach(partner.login(), transport={"timeout_seconds": 5, **transport}))


def names(folder: Path) -> list[str]:
    """Every file and folder in it, by its path."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


class BreakingRemote:
    """A remote that raises `error` in the operation `broken`, before it or, if `after`, when it is done."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote
        self.broken, self.after = "", False
        self.error: BaseException = ConnectionResetError()
        self.look: Callable[[], object] = lambda: None
        #: which time that it is asked for breaks it; 0 for every time
        self.nth = 0
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._remote, name)
        if name not in _OF_THE_REMOTE:
            return found

        def exchange(*arguments: Any) -> Any:
            self.asked.append(name)
            self.look()
            breaks = name == self.broken and self.nth in {0, self.asked.count(name)}
            if breaks and not self.after:
                raise self.error
            answer = found(*arguments)
            self.look()
            if breaks:
                raise self.error
            return answer

        return exchange


def breaking_sink(of: Reach) -> tuple[SftpSink, BreakingRemote]:
    """A sink as `SftpSink.of` makes it, on a remote that can break."""
    address, folder = address_of(of), str(of.settings.get("folder") or ".")
    remote: Any = BreakingRemote(Remote(address))
    server = f"sftp://{address.user}@{address.host}:{address.port}/"
    marker: Any = of.transport.get("marker")
    staging: Any = of.transport.get("staging")
    return SftpSink(Places(server=server, folder=folder, marker=marker, staging=staging), remote=remote), remote


class _SessionRefused(asyncssh.ChannelOpenError):
    """The server opens no session; made from its text alone, as the suite copies it."""

    def __init__(self, reason: str) -> None:
        super().__init__(2, reason)


class _StrangeAnswer(asyncssh.SFTPError):
    """An answer with a code that nobody knows."""

    def __init__(self, reason: str) -> None:
        super().__init__(99, reason)


class _SftpHarness:
    """What both servers have in common: an inbox on disk, and a remote that can break."""

    breakable: tuple[str, ...] = ("create", "finish", "rename")
    errors: tuple[BaseException, ...] = (
        asyncssh.PermissionDenied("a label"),
        asyncssh.HostKeyNotVerifiable("a label"),
        asyncssh.KeyExchangeFailed("a label"),
        asyncssh.ConnectionLost("a label"),
        asyncssh.ProtocolError("a label"),
        asyncssh.ServiceNotAvailable("a label"),
        _SessionRefused("a label"),
        *(kind("a label") for kind in (
            asyncssh.SFTPNoSuchFile, asyncssh.SFTPPermissionDenied, asyncssh.SFTPFailure, asyncssh.SFTPBadMessage,
            asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost, asyncssh.SFTPOpUnsupported,
            asyncssh.SFTPInvalidHandle, asyncssh.SFTPNoSuchPath, asyncssh.SFTPFileAlreadyExists,
            asyncssh.SFTPWriteProtect, asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded,
            asyncssh.SFTPNotADirectory, asyncssh.SFTPInvalidFilename, asyncssh.SFTPEOFError,
        )),
        _StrangeAnswer("a label"),
        NotConnected(),
        asyncio.IncompleteReadError(b"a label", 99),
        ConnectionRefusedError(111, "a label"),
        ConnectionResetError(),
        TimeoutError(),
        OSError(-2, "a label"),
        EOFError(),
        ValueError("a label"),
        KeyError("a label"),
        MemoryError(),
    )  # fmt: skip

    def __init__(self, inbox: PartnerInbox, of: Reach) -> None:
        self.inbox = inbox
        self.of = of
        self._sink, self.remote = breaking_sink(of)

    def sink(self) -> Sink:
        return self._sink

    def break_in(self, operation: str, error: BaseException) -> None:
        self.remote.broken, self.remote.error = operation, error

    def mend(self) -> None:
        self.remote.broken = ""

    def watch(self, look: Callable[[], object]) -> None:
        self.remote.look = look

    def final(self) -> dict[str, bytes]:
        return self.inbox.final()

    def put_by_hand(self, name: str, content: bytes) -> None:
        (self.inbox.folder / name).write_bytes(content)

    def everything(self) -> list[str]:
        return sorted(path.name for path in self.inbox.folder.iterdir())

    def received(self) -> list[tuple[str, bytes]]:
        return self.inbox.received()

    def _refused(self, *logins: Login) -> list[Sink]:
        return [SftpSink.of(replace(self.of, login=login)) for login in logins]

    def sinks_set_up_wrong(self) -> list[Sink]:
        folder = str(self.of.settings.get("folder") or ".")
        (self.inbox.folder.parent / "file").touch()
        return [SftpSink.of(replace(self.of, settings={"folder": f"{folder}/missing"}))]


class SimulatedSftpHarness(_SftpHarness):
    """The partner of the simulator."""

    def __init__(self, home: Path) -> None:
        (home / "partner").mkdir()
        self.partner = SftpPartner(home / "partner").__enter__()
        super().__init__(self.partner.inbox, reach(self.partner.login()))
        self.secrets: tuple[str, ...] = (self.partner.password,)

    def watch(self, look: Callable[[], object]) -> None:
        super().watch(look)
        self.partner.watch = look

    def sinks_refused(self) -> list[Sink]:
        self.partner.script.add("open", Fault.PERMISSION_DENIED, times=99)
        login = self.partner.login()
        return self._refused(
            replace(login, password="another"),  # noqa: S106
            replace(login, user="somebody"),
            with_extra(replace(login, password=None), private_key=another_key().export_private_key().decode()),
            with_extra(login, host_key=public(another_key())),
            with_extra(login, host_key="", host_ca=public(another_key())),
            login,
        )

    def payload_bytes_seen(self) -> int:
        return self.partner.bytes_written

    def close(self) -> None:
        self.partner.__exit__(None, None, None)


class OpenSshHarness(_SftpHarness):
    """A real sshd, whose user has a folder of his own in each test."""

    def __init__(self, home: Path) -> None:
        inbox = PartnerInbox(home / "partner")
        super().__init__(inbox, reach(sshd().login(), settings={"folder": str(inbox.folder)}))
        self.secrets: tuple[str, ...] = (sshd().key,)

    def sinks_refused(self) -> list[Sink]:
        login = sshd().login()
        return self._refused(
            replace(login, user="somebody"),
            with_extra(login, private_key=another_key().export_private_key().decode()),
            with_extra(login, host_key=public(another_key())),
            with_extra(login, host_key="", host_ca=public(another_key())),
            sshd().login(read_only=True),
        )

    def payload_bytes_seen(self) -> int:
        return sum(path.stat().st_size for path in self.inbox.folder.iterdir())

    def close(self) -> None:
        """The server serves the next test."""
