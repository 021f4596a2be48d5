"""Bytes to a partner's SFTP server (DESIGN §6).

Stage = a dot-file of this attempt beside the final name, or a file in a staging folder; created exclusively, synced
where the server can, read back. Publish = one plain rename, which SFTP 3 has refuse an existing name; `posix-rename`
replaces what is there and is never used. A marker (`<name>.ok`) may follow as a phase of its own.

What was staged on another server, or as another user, cannot be looked for here, and would seem to have been taken by
the partner: then nobody can be asked (UNKNOWABLE), and a person must look.

OpenSSH's rename is link, then unlink. If the server dies between the two, both names are there. Found so, the file is
published and the leftover staging name is removed with its receipt. If by then the partner took the final name away,
the leftover looks as if it had never been published: before a staging name is published *again* the server is asked
how many names its file has, and with two the batch is held. What remains, on such servers: one that died between these
two system calls, or two workers whose renames meet between them, and a partner who in that moment copied and deleted
the file (so that it has one name again).
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import BinaryIO, Final, Self

import asyncssh
from asyncssh import SFTPClientFile

from sobank.domain.sink import ConnectionReport, Outgoing, Presence, Reach, Receipt
from sobank.errors import ConfigFault, ConfigurationError, Doubtful, SinkError, Transient, Unknown
from sobank.sinks.names import ASK_THE_PARTNER, IN_PLACE, TAKEN, not_published, not_sealed, other_bytes, staged_gone
from sobank.sinks.sftp_faults import NO_FILE, understood
from sobank.sinks.sftp_login import address_of
from sobank.sinks.sftp_places import Place, Places
from sobank.sinks.sftp_remote import WINDOW, Remote

_NEVER_IN_A_PATH: Final = frozenset("\0\r\n")
#: A rename of something that is not there tells whether this user may rename.
_ASKED: Final = (".sobank-test-absent", ".sobank-test")
#: What a server answers where a name is there already; SFTP 3 has no word for it.
_REFUSED: Final = (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists)


class SftpSink:
    """Puts files into one folder of one server."""

    kind: Final = "sftp"
    holds_staged: Final = True

    def __init__(self, places: Places, *, remote: Remote) -> None:
        self._places = places
        self._remote = remote

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """See Sink."""
        folder = str(reach.settings.get("folder") or ".")
        if _NEVER_IN_A_PATH & set(folder):
            raise ConfigurationError(
                "its folder holds a line end or a NUL", subject=reach.destination, remedy="correct its settings"
            )
        address, marker, staging = address_of(reach), reach.transport.get("marker"), reach.transport.get("staging")
        places = Places(
            server=f"sftp://{address.user}@{address.host}:{address.port}/",
            folder=folder,
            marker=str(marker) if marker else None,
            staging=str(staging) if staging else None,
        )
        return cls(places, remote=Remote(address))

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:  # noqa: ARG002
        """Staging is looked at before the final name: what is moved in between is then still found (see Sink).

        A final name whose marker is still staged is STAGED: publishing has the marker left to move.
        """
        if not self._places.holds(staging):
            return Presence.UNKNOWABLE
        place = self._places.of(outgoing, staging)
        wanted = (outgoing.sha256, outgoing.size)
        with self._speaking(place.final, lost=Unknown):
            staged = self._remote.digest(place.staged, outgoing.size) if place.staged else None
            found = self._remote.digest(place.final, outgoing.size)
            if place.staged and staged is None and found is None:
                self._remote.abilities(place.folder or ".")  # fails where the folder is gone, and not only its file
            if found == wanted:
                return self._marked(place)
        if found is not None or staged not in {None, wanted}:
            return Presence.OTHER_BYTES
        return Presence.ABSENT if staged is None else Presence.STAGED

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:  # noqa: ARG002
        """See Sink; whatever fails here was not received.

        Raises:
            Transient: no connection, no room, no answer, or other bytes read back. ConfigFault: login, host key,
            folder, rights, name or payload is wrong.
        """
        folder, path, older = self._places.to_stage(outgoing, attempt)
        with self._speaking(path, lost=Transient):
            if older:
                self._remote.remove(*older, *filter(None, map(self._places.staged_marker, older)))
            file, free = self._create(path, folder)
            try:
                if free is not None and free < outgoing.size:
                    raise Transient(f"no room: {free} bytes are free", subject=path, remedy="ask the partner for room")
                self._send(file, path, payload, outgoing)
                if marker := self._places.staged_marker(path):
                    self._stage_marker(marker)
            except (asyncssh.SFTPError, SinkError):
                with suppress(Exception):
                    self._remote.abandon(file, path)
                raise
        return self._places.server + path

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        """See Sink. Until the rename is sent it is certain that this call published nothing."""
        place = self._places.of(outgoing, staging)
        staged = str(place.staged)
        with self._speaking(place.final, lost=Unknown, unreached=Transient):
            if again:
                self._require_one_name(outgoing, place, staged)
            try:
                self._remote.rename(staged, place.final)
                moved = True
            except NO_FILE:
                there = self._exists(place.final)
                if not there or place.marker is None:
                    raise staged_gone(place.final, never_published=not again and not there) from None
                moved = False
            except _REFUSED:
                if not self._exists(place.final):
                    raise
                moved = False
        with self._speaking(place.final, lost=Unknown, moved=True):
            answer = self._look_back(outgoing, place, moved=moved)
            if answer is not TAKEN and not moved:
                self._remote.remove(staged)
            if place.marker and place.staged_marker:
                if answer is TAKEN:
                    self._remote.remove(place.staged_marker)
                else:
                    self._mark(place.marker, place.staged_marker, first=moved and not again)
        return self._receipt(outgoing, place, now, answer)

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        """See Sink. A staging name that is still there, beside what it was published as, is removed."""
        place = self._places.of(outgoing, staging)
        if place.staged:
            with self._speaking(place.final, lost=Unknown, moved=True):
                self._remote.remove(place.staged, *([place.staged_marker] if place.staged_marker else []))
        return self._receipt(outgoing, place, now, IN_PLACE)

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        """See Sink."""
        place = self._places.of(outgoing, staging)
        with self._speaking(place.final, lost=Unknown):
            self._remote.remove(str(place.staged), *([place.staged_marker] if place.staged_marker else []))

    def test(self) -> ConnectionReport:
        """See Sink. Whether renames are allowed is asked with a name that is not there: nothing is written."""
        folder, able, degraded = self._places.folder, [], []
        with self._speaking(folder, lost=Unknown):
            found = self._remote.abilities(folder)
            if not found.is_folder:
                raise ConfigFault(
                    "there is no such folder", subject=folder, remedy="correct the settings of the connector"
                )
            able.append(re.sub(r"[^A-Za-z0-9._-]", "?", found.version)[:60])
            writes = not found.read_only and (found.mode is None or found.mode & 0o222)
            try:
                self._remote.rename(*(posixpath.join(folder, name) for name in _ASKED))
            except NO_FILE:
                able.append("rename that refuses to replace")
            except asyncssh.SFTPPermissionDenied:
                writes = False
            except asyncssh.SFTPError:
                degraded.append("no rename")
        for has, what, without in (
            (found.fsync, "fsync", "no fsync: a power cut at the partner's may lose what he confirmed"),
            (found.free is not None, f"{(found.free or 0) >> 20} MiB free", "free space is not known"),
        ):
            (able if has else degraded).append(what if has else without)
        degraded.append("write permission is not known before the first file" if writes else "no write permission")
        return ConnectionReport(reachable=True, capabilities=tuple(able), degraded=tuple(degraded))

    def _create(self, path: str, folder: str) -> tuple[SFTPClientFile, int | None]:
        """A new staging file. What an earlier try of this attempt left is removed; our own staging folder is made."""
        try:
            return self._remote.create(path, folder)
        except NO_FILE:
            if self._places.staging is None:
                raise
            self._remote.make_folder(folder)
        except _REFUSED:
            self._remote.remove(path)
        return self._remote.create(path, folder)

    def _send(self, file: SFTPClientFile, path: str, payload: BinaryIO, outgoing: Outgoing) -> None:
        sealed, sent, piece = hashlib.sha256(), 0, payload.read(WINDOW)
        sealed.update(piece)
        while following := payload.read(WINDOW):
            self._remote.write(file, sent, piece)
            sealed.update(following)
            sent, piece = sent + len(piece), following
        size = sent + len(piece)
        if (sealed.hexdigest(), size) != (outgoing.sha256, outgoing.size):
            raise not_sealed(outgoing.object_name)
        if self._remote.finish(file, path, sent, piece) != (outgoing.sha256, outgoing.size):
            raise Transient(
                "the bytes read back are not those sent",
                subject=outgoing.object_name,
                remedy="ask the partner to check his server; nothing was published",
            )

    def _require_one_name(self, outgoing: Outgoing, place: Place, staged: str) -> None:
        """A second name of the staged file is the one under which the server published it before it died."""
        names = self._remote.names_of(posixpath.dirname(staged) or ".", posixpath.basename(staged))
        if names is not None and names > 1 and self._remote.digest(place.final, outgoing.size) is None:
            raise Doubtful(
                "the server seems to have published it and died, and the partner to have taken it",
                subject=place.final,
                remedy=ASK_THE_PARTNER,
            )

    def _look_back(self, outgoing: Outgoing, place: Place, *, moved: bool) -> str:
        """What a receipt says of the final name, read back; a file that we did not move there was there before."""
        found = self._remote.digest(place.final, outgoing.size)
        if found == (outgoing.sha256, outgoing.size):
            return "" if moved else IN_PLACE
        if found is not None:
            if not moved:
                raise other_bytes(outgoing.object_name)
            raise not_published(place.final)
        if not moved or self._remote.exists(str(place.staged)):
            what = (
                "the server moved nothing, and said it did" if moved else "a file of that name was there and went away"
            )
            raise Unknown(what, subject=place.final, remedy="run again: it looks first")
        return TAKEN

    def _stage_marker(self, path: str) -> None:
        """An empty file; what an earlier try of this attempt left is as good."""
        with suppress(*_REFUSED):
            file, _ = self._remote.create(path, posixpath.dirname(path) or ".")
            self._remote.finish(file, path, 0, b"")

    def _marked(self, place: Place) -> Presence:
        """How far a file got that is published. A marker that was staged, and is nowhere now, he may have taken: with a
        second one he would read the file twice."""
        staged = place.staged_marker is not None and self._remote.exists(place.staged_marker)
        if place.marker is None or self._remote.exists(place.marker):
            return Presence.PUBLISHED
        return Presence.STAGED if staged or place.staged is None else Presence.UNKNOWABLE

    def _mark(self, marker: str, staged: str, *, first: bool) -> None:
        """Moved there like any other file, so that there is one; it may be there, and it may be taken already.

        Args:
            first: nobody else can have moved it.
        """
        try:
            self._remote.rename(staged, marker)
        except NO_FILE:
            if first:
                raise staged_gone(marker, never_published=True) from None
        except _REFUSED:
            if not self._remote.exists(marker):
                raise Unknown(
                    "its marker could not be written", subject=marker, remedy="run again: only the marker is left"
                ) from None
            self._remote.remove(staged)

    def _exists(self, path: str) -> bool:
        """Asked after a rename: without an answer, nothing is certain."""
        with understood(path, server=self._places.server, lost=Unknown, moved=True):
            return self._remote.exists(path)

    @contextmanager
    def _speaking(
        self, subject: str, *, lost: type[SinkError], unreached: type[SinkError] | None = None, moved: bool = False
    ) -> Iterator[None]:
        server = self._places.server
        with self._remote.slot(), understood(subject, server=server, lost=lost, unreached=unreached, moved=moved):
            yield

    def _receipt(self, outgoing: Outgoing, place: Place, now: datetime, answer: str) -> Receipt:
        name = self._places.server + place.final
        return Receipt(remote_name=name, sha256=outgoing.sha256, size=outgoing.size, at=now, answer=answer)
