"""Where the files of an SFTP server lie: final names, staging names, markers (DESIGN §6).

A staging name is `sftp://user@host:port/` and the path as the server knows it, so that what was staged is finished
where it was staged. A path is never taken apart but from its end: what a folder is called does not matter.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from sobank.domain.sink import Outgoing
from sobank.errors import ConfigFault
from sobank.sinks.names import allowed, staging_name


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Paths of one batch: its final name, where it was staged, its marker, and where that was staged with it."""

    folder: str
    final: str
    staged: str | None
    marker: str | None
    staged_marker: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """One folder of one server.

    server: `sftp://user@host:port/`. folder: relative to the login folder, or whole. marker: suffix of the empty file
    written after each file. staging: folder in `folder` for what is not published yet; None for dot-files.
    """

    server: str
    folder: str
    marker: str | None
    staging: str | None

    def holds(self, staging: str | None) -> bool:
        """Whether it is a staging name of this server and user."""
        return staging is None or staging.startswith(self.server)

    def of(self, outgoing: Outgoing, staging: str | None) -> Place:
        """The paths of a batch; of one that was staged, those where it was staged.

        Raises:
            ConfigFault: its name is not allowed, or `staging` lies on another server or belongs to another user there.
        """
        name = allowed(outgoing.object_name)
        staged = self._path(staging) if staging else None
        folder = self.folder
        if staged:
            beside, base = posixpath.split(staged)
            folder = beside if base.startswith(".") else posixpath.dirname(beside)
        final = _join(folder, name)
        return Place(
            folder=folder,
            final=final,
            staged=staged,
            marker=final + self.marker if self.marker else None,
            staged_marker=self.staged_marker(staged) if staged else None,
        )

    def staged_marker(self, staged: str) -> str | None:
        """Where the marker of a staged file is staged; None where the partner wants none."""
        return f"{staged.removesuffix('.part')}.marker.part" if self.marker else None

    def to_stage(self, outgoing: Outgoing, attempt: int) -> tuple[str, str, list[str]]:
        """The folder to stage in, the path of this attempt, and those of earlier ones.

        Raises:
            ConfigFault: the name is not allowed.
        """
        name = allowed(outgoing.object_name)
        folder = _join(self.folder, self.staging or "") or "."
        names = [staging_name(name, number) for number in range(1, attempt + 1)]
        *older, own = [_join(folder, name[1:] if self.staging else name) for name in names]
        return folder, own, older

    def _path(self, staging: str) -> str:
        if not self.holds(staging):
            raise ConfigFault(
                "it was staged on another server, or as another user",
                subject=staging,
                remedy="reach it as before, until what was staged there is finished",
            )
        return staging[len(self.server) :]


def _join(folder: str, name: str) -> str:
    return posixpath.join("" if folder == "." else folder, name)
