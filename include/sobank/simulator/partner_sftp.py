"""A partner's SFTP server, in this process and on loopback, that can be told to misbehave.

`with SftpPartner(folder) as partner:` serves `folder/inbox` to one user, by password and by key. Its renames refuse an
existing name, as SFTP 3 has it; `posix-rename` is offered, and replaces. One request of a connection is answered after
another, so a request that is never answered silences its whole connection.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Collection, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import asyncssh

from sobank.domain.sink import Login
from sobank.simulator.partner_inbox import PartnerInbox
from sobank.simulator.partner_sftp_session import DRIP_PIECES, DRIP_SECONDS, USER, Door
from sobank.simulator.private_file import kept_secret
from sobank.simulator.script import Fault, Script

_EXTENSIONS: Final = {
    "fsync": {b"fsync@openssh.com"},
    "statvfs": {b"statvfs@openssh.com", b"fstatvfs@openssh.com"},
    "posix-rename": {b"posix-rename@openssh.com"},
    "limits": {b"limits@openssh.com"},
}


class SftpPartner:
    """See the module. Its host key and password stay in `folder` for the next time.

    Args:
        port: 0 for a free one. without: what it does not offer, of fsync, statvfs, posix-rename, limits.
    """

    operations: Final = frozenset(
        {"connect", "open", "write", "fsync", "read", "rename", "stat", "statvfs", "remove", "mkdir", "list"}
    )
    faults: Final = frozenset(
        {
            Fault.LOSE_ANSWER,
            Fault.LOSE_REQUEST,
            Fault.RESET_MID_BODY,
            Fault.DRIP,
            Fault.BLACK_HOLE,
            Fault.DISK_FULL,
            Fault.PERMISSION_DENIED,
            Fault.TRUNCATE,
        }
    )

    def __init__(self, folder: Path, *, greedy: bool = False, port: int = 0, without: Collection[str] = ()) -> None:
        self.inbox = PartnerInbox(folder, greedy=greedy)
        self.script = Script()
        self.settings: dict[str, Any] = {}
        self.transport: dict[str, Any] = {}
        self.port = port
        #: bytes of payload that were ever written here
        self.bytes_written = 0
        #: SSH connections that were ever made
        self.connections_made = 0
        #: new files open now, and the most there ever were
        self.open_now, self.open_most = 0, 0
        #: called after every request that may have changed what lies in the inbox
        self.watch: Callable[[], object] = lambda: None
        self.connections: set[asyncssh.SSHServerConnection] = set()
        self.password = kept_secret(folder / "password")
        self._folder = folder
        self.left_out = frozenset[bytes]().union(*(_EXTENSIONS[name] for name in without))
        self._host_key = _kept_key(folder / "host_key")
        self.user_key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="partner-sftp", daemon=True)
        self._acceptor: asyncssh.SSHAcceptor | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._ask(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ask(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def login(self, *, by_key: bool = False) -> Login:
        """How to get in, as an Airflow connection would give it: by password, or by key."""
        extra: dict[str, object] = {"host_key": self.host_key}
        if by_key:
            extra["private_key"] = self.user_key.export_private_key("openssh").decode()
        password = None if by_key else self.password
        return Login(host="127.0.0.1", port=self.port, user=USER, password=password, extra=extra)

    @property
    def host_key(self) -> str:
        """The public host key, as a partner would tell it: `type base64`."""
        return self._host_key.export_public_key("openssh").decode().strip()

    def change_host_key(self) -> None:
        """From now on another host key; those who are connected are thrown out."""
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        acceptor = self._acceptor
        if acceptor is not None:
            self._loop.call_soon_threadsafe(lambda: acceptor.update(server_host_keys=[self._host_key]))
        self.drop()

    def drop(self) -> None:
        """Cut every connection, without a word."""

        async def cut() -> None:
            for connection in list(self.connections):
                connection.abort()

        self._ask(cut())

    def reset(self) -> None:
        """Forget everything that arrived, and behave."""
        self.script.clear()
        self.drop()
        self.inbox.empty()
        self.bytes_written = self.connections_made = self.open_most = 0

    def changed(self) -> None:
        """Something may have a final name now: the partner looks."""
        self.watch()
        self.inbox.arrived()

    async def play(self, operation: str, connection: asyncssh.SSHServerConnection) -> Fault | None:
        """Play the fault that the script has for this operation before it is done; the fault, if there is one."""
        fault = self.script.take(operation)
        if fault is Fault.LOSE_REQUEST:
            connection.abort()
            raise ConnectionAbortedError
        if fault is Fault.BLACK_HOLE:
            await asyncio.get_running_loop().create_future()
        if fault is Fault.PERMISSION_DENIED:
            raise asyncssh.SFTPPermissionDenied("denied by the script")
        if fault is Fault.DRIP and operation != "write":
            await asyncio.sleep(DRIP_PIECES * DRIP_SECONDS)
        if fault is Fault.DISK_FULL and operation != "write":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fault

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: Door(self),
            server_host_keys=[self._host_key],
            agent_forwarding=False,
            allow_scp=False,
            compression_algs=["none"],
        )
        self.port = self._acceptor.get_port()

    async def _stop(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
        for connection in list(self.connections):
            connection.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


def _kept_key(path: Path) -> asyncssh.SSHKey:
    """The key in that file, made where it is missing."""
    if not path.exists():
        path.touch(0o600)
        path.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh"))
    return asyncssh.import_private_key(path.read_bytes())
