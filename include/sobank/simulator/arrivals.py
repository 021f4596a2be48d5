"""What lies in the partners' inboxes and in the global files, against what a simulated world says must lie there.

A judge that shares nothing with the product: it cuts the delivered bytes into records itself, recognises a statement by
the sha256 of its records, and never asks the delivery ledger.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

_RECORD_BYTES = 120
_HEADER = b"01"
_DELIVERED = ("connector:", "global:")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """One file that arrived: `statements` holds the sha256 of each statement's records, in the order of the file."""

    destination: str
    path: Path
    statements: tuple[str, ...]
    entries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """Statements by sha256. misplaced: arrived elsewhere than where they had to; unexpected: should not have left."""

    expected: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    misplaced: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every statement is in its place, once."""
        return not (self.missing or self.doubled or self.misplaced or self.unexpected)


def arrivals(
    home: Path, connectors: Iterable[tuple[str, str, str]], inboxes: Mapping[str, Path] | None = None
) -> list[Arrival]:
    """Every delivered file below `home` and in `inboxes`, in order of destination and name.

    Args:
        connectors: (cabinet code, partner code, connector name), as the registry file has them.
        inboxes: the folder of a simulated server, by the code of its partner: what it received is in `inbox/` there,
            and in `taken/` what was taken out again. A partner without one is served in a folder below `home`.
    """
    found: list[Arrival] = []
    seen: set[Path] = set()
    for cabinet, partner, name in connectors:
        for folder in _folders(home, cabinet, partner, inboxes or {}):
            files = [path for path in folder.glob(f"*_{cabinet}_{name}_*") if _is_delivered(path)]
            found += [_read(f"connector:{cabinet}/{name}", path) for path in files]
            seen |= set(files)
    for partner, folder in (inboxes or {}).items():
        for path in [*(folder / "inbox").iterdir(), *(folder / "taken").iterdir()]:
            if _is_delivered(path) and path not in seen:
                found.append(_read(f"nobody at {partner}", path))
    for folder in (home / "global").glob("*"):
        found += [_read(f"global:{folder.name}", path) for path in folder.iterdir() if _is_delivered(path)]
    return sorted(found, key=lambda arrival: (arrival.destination, arrival.path.name))


def _folders(home: Path, cabinet: str, partner: str, inboxes: Mapping[str, Path]) -> tuple[Path, ...]:
    if partner in inboxes:
        return inboxes[partner] / "inbox", inboxes[partner] / "taken"
    return (home / "partners" / partner / cabinet,)


def judge(expected: Iterable[Mapping[str, Any]], arrived: Iterable[Arrival]) -> Judgement:
    """Hold what arrived against the rows of `expected.jsonl`: each statement in its one place, once, nothing else."""
    wanted = {row["sha256"]: row["destination"] for row in expected if row["destination"].startswith(_DELIVERED)}
    there = Counter((digest, arrival.destination) for arrival in arrived for digest in arrival.statements)
    copies: Counter[str] = Counter()
    for (digest, _), count in there.items():
        copies[digest] += count
    return Judgement(
        expected=len(wanted),
        missing=tuple(sorted(wanted.keys() - copies.keys())),
        doubled=tuple(sorted(digest for digest, count in copies.items() if count > 1)),
        misplaced=tuple(sorted(digest for digest, place in there if wanted.get(digest, place) != place)),
        unexpected=tuple(sorted(copies.keys() - wanted.keys())),
    )


def _is_delivered(path: Path) -> bool:
    return not path.name.startswith(".") and path.suffix != ".json"


def _read(destination: str, path: Path) -> Arrival:
    records = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
    if records.pop() or any(len(record) != _RECORD_BYTES for record in records) or records[0][:2] != _HEADER:
        raise ValueError(f"{path} is not whole records of {_RECORD_BYTES} characters, each ended")
    digests = []
    starts = [n for n, record in enumerate(records) if record[:2] == _HEADER] + [len(records)]
    for start, end in pairwise(starts):
        digests.append(hashlib.sha256(b"".join(records[start:end])).hexdigest())
    entries = sum(record[:2] == b"04" for record in records)
    return Arrival(destination=destination, path=path, statements=tuple(digests), entries=entries)
