"""The audit trail as a chain: each event's hash covers its fields and the hash of the event before it (A13).

Events are numbered 1, 2, 3… without holes, and the head of the chain says how many there are and what the last hash
is. So a row that was changed, removed or put in behind our back breaks the chain at a place that can be named. Whoever
may rewrite the whole table and its head can make another chain: a hash that was noted elsewhere shows that too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

#: What the first event finds before it.
START: Final = bytes(32)
_FIELDS: Final = ("id", "actor", "role", "action", "subject", "cabinet_id", "reason")


class Difference(StrEnum):
    """What was done to the trail where it breaks."""

    CHANGED = "changed"
    MISSING = "missing"
    INSERTED = "inserted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """How many events the chain has, and the hash of the last."""

    events: int
    hash: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Break:
    """The first place at which the chain does not hold: number of the event, what was done, and how it shows."""

    event: int
    difference: Difference
    shows: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChainReport:
    """How far the chain holds: events that follow from one another, hash of the last of them, and the first break."""

    events: int
    hash: bytes
    broken: Break | None

    @property
    def holds(self) -> bool:
        """Whether every event is as it was written, none is missing and none was added."""
        return self.broken is None


def event_hash(previous: bytes, event: Mapping[str, Any]) -> bytes:
    """SHA-256 over the hash before and the canonical JSON of an event, 32 bytes.

    Args:
        event: id, at (aware), actor, role, action, subject, cabinet_id, before, after, reason; no other is looked at.
    Raises:
        ValueError: a number in before or after is not finite, which JSON cannot say.
    """
    fields = {name: event[name] for name in _FIELDS}
    fields["at"] = event["at"].astimezone(UTC).isoformat(timespec="microseconds")
    for name in ("before", "after"):
        fields[name] = _as_stored(event[name])
    return hashlib.sha256(previous + _canonical(fields).encode()).digest()


def check_chain(events: Iterable[Mapping[str, Any]], head: Head | None, *, known: Mapping[int, bytes]) -> ChainReport:
    """Follow the chain to its end or to its first break.

    Args:
        events: in order of id, read once; each with its `hash`. head: None where it is gone.
        known: hashes that were noted elsewhere before, by number of event.
    """
    place, previous = 0, START
    for event in events:
        broken = _link(event, place, previous, head)
        if broken is None and known.get(place + 1, event["hash"]) != event["hash"]:
            shows = "its hash is not the one noted before: it, or an event before it, was written anew"
            broken = Break(event=place + 1, difference=Difference.CHANGED, shows=shows)
        if broken:
            return ChainReport(events=place, hash=previous, broken=broken)
        place, previous = place + 1, event["hash"]
    return ChainReport(events=place, hash=previous, broken=_end(place, previous, head, known))


def _link(event: Mapping[str, Any], place: int, previous: bytes, head: Head | None) -> Break | None:
    number, due = event["id"], place + 1
    if number < due:
        return Break(event=number, difference=Difference.INSERTED, shows="no event has such a number")
    if head is not None and due > head.events:
        shows = f"the chain ends with event {head.events}"
        return Break(event=number, difference=Difference.INSERTED, shows=shows)
    if number > due:
        gone = f"event {due} is" if number == due + 1 else f"events {due} to {number - 1} are"
        return Break(event=due, difference=Difference.MISSING, shows=f"{gone} not there; event {number} comes next")
    if event_hash(previous, event) != event["hash"]:
        shows = "its fields and the hash before it do not give its hash"
        shows += f": it was changed, or event {place} was, and given a hash that fits" if place else ""
        return Break(event=number, difference=Difference.CHANGED, shows=shows)
    return None


def _end(place: int, previous: bytes, head: Head | None, known: Mapping[int, bytes]) -> Break | None:
    last = max([head.events if head else 0, *known])
    if place < last:
        shows = f"there are {place} events, and there were {last}"
        return Break(event=place + 1, difference=Difference.MISSING, shows=shows)
    if head is None:
        return Break(event=place, difference=Difference.MISSING, shows="the head of the chain is not there")
    if head.hash != previous:
        shows = "the head of the chain names another hash for the last event"
        return Break(event=place, difference=Difference.CHANGED, shows=shows)
    return None


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _as_stored(value: Any) -> Any:
    """A JSON value as either database gives it back: 1.0 comes back as 1 or as 1.0, 1e16 as 10000000000000000."""
    return None if value is None else json.loads(json.dumps(value, allow_nan=False), parse_float=_number)


def _number(text: str) -> int | float:
    number = float(text)
    return int(Decimal(text)) if number.is_integer() else number
