"""Take bank files in: archive the bytes, tell the format, keep the statements. One bad file never stops the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, BinaryIO

from sobank.domain.file_name import file_name
from sobank.domain.trace import Intake
from sobank.errors import InputRefused, SobankError

if TYPE_CHECKING:
    from sobank.formats.parsed import Format, Parsed
    from sobank.store.inbox import Claimed, Inbox
    from sobank.store.incoming import Kept, Received
    from sobank.store.objects import ObjectStore

_HEAD_BYTES = 4096
_NAME_WITH_MOMENT = re.compile(r"^SOBANK_\d{6}_\d{16}-(\d{4}-\d\d-\d\d)T\d\d-\d\d-\d\d-\d{3}\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Collaborators:
    """What taking a file in needs; `received` and `keep` come from the store, `identify` from the formats.

    note: writes into the trace that a file is in the database.
    """

    archive: ObjectStore
    identify: Callable[[bytes, str], Format]
    received: type[Received]
    keep: Callable[[Received, Iterable[Parsed], datetime], Kept]
    note: Callable[[Intake, datetime], None]
    chunk_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOutcome:
    """What became of one file: `kept`, or `refused` whole with the reason. `sha256` is hex, `size` bytes."""

    name: str
    size: int
    sha256: str
    format: str = ""
    kept: Kept | None = None
    refused: InputRefused | None = None


def received_on(name: str) -> date | None:
    """Paris day on which a file was received, from So bank's own naming; None where the name does not say (D2)."""
    with suppress(ValueError):
        if found := _NAME_WITH_MOMENT.match(name):
            return date.fromisoformat(found[1])
    return None


def ingest_file(name: str, stream: BinaryIO, parts: Collaborators, *, now: datetime) -> FileOutcome:
    """Take one file in. A file that cannot be taken is archived all the same and comes back with `refused` set.

    Args:
        name: what the bank called it; kept and told as `file_name` has it.
    """
    received_day, name = received_on(name), file_name(name)
    sha256 = parts.archive.put(stream)
    with parts.archive.open(sha256) as archived:
        size = archived.seek(0, 2)
        archived.seek(0)
        head = archived.read(_HEAD_BYTES)
        archived.seek(0)
        try:
            format_ = parts.identify(head, name)
            received = parts.received(
                sha256=sha256, name=name, format=format_.name, size=size, received_on=received_day
            )
            kept = parts.keep(received, format_.read(archived, chunk_bytes=parts.chunk_bytes), now)
        except InputRefused as refused:
            return FileOutcome(name=name, size=size, sha256=sha256, refused=refused.of(name))
    # Committed before, and before the file leaves the inbox: what dies in between leaves the file there (ADR 0022).
    parts.note(Intake(name=name, sha256=sha256, number=kept.number), now)
    return FileOutcome(name=name, size=size, sha256=sha256, format=format_.name, kept=kept)


def ingest_inbox(inbox: Inbox, parts: Collaborators, *, now: datetime) -> Iterator[FileOutcome]:
    """Take in every file of the inbox that is whole, one by one; refused files are set aside with their reason.

    Raises:
        ConfigurationError: after all others, files that cannot even be claimed.
        Exception: after all others, what nobody foresaw of one file; it stays claimed, and the next run tries it again.
    """
    unforeseen: list[Exception] = []
    for claimed in inbox.claim(now=now):
        try:
            outcome = _ingest_claimed(claimed, inbox, parts, now)
        except SobankError:  # of the database or of a disk: it would be the same for every file
            raise
        except Exception as error:  # noqa: BLE001  raised again below, when the other files are in
            error.add_note(f"while taking in {file_name(claimed.name)}, which stays in the inbox")
            unforeseen.append(error)
        else:
            yield outcome
    if unforeseen:
        raise unforeseen[0]


def _ingest_claimed(claimed: Claimed, inbox: Inbox, parts: Collaborators, now: datetime) -> FileOutcome:
    with claimed.path.open("rb") as stream:
        outcome = ingest_file(claimed.name, stream, parts, now=now)
    if outcome.refused:
        inbox.refuse(claimed, str(outcome.refused))
    else:
        inbox.taken(claimed)
    return outcome
