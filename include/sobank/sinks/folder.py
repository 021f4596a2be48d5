"""Bytes into a folder: a partner's drop on a mounted disk, or a cabinet's global files (DESIGN §6, O1).

Stage = a dot-file of this attempt in the same folder, created exclusively, synced, read back. Publish = one rename that
refuses to replace, then the folder is synced. A companion (the manifest of a global file) is there before its file is.

A staging name is a whole path: what was staged is looked for, and published, in the folder where it was staged. Sought
in another one, after the address was changed, it would look as if the partner had taken it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final, Self

from sobank.domain.sink import ConnectionReport, Outgoing, Presence, Reach, Receipt
from sobank.errors import ConfigFault, ConfigurationError, SinkError, Transient, Unknown
from sobank.sinks.disk import Disk
from sobank.sinks.names import IN_PLACE, TAKEN, allowed, not_published, other_bytes, staged_gone, staging_name

COMPANION_SUFFIX: Final = ".manifest.json"
_COPY_BYTES: Final = 1 << 20
#: A rename of something that is not there tells whether the file system can rename so.
_ASKED: Final = (".sobank-test-absent", ".sobank-test")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_SET_UP_WRONG: Final = frozenset(
    {
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.ENAMETOOLONG,
    }
)
_CANNOT_RENAME_SO: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP})


class FolderSink:
    """Puts files into `folder`.

    Args:
        companion: bytes of a second file, `<name>.manifest.json`, written before the first is published.
        create: make the folder where it is missing (our own folders); else a missing folder is a `ConfigFault`.
    """

    kind: Final = "folder"
    holds_staged: Final = True

    def __init__(
        self, folder: Path, *, companion: bytes | None = None, create: bool = False, disk: Disk | None = None
    ) -> None:
        self._folder = folder
        self._companion = companion
        self._create = create
        self._disk = disk or Disk()
        self._read_back: dict[str, tuple[int, ...] | None] = {}

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """See Sink. A folder that the settings name must be there; our own is made where it is missing."""
        if not (named := reach.settings.get("folder")):
            return cls(reach.folder, create=True)
        folder = Path(str(named))
        if not folder.is_absolute():
            raise ConfigurationError(
                f"its folder {folder} depends on where a process was started",
                subject=reach.destination,
                remedy="give the whole path, from /, in the settings of the connector",
            )
        return cls(folder)

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:  # noqa: ARG002
        """Staging is looked at before the final name: what is moved in between is then still found (see Sink)."""
        allowed(outgoing.object_name)
        if staging and "://" in staging:  # of a sink of another kind, which this connector was before
            return Presence.UNKNOWABLE
        with self._root(otherwise=Unknown, staging=staging) as root:
            staged = self._disk.digest(root, Path(staging).name) if staging else None
            final = self._disk.digest(root, outgoing.object_name)
            if self._companion is not None:
                beside = self._disk.digest(root, outgoing.object_name + COMPANION_SUFFIX)
                if beside not in {None, _fingerprint(self._companion)}:
                    return Presence.OTHER_BYTES
        wanted = (outgoing.sha256, outgoing.size)
        if final is not None:
            return Presence.PUBLISHED if final == wanted else Presence.OTHER_BYTES
        if staged is not None:
            return Presence.STAGED if staged == wanted else Presence.OTHER_BYTES
        return Presence.ABSENT

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:  # noqa: ARG002
        """The staging name is `<folder>/.<name>.<attempt>.part`; whatever fails here was not received (see Sink).

        That files can be published here is asked first: what is staged can be published nowhere else.

        Raises:
            Transient: the disk is full or failed. ConfigFault: the folder, its rights, name or payload is wrong.
        """
        final, staging = allowed(outgoing.object_name), staging_name(outgoing.object_name, attempt)
        companion = final + COMPANION_SUFFIX
        with self._root(otherwise=Transient) as root:
            self._require_rename(root, final)
            for older in range(1, attempt + 1):
                self._disk.remove(root, staging_name(final, older))
            if self._companion is not None:
                for older in range(1, attempt + 1):
                    self._disk.remove(root, staging_name(companion, older))
                self._put_companion(root, companion, staging_name(companion, attempt), self._companion)
            with self._removed_on_failure(root, staging):
                self._write(root, staging, payload)
                self._read_back[staging] = self._disk.identity(root, staging)
                if self._disk.digest(root, staging) != (outgoing.sha256, outgoing.size):
                    raise ConfigFault(
                        "the bytes read back are not those that were sealed",
                        subject=final,
                        remedy="check the spool and the disk of the folder; nothing was published",
                    )
                self._disk.sync(root)
        return str(self._folder / staging)

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        """See Sink. A file system that cannot rename without replacing is a `ConfigFault`."""
        final = allowed(outgoing.object_name)
        with self._root(otherwise=Transient, staging=staging) as root:
            try:
                self._disk.move(root, Path(staging).name, final)
            except FileExistsError:
                return self._already_there(root, outgoing, staging, now)
            except OSError as error:
                if error.errno == errno.ENOENT:
                    first = not again and self._disk.digest(root, final) is None
                    raise staged_gone(final, never_published=first) from None
                raise _move_refused(error, final) from None
            try:
                self._disk.sync(root)
                # The very file whose bytes were read back, untouched since, need not be read again.
                there = self._disk.identity(root, final)
                same = there is not None and there == self._read_back.get(Path(staging).name)
                found = (outgoing.sha256, outgoing.size) if same else self._disk.digest(root, final)
            except OSError as error:
                raise _because(error, final, Unknown) from None
        if found not in {None, (outgoing.sha256, outgoing.size)}:
            raise not_published(final)
        return self._evidence(outgoing, staging, now, TAKEN if found is None else "")

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        """See Sink."""
        return self._evidence(outgoing, staging, now, IN_PLACE)

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        """See Sink."""
        allowed(outgoing.object_name)
        with self._root(otherwise=Unknown, staging=staging) as root:
            self._disk.remove(root, Path(staging).name)

    def test(self) -> ConnectionReport:
        """See Sink. Whether renames refuse to replace is asked with a name that is not there: nothing is written."""
        capabilities, degraded = ["fsync"], []
        with self._root(otherwise=Unknown) as root:
            try:
                self._disk.move(root, *_ASKED)
            except FileNotFoundError:
                capabilities.append("rename that refuses to replace")
            except OSError as error:
                degraded.append(f"no rename that refuses to replace ({os.strerror(error.errno or 0)})")
            space = os.fstatvfs(root)
            capabilities.append(f"{space.f_bavail * space.f_frsize >> 20} MiB free")
            if os.access(self._folder, os.W_OK | os.X_OK):
                capabilities.append("write permission")
            else:
                degraded.append("no write permission")
        return ConnectionReport(reachable=True, capabilities=tuple(capabilities), degraded=tuple(degraded))

    @contextmanager
    def _root(self, *, otherwise: type[SinkError], staging: str | None = None) -> Iterator[int]:
        """The open folder, that of `staging` if given; an `OSError` leaves as the sink's error it stands for.

        Args:
            otherwise: the error where none is certain.
        """
        folder = self._folder_of(staging)
        try:
            root = self._open(folder)
            try:
                yield root
            finally:
                self._disk.close(root)
        except OSError as error:
            raise _because(error, str(folder), otherwise) from None

    def _open(self, folder: Path) -> int:
        try:
            return self._disk.open_folder(folder)
        except FileNotFoundError:
            if not self._create or folder != self._folder:
                raise
        self._disk.create_folder(folder)
        return self._disk.open_folder(folder)

    def _folder_of(self, staging: str | None) -> Path:
        return (self._folder / staging).parent if staging else self._folder

    def _require_rename(self, root: int, final: str) -> None:
        """Nothing is moved: the name that is asked for is not there."""
        try:
            self._disk.move(root, *_ASKED)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno in _CANNOT_RENAME_SO:
                raise _move_refused(error, final) from None
            raise

    def _write(self, root: int, name: str, payload: BinaryIO) -> None:
        descriptor = self._disk.create(root, name)
        try:
            while piece := payload.read(_COPY_BYTES):
                self._disk.write(descriptor, piece)
            self._disk.sync(descriptor)
        finally:
            self._disk.close(descriptor)

    @contextmanager
    def _removed_on_failure(self, root: int, name: str) -> Iterator[None]:
        try:
            yield
        except (OSError, SinkError):
            with suppress(OSError):
                self._disk.remove(root, name)
            raise

    def _put_companion(self, root: int, name: str, staging: str, content: bytes) -> None:
        if self._disk.digest(root, name) == _fingerprint(content):
            return
        with self._removed_on_failure(root, staging):
            self._write(root, staging, BytesIO(content))
            try:
                self._disk.move(root, staging, name)
            except FileExistsError:
                if self._disk.digest(root, name) != _fingerprint(content):
                    raise other_bytes(name) from None
                self._disk.remove(root, staging)
            except OSError as error:
                raise _move_refused(error, name) from None

    def _already_there(self, root: int, outgoing: Outgoing, staging: str, now: datetime) -> Receipt:
        found = self._disk.digest(root, outgoing.object_name)
        if found is None:
            raise Unknown(
                "a file of that name was there and went away",
                subject=outgoing.object_name,
                remedy="run again: it looks first",
            )
        if found != (outgoing.sha256, outgoing.size):
            raise other_bytes(outgoing.object_name)
        self._disk.remove(root, Path(staging).name)
        return self._evidence(outgoing, staging, now, IN_PLACE)

    def _evidence(self, outgoing: Outgoing, staging: str | None, now: datetime, answer: str) -> Receipt:
        name = str(self._folder_of(staging) / outgoing.object_name)
        return Receipt(remote_name=name, sha256=outgoing.sha256, size=outgoing.size, at=now, answer=answer)


def _fingerprint(content: bytes) -> tuple[str, int]:
    return hashlib.sha256(content).hexdigest(), len(content)


def _move_refused(error: OSError, name: str) -> SinkError:
    if error.errno in _CANNOT_RENAME_SO:
        return ConfigFault(
            "the file system has no rename that refuses to replace",
            subject=name,
            remedy="use a folder on a local Linux file system, or another sink",
        )
    return _because(error, name, Unknown)


def _because(error: OSError, subject: str, otherwise: type[SinkError]) -> SinkError:
    """The sink's error that an `OSError` stands for. System messages name no label and no IBAN."""
    text = os.strerror(error.errno) if error.errno else type(error).__name__
    if error.errno in _FULL:
        return Transient(f"the disk is full ({text})", subject=subject, remedy="make room; it is sent again")
    if error.errno in _SET_UP_WRONG:
        return ConfigFault(
            f"the folder cannot be used ({text})", subject=subject, remedy="check that it exists and its rights"
        )
    return otherwise(f"the disk failed ({text})", subject=subject, remedy="check the disk; run again")
