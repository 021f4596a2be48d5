"""SSH connections of this process: one event loop in the background, one connection per server and login (DESIGN §6).

All worker threads share them; nothing starts at import. A connection that breaks is thrown away and the next exchange
makes a new one. A forked child starts over: it never touches the connections of its parent.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeVar

import asyncssh

from sobank.sinks.sftp_link import Link

T = TypeVar("T")
#: An idle connection that went away unnoticed is found out before it is needed.
_KEEPALIVE_SECONDS: Final = 20
#: All that asyncssh knows, in another order: what the processor does itself comes first.
_FASTEST_FIRST: Final = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"
#: How long a server that hung up is still listened to: what it said last may wait behind what is being worked on.
_LAST_WORDS_SECONDS: Final = 0.05
_LOST: Final = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.SFTPBadMessage)


class NotConnected(Exception):
    """No connection came about, so nothing of the exchange was sent; `__cause__` says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A server, who we are there, and by which keys he is known: equal addresses share one connection.

    host_keys, host_cas: pinned public keys as `type base64`. private_key: PEM or OpenSSH text. timeout: seconds of one
    exchange. at_once: files in flight.
    """

    host: str
    port: int
    user: str
    host_keys: tuple[str, ...]
    host_cas: tuple[str, ...]
    at_once: int
    timeout: float
    password: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)


class _Listener(asyncssh.SSHClient):
    """Hears a refusal out: asyncssh drops what came before the end of the line while it works on an earlier packet.

    Without it, a server that hangs up because no host key fits looks, on a busy machine, like a line that broke.
    """

    _let_in = False

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        hang_up = conn.eof_received
        loop = asyncio.get_running_loop()

        def eof_received() -> bool | None:
            if self._let_in:
                return hang_up()
            loop.call_later(_LAST_WORDS_SECONDS, hang_up)
            return True

        conn.eof_received = eof_received  # type: ignore[method-assign, assignment]  # asyncssh offers no other place for it

    def auth_completed(self) -> None:
        self._let_in = True


@lru_cache(maxsize=64)
def private_key(text: str, passphrase: str | None) -> asyncssh.SSHKey:
    """The key in `text`; kept, because opening one with a passphrase is slow by design.

    Raises:
        asyncssh.KeyImportError, asyncssh.KeyEncryptionError: it cannot be read.
    """
    return asyncssh.import_private_key(text, passphrase)


class Server:
    """One server, reached by one login; made by `server`. `slots` bounds the files in flight."""

    def __init__(self, address: Address, loop: asyncio.AbstractEventLoop) -> None:
        self.slots = threading.BoundedSemaphore(address.at_once)
        #: what the server calls itself, once connected
        self.version = ""
        self._address = address
        self._loop = loop
        self._link: Link | None = None
        self._connecting: asyncio.Task[Link] | None = None

    def exchange(self, ask: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """What `ask` answers, within the time-out; called from any thread.

        Raises:
            NotConnected: nothing was sent. Whatever asyncssh or the system raises: the answer is not known.
        """
        future = asyncio.run_coroutine_threadsafe(self._exchange(ask), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def close(self) -> None:
        """Say goodbye, and wait a moment for it to leave."""
        link, self._link = self._link, None
        if link is not None:
            link.connection.close()
            with suppress(asyncssh.Error, OSError):
                await asyncio.wait_for(link.connection.wait_closed(), 1)

    async def _exchange(self, ask: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        try:
            link = await self._linked()
        except Exception as error:
            raise NotConnected from error
        try:
            with link.session() as client:
                async with asyncio.timeout(self._address.timeout):
                    return await ask(client)
        except asyncssh.SFTPError as error:
            if isinstance(error, _LOST):
                self._forget(link, after=0)
            raise
        except TimeoutError:
            # Others may still be answered on it: no new exchange uses it, and it ends when theirs are over.
            self._forget(link, after=self._address.timeout)
            raise
        except (OSError, asyncssh.Error, EOFError):
            self._forget(link, after=0)
            raise

    async def _linked(self) -> Link:
        if self._link is not None and not self._link.connection.is_closed():
            return self._link
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)
        return await asyncio.shield(self._connecting)

    def _connected(self, task: asyncio.Task[Link]) -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._link = task.result()

    async def _connect(self) -> Link:
        """Only what the address gives is used: no agent, no file of the user, no key learnt on the way."""
        address = self._address
        key = [private_key(address.private_key, address.passphrase)] if address.private_key else None
        async with asyncio.timeout(address.timeout):
            connection = await asyncssh.connect(
                address.host,
                address.port,
                client_factory=_Listener,
                username=address.user,
                password=address.password,
                client_keys=key,
                known_hosts=(_public(address.host_keys), _public(address.host_cas), [], [], [], [], []),
                config=[],
                agent_path=None,
                x509_trusted_certs=None,
                x509_trusted_cert_paths=[],
                gss_auth=False,
                gss_kex=False,
                host_based_auth=False,
                encryption_algs=_FASTEST_FIRST,
                compression_algs=["none"],
                keepalive_interval=_KEEPALIVE_SECONDS,
                connect_timeout=address.timeout,
                login_timeout=address.timeout,
            )
            try:
                self.version = str(connection.get_extra_info("server_version", ""))
                return await Link.on(connection)
            except BaseException:
                connection.abort()
                raise

    def _forget(self, link: Link, *, after: float) -> None:
        if self._link is link:
            self._link = None
        if after:
            self._loop.call_later(after, link.connection.abort)
        else:
            link.connection.abort()


def _public(lines: tuple[str, ...]) -> list[asyncssh.SSHKey]:
    return [asyncssh.import_public_key(line) for line in lines]


class _Running:
    """The event loop of this process and what it is connected to."""

    def __init__(self) -> None:
        # It tells every step of every connection; what matters of them is in our errors.
        asyncssh.set_log_level(logging.WARNING)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="sobank-sftp", daemon=True)
        self.thread.start()
        self.servers: dict[Address, Server] = {}

    def stop(self) -> None:
        for server_ in self.servers.values():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(server_.close(), self.loop).result(2)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(2)
        if not self.thread.is_alive():
            self.loop.close()


class _Process:
    """What this process has running. Of a parent it is kept and not used: even to let go of it would touch sockets."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: _Running | None = None
        self.of_parents: list[_Running | None] = []

    def start_over(self) -> None:
        self.lock = threading.Lock()
        self.of_parents.append(self.running)
        self.running = None


_process: Final = _Process()
os.register_at_fork(after_in_child=_process.start_over)


def server(address: Address) -> Server:
    """The server at that address; connected to when first asked something."""
    with _process.lock:
        if _process.running is None:
            _process.running = _Running()
        running = _process.running
        return running.servers.setdefault(address, Server(address, running.loop))


@atexit.register
def close_all() -> None:
    """End every connection and the loop. The next exchange starts anew."""
    with _process.lock:
        running, _process.running = _process.running, None
    if running is not None:
        running.stop()
