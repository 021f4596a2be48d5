"""How the cabinets of a day are dealt out to tasks that work side by side (DESIGN §7).

A shard is a range of cabinets, so that whatever goes to one destination is in one shard, and about as large as the
others, so that none needs much more memory or time. The ranges leave no cabinet out: one registered a moment ago is in
one of them too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

#: The highest id that a cabinet may have.
LAST: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """The cabinets with ids from `first` to `last`, both included; 0 ≤ number < of."""

    number: int
    of: int
    first: int = 0
    last: int = LAST

    @classmethod
    def told(cls, said: Mapping[str, Any]) -> Shard:
        """What `said` of a shard says; it may hold more."""
        return cls(number=said["shard"], of=said["of"], first=said["first"], last=said["last"])

    def said(self) -> dict[str, int]:
        """As one task tells another of it."""
        return {"shard": self.number, "of": self.of, "first": self.first, "last": self.last}

    def key(self, run: str) -> str:
        """Under which the files of this shard are kept in a run: other ones where a run is cut otherwise."""
        return run if self.of == 1 else f"{run}_{self.number + 1}-of-{self.of}_{self.first}-{self.last}"


#: All cabinets: of a small day.
WHOLE_DAY: Final = Shard(number=0, of=1)


def count_of_shards(volume: int, *, size: int, most: int) -> int:
    """As few as hold `volume` at about `size` each, `most` at the most; one where there is nothing to do."""
    return max(1, min(most, -(-volume // size)))


def shards_for(volumes: Sequence[tuple[int, int]], *, size: int, most: int) -> list[Shard]:
    """Cut cabinets into no more shards than `count_of_shards` says, so that the largest is as small as can be.

    Args:
        volumes: id and volume of every cabinet that has any, in order of id.
    """
    reached = list(accumulate(volume for _, volume in volumes))
    total = reached[-1] if reached else 0
    wanted = count_of_shards(total, size=size, most=most)
    enough = bisect_left(range(total + 1), True, key=lambda room: len(_starts(reached, room)) <= wanted)
    firsts = [0, *(volumes[start][0] for start in _starts(reached, enough)[1:])]
    lasts = [*(first - 1 for first in firsts[1:]), LAST]
    return [
        Shard(number=number, of=len(firsts), first=first, last=last)
        for number, (first, last) in enumerate(zip(firsts, lasts, strict=True))
    ]


def _starts(reached: Sequence[int], room: int) -> list[int]:
    """Places at which shards begin, of which each takes what it has room for, and one cabinet whatever its volume."""
    starts, place, before = [], 0, 0
    while place < len(reached):
        starts.append(place)
        place = max(place + 1, bisect_right(reached, before + room))
        before = reached[place - 1]
    return starts
