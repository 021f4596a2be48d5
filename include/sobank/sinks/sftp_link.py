"""One SSH connection and the SFTP sessions on it.

A server answers the requests of one session one after another, and often waits for a disk in each. So a connection that
is busy gets a few sessions, as many as the server allows; a quiet one keeps the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Self

import asyncssh
from asyncssh.sftp import start_sftp_client

_MOST: Final = 4
#: Exchanges in flight on the least busy session from which on another one is opened.
_BUSY: Final = 2


@dataclass(kw_only=True, slots=True)
class _Session:
    client: asyncssh.SFTPClient
    asked: int = 0


class Link:
    """A connection with at least one session. Used in the thread of its event loop only."""

    def __init__(self, connection: asyncssh.SSHClientConnection, client: asyncssh.SFTPClient) -> None:
        self.connection = connection
        self._sessions = [_Session(client=client)]
        self._most = _MOST
        self._opening: asyncio.Task[None] | None = None

    @classmethod
    async def on(cls, connection: asyncssh.SSHClientConnection) -> Self:
        """The connection with its first session."""
        return cls(connection, await _client(connection))

    @contextmanager
    def session(self) -> Iterator[asyncssh.SFTPClient]:
        """The least busy session, for one exchange."""
        session = min(self._sessions, key=lambda one: one.asked)
        if session.asked >= _BUSY and self._opening is None and len(self._sessions) < self._most:
            self._opening = asyncio.create_task(self._open_another())
        session.asked += 1
        try:
            yield session.client
        finally:
            session.asked -= 1

    async def _open_another(self) -> None:
        try:
            self._sessions.append(_Session(client=await _client(self.connection)))
        except (asyncssh.Error, OSError, EOFError):
            self._most = len(self._sessions)
        self._opening = None


class _TogetherWriter(asyncssh.SSHWriter[bytes]):
    """Sends what is written in one turn of the loop together: every SSH packet costs a cipher run and a system call."""

    _waiting: list[bytes]

    def write(self, data: bytes) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._send)
        self._waiting.append(data)

    def _send(self) -> None:
        together, self._waiting = b"".join(self._waiting), []
        if not self.is_closing():
            super().write(together)


async def _client(connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
    """As `start_sftp_client` of the connection, but for the writer."""
    writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
    together = _TogetherWriter(writer._session, writer.channel)
    together._waiting = []
    loop = asyncio.get_running_loop()
    return await start_sftp_client(connection, loop, "replace", reader, together, "utf-8", "strict", 3)
