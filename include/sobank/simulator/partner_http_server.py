"""A small HTTPS server for simulated partners: HTTP/1.1 on h11 over TLS, in a thread of its own, able to misbehave.

What is asked and what is answered is the partner's business (`partner_https.py`); how the bytes come and go, and how
they fail to, is this module's.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final, Protocol

import h11

from sobank.simulator.script import Fault

_READ: Final = 64 << 10
#: Closing with unsent or unread bytes and no time to linger is what makes the other side see a reset.
_NO_LINGER: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A whole request. `headers`: names in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer. `body`: sent as it is if it is bytes, else as JSON."""

    status: int
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Served(Protocol):
    """What the server asks of a partner."""

    drip_seconds: float

    def fault_at(self, operation: str) -> Fault | None:
        """What goes wrong with this operation now."""
        ...

    def operation_of(self, method: str) -> str:
        """Name of an operation in the script."""
        ...

    def seen(self, method: str, size: int) -> None:
        """So many bytes of a body came."""
        ...

    def answer(self, asked: Asked, fault: Fault | None) -> Reply | None:
        """Carry the request out; None: the connection is closed without an answer."""
        ...


class HttpServer:
    """Listens on 127.0.0.1 from `start` to `stop`."""

    def __init__(self, served: Served, *, tls: ssl.SSLContext, port: int = 0) -> None:
        self._served = served
        self._tls = tls
        self.port = port
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="simulated partner", daemon=True)
        self._open: set[asyncio.Task[Any]] = set()
        self._failed: OSError | None = None

    def start(self) -> None:
        """Return when it listens; `OSError` if the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def stop(self) -> None:
        """Cut every connection and end the thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._listen())
        finally:
            self._ready.set()
            self._loop.close()

    async def _listen(self) -> None:
        self._ended = asyncio.Event()
        try:
            server = await asyncio.start_server(
                self._accept, "127.0.0.1", self.port, ssl=self._tls, ssl_handshake_timeout=5, ssl_shutdown_timeout=0.1
            )
        except OSError as error:
            self._failed = error
            return
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._ended.wait()
        server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._open.add(task)
            task.add_done_callback(self._open.discard)
        try:
            with suppress(OSError, h11.RemoteProtocolError, asyncio.CancelledError):
                await _Connection(self._served, reader, writer).serve()
        finally:
            writer.transport.abort()


class _Connection:
    """One connection, request after request."""

    def __init__(self, served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._served = served
        self._reader = reader
        self._writer = writer
        self._wire = h11.Connection(h11.SERVER)

    async def serve(self) -> None:
        if (fault := self._served.fault_at("connect")) is not None:
            if fault is Fault.BLACK_HOLE:
                await self._until_left()
            return
        while await self._one():
            self._wire.start_next_cycle()

    async def _one(self) -> bool:
        """Serve one request; whether another may follow."""
        head = await self._event()
        if not isinstance(head, h11.Request):
            return False
        method = head.method.decode()
        fault = self._served.fault_at(self._served.operation_of(method))
        body = bytearray()
        while isinstance(event := await self._event(), h11.Data):
            body += event.data
            self._served.seen(method, len(event.data))
            if fault is Fault.RESET_MID_BODY:
                break
        if fault is Fault.RESET_MID_BODY:
            self._reset()
            return False
        if not isinstance(event, h11.EndOfMessage):
            return False
        if fault is Fault.BLACK_HOLE:
            await self._until_left()
            return False
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in head.headers}
        asked = Asked(method=method, target=head.target.decode("latin-1"), headers=headers, body=bytes(body))
        reply = self._served.answer(asked, fault)
        if reply is None:
            return False
        await self._send(reply, drip=self._served.drip_seconds if fault is Fault.DRIP else None)
        return self._wire.our_state is h11.DONE and self._wire.their_state is h11.DONE

    async def _event(self) -> Any:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            self._wire.receive_data(await self._reader.read(_READ))
        return event

    async def _send(self, reply: Reply, *, drip: float | None) -> None:
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Date": formatdate(usegmt=True), "Content-Length": str(len(body)), **reply.headers}
        if body:
            headers.setdefault("Content-Type", "application/json")
        out = b"".join(
            self._wire.send(event) or b""
            for event in (
                h11.Response(status_code=reply.status, headers=list(headers.items())),
                *([h11.Data(data=body)] if body else []),
                h11.EndOfMessage(),
            )
        )
        for piece in [out] if drip is None else [out[place : place + 1] for place in range(len(out))]:
            self._writer.write(piece)
            await self._writer.drain()
            if drip is not None:
                await asyncio.sleep(drip)

    async def _until_left(self) -> None:
        """Say nothing until the other side goes away."""
        while await self._reader.read(_READ):
            continue

    def _reset(self) -> None:
        found = self._writer.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._writer.transport.abort()
