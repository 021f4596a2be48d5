"""One connection to the simulated SFTP server: who may come in, what he finds, what faults are played to him."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncssh
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHServerStreamSession

from sobank.simulator.script import Fault

if TYPE_CHECKING:
    from sobank.simulator.partner_sftp import SftpPartner

USER: Final = "sobank"
DRIP_PIECES: Final = 20
DRIP_SECONDS: Final = 0.005


class Door(asyncssh.SSHServer):
    """Who may come in."""

    def __init__(self, partner: SftpPartner) -> None:
        self._partner = partner
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._partner.connections.add(conn)
        self._partner.connections_made += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._connection is not None:
            self._partner.connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        assert self._connection is not None  # noqa: S101  a login comes over a connection
        try:
            fault = await self._partner.play("connect", self._connection)
        except (ConnectionAbortedError, asyncssh.SFTPPermissionDenied, OSError):
            self._connection.abort()
            return True
        if fault is Fault.LOSE_ANSWER:
            self._connection.abort()
        self._known = username == USER
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:  # noqa: ARG002
        return self._known and secrets.compare_digest(password, self._partner.password)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        return self._known and key == self._partner.user_key.convert_to_public()

    def session_requested(self) -> Any:
        assert self._connection is not None  # noqa: S101  a session is asked for over a connection
        return self._connection.create_server_channel(encoding=None), _Session(self._partner)


class _Session(SSHServerStreamSession[bytes]):
    """An SFTP session and nothing else."""

    def __init__(self, partner: SftpPartner) -> None:
        super().__init__(None)
        self._partner = partner

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        channel: Any = self._chan
        reader, writer = asyncssh.SSHReader[bytes](self, channel), asyncssh.SSHWriter[bytes](self, channel)
        handler = _Handler(Files(self._partner, channel, self._partner.inbox.folder), reader, writer, 3)
        handler.leave_out(self._partner.left_out)
        channel.get_connection().create_task(handler.run(), handler.logger)


class _Handler(SFTPServerHandler):
    """Offers fewer extensions than asyncssh's own."""

    def leave_out(self, names: frozenset[bytes]) -> None:
        self._extensions = [offer for offer in self._extensions if offer[0] not in names]


class Files(asyncssh.SFTPServer):
    """The inbox, and the faults of the script."""

    def __init__(self, partner: SftpPartner, channel: Any, folder: Path) -> None:
        super().__init__(channel, chroot=os.fsencode(folder))
        self._partner = partner
        self._line: asyncssh.SSHServerConnection = channel.get_connection()
        self._new: set[int] = set()

    async def _do(self, operation: str, do: Callable[[], Any]) -> Any:
        fault = await self._partner.play(operation, self._line)
        answer = do()
        self._partner.watch()
        if fault is Fault.LOSE_ANSWER or fault is Fault.RESET_MID_BODY:
            self._line.abort()
        return answer

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        file: Any = await self._do("open", lambda: super(Files, self).open(path, pflags, attrs))
        if pflags & asyncssh.FXF_CREAT:
            self._new.add(id(file))
            self._partner.open_now += 1
            self._partner.open_most = max(self._partner.open_most, self._partner.open_now)
        return file

    async def close(self, file_obj: Any) -> None:
        if id(file_obj) in self._new:
            self._new.discard(id(file_obj))
            self._partner.open_now -= 1
        file_obj.close()

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        answer: bytes = await self._do("read", lambda: super(Files, self).read(file_obj, offset, size))
        return answer

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:
        fault, half = await self._partner.play("write", self._line), len(data) // 2
        if fault is Fault.DRIP:
            step = max(len(data) // DRIP_PIECES, 1)
            for at in range(0, len(data), step):
                self._put(file_obj, offset + at, data[at : at + step])
                await asyncio.sleep(DRIP_SECONDS)
            return len(data)
        if fault in {Fault.RESET_MID_BODY, Fault.TRUNCATE, Fault.DISK_FULL}:
            self._put(file_obj, offset, data[:half])
        else:
            self._put(file_obj, offset, data)
        if fault is Fault.DISK_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if fault in {Fault.RESET_MID_BODY, Fault.LOSE_ANSWER}:
            self._line.abort()
        return len(data)

    def _put(self, file_obj: object, offset: int, data: bytes) -> None:
        super().write(file_obj, offset, data)
        self._partner.bytes_written += len(data)
        self._partner.watch()

    async def fsync(self, file_obj: object) -> None:
        await self._do("fsync", lambda: super(Files, self).fsync(file_obj))

    async def stat(self, path: bytes) -> Any:
        return await self._do("stat", lambda: super(Files, self).stat(path))

    async def lstat(self, path: bytes) -> Any:
        return await self._do("stat", lambda: super(Files, self).lstat(path))

    async def statvfs(self, path: bytes) -> Any:
        return await self._do("statvfs", lambda: super(Files, self).statvfs(path))

    async def remove(self, path: bytes) -> None:
        await self._do("remove", lambda: super(Files, self).remove(path))

    async def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        await self._do("mkdir", lambda: super(Files, self).mkdir(path, attrs))

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """As OpenSSH does it: a second name, which is refused if it is there, then away with the first."""
        old, new = self.map_path(oldpath), self.map_path(newpath)

        def move() -> None:
            os.link(old, new, follow_symlinks=False)
            Path(os.fsdecode(old)).unlink()
            self._partner.changed()

        await self._do("rename", move)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        def move() -> None:
            Path(os.fsdecode(self.map_path(oldpath))).replace(os.fsdecode(self.map_path(newpath)))
            self._partner.changed()

        await self._do("rename", move)
