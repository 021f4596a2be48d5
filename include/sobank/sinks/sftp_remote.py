"""What `sinks/sftp.py` asks of a server: every method is one exchange, bounded in time, from any thread.

Requests on one file are answered in the order they were sent (draft-ietf-secsh-filexfer-02 §4.1), so what belongs
together leaves together, without waiting for each answer. Nothing here decides anything: errors are those of asyncssh
and of the system, or `NotConnected` where nothing was sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import asyncssh
from asyncssh import FXF_CREAT, FXF_EXCL, FXF_READ, FXF_WRITE, SFTPAttrs, SFTPClient, SFTPClientFile

from sobank.sinks import sftp_connections
from sobank.sinks.sftp_connections import Address

FILE_MODE: Final = 0o640
#: Bytes asked for, or sent, before their answers are waited for.
WINDOW: Final = 4 << 20
#: What `digest` answers for something that is no ordinary file, or is longer than asked: it equals no payload.
OTHER: Final = ("", -1)
_NO_FILE: Final = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_READ_ONLY_FLAG: Final = 1

Digest = tuple[str, int]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """What a server can do: `free` in bytes and `read_only`, None where it does not say; `mode` of the folder."""

    version: str
    fsync: bool
    free: int | None
    read_only: bool | None
    mode: int | None
    is_folder: bool


class Remote:
    """The files of one server. Paths are as the server takes them, relative to the login folder or whole."""

    def __init__(self, address: Address) -> None:
        self._address = address

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One of the files that may be in flight; waits for it."""
        with sftp_connections.server(self._address).slots:
            yield

    def create(self, path: str, folder: str) -> tuple[SFTPClientFile, int | None]:
        """Open a new file to write and read back, refusing an existing one; and how many bytes `folder` has free,
        None where the server does not say."""
        flags = FXF_READ | FXF_WRITE | FXF_CREAT | FXF_EXCL

        async def ask(client: SFTPClient) -> tuple[SFTPClientFile, int | None]:
            attributes = SFTPAttrs(permissions=FILE_MODE)
            opened, free = await _all(
                client.open(path, flags, attributes, encoding=None, block_size=0), _free(client, folder)
            )
            return opened, free

        return self._exchange(ask)

    def write(self, file: SFTPClientFile, offset: int, piece: bytes) -> None:
        """Write all of `piece`, at most WINDOW bytes."""
        self._exchange(lambda client: _all(*_writes(client, file, offset, piece)))

    def finish(self, file: SFTPClientFile, path: str, offset: int, piece: bytes) -> Digest:
        """Write the last `piece`, make the file durable where the server can, read it back whole, close it."""

        async def ask(client: SFTPClient) -> Digest:
            first = (*_writes(client, file, offset, piece), _synced(file))
            return await _read_and_close(client, file, path, offset + len(piece), first=first)

        return self._exchange(ask)

    def abandon(self, file: SFTPClientFile, path: str) -> None:
        """Close and remove a file that is not wanted any more."""
        self._exchange(lambda client: _all(file.close(), _removed(client, path)))

    def digest(self, path: str, size: int) -> Digest | None:
        """SHA-256 (hex) and size of what lies under `path` now, None where nothing does; OTHER beyond `size` bytes."""

        async def ask(client: SFTPClient) -> Digest | None:
            try:
                file = await client.open(path, FXF_READ, encoding=None, block_size=0)
                return await _read_and_close(client, file, path, size)
            except _NO_FILE:
                return None
            except asyncssh.SFTPFailure:
                if await _is_regular(client, path):
                    raise
                return OTHER

        return self._exchange(ask)

    def exists(self, path: str) -> bool:
        """Whether anything has that name; a link is not followed."""

        async def ask(client: SFTPClient) -> bool:
            try:
                await client.lstat(path)
            except _NO_FILE:
                return False
            return True

        return self._exchange(ask)

    def names_of(self, folder: str, name: str) -> int | None:
        """How many names the file `name` has on its file system, None where the server does not say.

        SFTP 3 tells it only in the line that `ls -l` would print.
        """

        async def ask(client: SFTPClient) -> int | None:
            async for entry in client.scandir(folder.encode()):
                if entry.filename == name.encode():
                    fields = (entry.longname or b"").split()
                    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else None
            return None

        return self._exchange(ask)

    def rename(self, old: str, new: str) -> None:
        """Move by SFTP's own rename, which refuses an existing `new`; without flags asyncssh sends no other."""
        self._exchange(lambda client: client.rename(old, new))

    def remove(self, *paths: str) -> None:
        """Remove files; they need not be there."""

        async def ask(client: SFTPClient) -> None:
            await _all(*(_removed(client, path) for path in paths))

        self._exchange(ask)

    def make_folder(self, path: str) -> None:
        """Make a folder; it may be there."""

        async def ask(client: SFTPClient) -> None:
            try:
                await client.mkdir(path, SFTPAttrs(permissions=0o750))
            except asyncssh.SFTPFailure:
                if not stat.S_ISDIR((await client.stat(path)).permissions or 0):
                    raise

        self._exchange(ask)

    def abilities(self, folder: str) -> Abilities:
        """Look at the server and the folder; nothing is written."""
        server = sftp_connections.server(self._address)

        async def ask(client: SFTPClient) -> Abilities:
            mode = (await client.stat(folder)).permissions
            try:
                space = await client.statvfs(folder)
            except asyncssh.SFTPError:
                space = None
            return Abilities(
                version=server.version,
                # asyncssh tells it only where there is a file to sync
                fsync=bool(getattr(getattr(client, "_handler", None), "_supports_fsync", False)),
                free=space.bavail * space.frsize if space else None,
                read_only=bool(space.flags & _READ_ONLY_FLAG) if space else None,
                mode=None if mode is None else stat.S_IMODE(mode),
                is_folder=mode is None or stat.S_ISDIR(mode),
            )

        return self._exchange(ask)

    def _exchange(self, ask: Callable[[SFTPClient], Awaitable[T]]) -> T:
        return sftp_connections.server(self._address).exchange(ask)


async def _all(*asked: Awaitable[Any]) -> list[Any]:
    """Every answer, all requests having left in this order; the first error once none is outstanding."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


async def _read_and_close(
    client: SFTPClient, file: SFTPClientFile, path: str, size: int, *, first: tuple[Awaitable[Any], ...] = ()
) -> Digest:
    """Digest of a file that should have `size` bytes; OTHER if it has more, its own size if it has fewer.

    One byte more than `size` is asked for. A server may answer a read with fewer bytes than there are: then the file
    is read once more, in steps.

    Args:
        first: asked for before anything is read.
    """
    found, at, step = hashlib.sha256(), 0, client.limits.max_read_len
    while at <= size:
        end = min(at + WINDOW, size + 1)
        spans = [(start, min(step, end - start)) for start in range(at, end, step)]
        asked: list[Awaitable[Any]] = [*first, *(file.read(length, start) for start, length in spans)]
        if end > size:
            asked.append(file.close())
        pieces = (await _all(*asked))[len(first) :]
        for (start, length), piece in zip(spans, pieces, strict=False):
            if len(piece) < min(length, size - start):
                return await _read_in_steps(client, path, size)
            if start + len(piece) > size:
                return OTHER
            found.update(piece)
        at, first = end, ()
    return found.hexdigest(), size


async def _read_in_steps(client: SFTPClient, path: str, size: int) -> Digest:
    found, at = hashlib.sha256(), 0

    async with client.open(path, FXF_READ, encoding=None, block_size=0) as file:
        while at <= size and (piece := cast("bytes", await file.read(client.limits.max_read_len, at))):
            found.update(piece)
            at += len(piece)
    return (found.hexdigest(), at) if at <= size else OTHER


def _writes(client: SFTPClient, file: SFTPClientFile, offset: int, piece: bytes) -> list[Awaitable[Any]]:
    step = client.limits.max_write_len
    return [file.write(piece[at : at + step], offset + at) for at in range(0, len(piece), step)]


async def _synced(file: SFTPClientFile) -> None:
    with suppress(asyncssh.SFTPOpUnsupported):
        await file.fsync()


async def _removed(client: SFTPClient, path: str) -> None:
    with suppress(*_NO_FILE):
        await client.remove(path)


async def _free(client: SFTPClient, folder: str) -> int | None:
    """A server that cannot tell, or may not, does not stop a delivery."""
    try:
        space = await client.statvfs(folder)
    except asyncssh.SFTPError:
        return None
    return int(space.bavail * space.frsize)


async def _is_regular(client: SFTPClient, path: str) -> bool:
    try:
        mode = (await client.lstat(path)).permissions
    except _NO_FILE:
        return True
    return mode is None or stat.S_ISREG(mode)
