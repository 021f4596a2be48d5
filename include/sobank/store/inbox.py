"""The folder in which banks' files arrive: each is claimed by one worker, taken once, or set aside (S15)."""

from __future__ import annotations

import fcntl
import filecmp
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sobank.domain.file_name import file_name
from sobank.errors import ConfigurationError

_LONGEST_NAME = 255  # bytes
_UNFINISHED = (".part", ".tmp", ".filepart", ".partial")


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """A file that is ours to take in; `name` is what the bank called it."""

    name: str
    path: Path


class Inbox:
    """A folder watched for files. `.claimed` and `refused` inside it are ours.

    A claim is a lock on the file, held while it is taken in, and one hard link, which refuses an existing name: two
    workers never take the same file, and a second file of the same name waits its turn. A file left in `.claimed` by a
    worker that died is locked by nobody, and taken again by the next: its bytes are ingested once. A file touched
    within `quiet_seconds`, or named as uploads in progress are, is left alone.
    """

    def __init__(self, folder: Path, *, quiet_seconds: int) -> None:
        self.folder = folder
        self._quiet_seconds = quiet_seconds
        self._claimed = folder / ".claimed"
        self._refused = folder / "refused"

    def claim(self, *, now: datetime) -> Iterator[Claimed]:
        """Claim the files that are whole, in order of name, one at a time; each is ours until the next is asked for.

        Raises:
            ConfigurationError: the folder is not there; or, once all others were claimed, files could not be.
        """
        if not self.folder.is_dir():
            raise ConfigurationError(
                "the inbox is not there", subject=str(self.folder), remedy="create it, or set SOBANK_INBOX"
            )
        self._claimed.mkdir(exist_ok=True, mode=0o750)
        refusing: list[str] = []
        for path in sorted(self._claimed.iterdir()):
            with _locked(path, refusing) as ours:
                if ours:
                    yield Claimed(name=path.name, path=path)
        for path in self._arrived():
            with _locked(path, refusing) as ours:
                if ours and self.is_whole(path, now=now) and self._moved(path, refusing):
                    yield Claimed(name=path.name, path=self._claimed / path.name)
        if refusing:
            raise ConfigurationError(
                f"{len(refusing)} files of the inbox cannot be taken; the others were",
                subject="; ".join(refusing),
                remedy="let the user that runs So bank read, link and remove them",
            )

    def _moved(self, path: Path, refusing: list[str]) -> bool:
        """Whether the file is now in `.claimed`; not where one of that name is still being taken in."""
        try:
            (self._claimed / path.name).hardlink_to(path)
            path.unlink(missing_ok=True)
        except (FileNotFoundError, FileExistsError):
            return False
        except OSError as error:
            refusing.append(f"{file_name(path.name)}: {error.strerror}")
            return False
        return True

    def left_alone(self, *, now: datetime) -> list[str]:
        """Names of files that are still being written."""
        return [path.name for path in self._arrived() if not self.is_whole(path, now=now)]

    def is_whole(self, path: Path, *, now: datetime) -> bool:
        """Whether nobody has touched the file for a while."""
        try:
            touched = path.stat().st_mtime
        except FileNotFoundError:
            return False
        return not path.name.endswith(_UNFINISHED) and now.timestamp() - touched >= self._quiet_seconds

    def taken(self, claimed: Claimed) -> None:
        """The file is in the archive and in the database: it may leave the inbox."""
        claimed.path.unlink(missing_ok=True)

    def refuse(self, claimed: Claimed, why: str) -> Path:
        """Set the file aside with the reason beside it; returns where it is now."""
        self._refused.mkdir(exist_ok=True, mode=0o750)
        target = self._set_aside(claimed)
        (self._refused / _cut(target.name, ".reason.txt")).write_text(why + "\n", encoding="utf-8")
        claimed.path.unlink(missing_ok=True)
        return target

    def _set_aside(self, claimed: Claimed) -> Path:
        """Where the file is kept: under its name, or with a number behind it where another file has that."""
        target, number = self._refused / claimed.name, 1
        while True:
            try:
                target.hardlink_to(claimed.path)
            except FileExistsError:
                if not filecmp.cmp(target, claimed.path, shallow=False):
                    number += 1
                    target = self._refused / _cut(claimed.name, f".{number}")
                    continue
            return target

    def _arrived(self) -> list[Path]:
        return sorted(p for p in self.folder.iterdir() if p.is_file() and not p.name.startswith("."))


@contextmanager
def _locked(path: Path, refusing: list[str]) -> Iterator[bool]:
    """Hold a file against other workers; the lock ends with the process. False: it is another's, gone, or refuses."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        yield False
        return
    except OSError as error:
        refusing.append(f"{file_name(path.name)}: {error.strerror}")
        yield False
        return
    with stream:
        yield _lock(stream.fileno()) and _is_still(path, stream.fileno())


def _cut(name: str, end: str) -> str:
    """`name` with `end` behind it, as far as a name of the file system can hold it."""
    kept = os.fsencode(name)[: _LONGEST_NAME - len(end)].decode("utf-8", "ignore")
    return kept + end


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: two may take the file, whose bytes are ingested once
    return True


def _is_still(path: Path, file: int) -> bool:
    """Whether the name is still that of the open file: another worker may have finished with it before the lock."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False
