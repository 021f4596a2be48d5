"""What comes in: the files of the inbox."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from sobank.jobs import start
from sobank.jobs.start import Now, Ref, utc_now

if TYPE_CHECKING:
    from sobank.services.ingest import FileOutcome

log = logging.getLogger(__name__)


def ingest(report: Callable[[FileOutcome], None] | None = None, *, now: Now = utc_now) -> Ref:
    """Take in every file of the inbox that is whole; files that cannot be taken are set aside and counted."""
    from sobank.services.ingest import ingest_inbox

    house = start.house()
    house.settings.inbox.mkdir(parents=True, exist_ok=True, mode=0o750)
    counts = no_files()
    for outcome in ingest_inbox(house.inbox, house.ingest_parts(), now=now()):
        count_file(counts, outcome)
        if outcome.refused:
            log.warning("%s", outcome.refused)
        if report:
            report(outcome)
    return counts | {"left_alone": len(house.inbox.left_alone(now=now()))}


def no_files() -> dict[str, int]:
    """The counts of an ingest before its first file."""
    return dict.fromkeys(("files", "already", "refused", "statements", "entries", "duplicates", "quarantined"), 0)


def count_file(counts: dict[str, int], outcome: FileOutcome) -> None:
    """Add one file to the counts of an ingest."""
    counts["files"] += 1
    counts["refused"] += outcome.refused is not None
    if outcome.kept:
        counts["already"] += outcome.kept.already
        counts["statements"] += outcome.kept.statements
        counts["entries"] += outcome.kept.entries
        counts["duplicates"] += outcome.kept.duplicates
        counts["quarantined"] += outcome.kept.set_aside
