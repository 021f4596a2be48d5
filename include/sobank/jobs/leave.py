"""What goes out: batches to partners, global files to cabinets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from sobank.domain.shards import Shard, shards_for
from sobank.errors import DeliveryIncomplete
from sobank.jobs import start
from sobank.jobs.start import Now, Ref, as_day, utc_now

if TYPE_CHECKING:
    from sobank.services.worker import PushReport
    from sobank.wiring import House

#: Takes the business dates of what is about to leave: once that has arrived, nothing says which run has sent it.
Note = Callable[[list[str]], object]


def unnoted(_days: list[str]) -> None:
    """Nobody will prove them."""


def partners_to_push(day: str | date, note: Note = unnoted) -> list[str]:
    """Codes of the partners that have batches under way, up to `day`. note: for `prove`, of what is under way."""
    house, wanted = start.house(), as_day(day)
    _note_days(house, note, until=wanted)
    return house.ledger.open_partners(until=wanted)


def push(partner: str, day: str | date, *, now: Now = utc_now) -> Ref:
    """Push every batch of a partner that is under way, up to `day`, in order of date for each destination (D5).

    Raises:
        DeliveryIncomplete: something did not arrive; other destinations did. Running again is safe.
    """
    from sobank.services.push import push_all

    house = start.house()
    batches = house.ledger.open_batches(kind="connector", partner=partner, until=as_day(day))
    return _pushed(push_all(house.worker(now), house.sink_of, batches), partner)


def global_file_shards(day: str | date, note: Note = unnoted) -> list[Ref]:
    """References to shards of cabinets that have global files to write, up to `day`; one where they are few.

    note: as above.
    """
    house, wanted = start.house(), as_day(day)
    _note_days(house, note, until=wanted)
    found = house.ledger.open_by_cabinet(kind="global", until=wanted)
    if not found:
        return []
    cut = shards_for(found, size=house.settings.shard_files, most=house.settings.shards_most)
    return [{"day": wanted.isoformat()} | shard.said() for shard in cut]


def write_global_files(ref: Ref, *, now: Now = utc_now) -> Ref:
    """Write the global file of every cabinet of a shard; the protocol is that of a partner's folder (O1).

    Raises:
        DeliveryIncomplete: a file could not be written; others were.
    """
    from sobank.services.push import push_all

    house = start.house()
    batches = house.ledger.open_batches(kind="global", until=as_day(ref["day"]), shard=Shard.told(ref))
    return ref | _pushed(push_all(house.worker(now), house.sink_of, batches), "global files")


def _note_days(house: House, note: Note, *, until: date) -> None:
    """Each of the two tasks that list what is to leave notes all of it: the other may not have begun, or may fail."""
    from sobank.store.proof import ProofRows

    note([day.isoformat() for day in ProofRows(house.database).days_under_way(until)])


def _pushed(report: PushReport, what: str) -> Ref:
    counts = {
        "delivered": report.delivered,
        "pending": report.pending,
        "cancelled": report.cancelled,
        "held": report.held,
        "rejected": report.rejected,
    }
    if report.errors:
        lines = "\n".join(f"  {name}: {why}" for name, why in sorted(report.errors.items()))
        raise DeliveryIncomplete(
            f"batches that arrived: {report.delivered}; destinations left behind: {len(report.errors)}\n{lines}",
            subject=what,
            remedy="mend the cause, then clear this task or run `sobank deliver` again; nothing is sent twice",
        )
    return counts
