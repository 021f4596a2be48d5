"""A server made as far away as partners are: what passes between it and its clients takes a while each way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 1 << 16


@contextmanager
def far(port: int, *, one_way: float) -> Iterator[int]:
    """A port on loopback that leads to `port`; everything arrives `one_way` seconds later, in order."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def connected(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far_in, far_out = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_late(near_in, far_out, one_way), _late(far_in, near_out, one_way))

    try:
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(connected, "127.0.0.1", 0), loop).result(10)
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _late(source: asyncio.StreamReader, target: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, each piece so many seconds after it came; then the end."""
    loop, waiting = asyncio.get_running_loop(), asyncio.Queue[tuple[float, bytes]]()

    async def pass_on() -> None:
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                return
            target.write(piece)
            await target.drain()

    passing = asyncio.create_task(pass_on())
    with suppress(OSError):
        piece = b"x"
        while piece:
            piece = await source.read(_PIECE)
            waiting.put_nowait((loop.time() + seconds, piece))
        await passing
    passing.cancel()
    target.close()


async def _end() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
