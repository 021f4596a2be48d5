"""What a simulated partner has received: a folder on disk that anybody can look into, and what he took out of it."""

from __future__ import annotations

import threading
from pathlib import Path


class PartnerInbox:
    """Files that arrived, in `inbox/`; a greedy partner moves each into `taken/` the moment it appears.

    Two arrivals of one name are both kept in `taken/` (`name`, `name~2`, …): a judge must see what came twice.
    """

    def __init__(self, folder: Path, *, greedy: bool = False) -> None:
        self.folder = folder / "inbox"
        self.taken = folder / "taken"
        self.greedy = greedy
        self._lock = threading.Lock()
        for path in (self.folder, self.taken):
            path.mkdir(parents=True, exist_ok=True)

    def arrived(self) -> None:
        """Something may have got a final name: take it, if greedy. Servers call this after every such operation."""
        if self.greedy:
            self.take()

    def take(self) -> None:
        """Take out everything that has a final name."""
        with self._lock:
            for path in self._final():
                path.rename(self._free(path.name))

    def final(self) -> dict[str, bytes]:
        """What lies in the inbox under final names: name and bytes. Dot-files are not final."""
        return {path.name: path.read_bytes() for path in self._final()}

    def received(self) -> list[tuple[str, bytes]]:
        """Name and bytes of everything that ever arrived, taken or not."""
        with self._lock:
            gone = [(path.name.partition("~")[0], path.read_bytes()) for path in sorted(self.taken.iterdir())]
            return gone + sorted(self.final().items())

    def empty(self) -> None:
        """Forget everything."""
        with self._lock:
            for folder in (self.folder, self.taken):
                for path in folder.iterdir():
                    path.unlink()

    def _final(self) -> list[Path]:
        return sorted(p for p in self.folder.iterdir() if p.is_file() and not p.name.startswith("."))

    def _free(self, name: str) -> Path:
        number, path = 1, self.taken / name
        while path.exists():
            number += 1
            path = self.taken / f"{name}~{number}"
        return path
