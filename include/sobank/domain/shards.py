"""How the cabinets of a day are dealt out to tasks that work side by side (DESIGN §7).

A shard is a share of the cabinets, so that whatever goes to one destination is in one shard. Which share a cabinet is
in follows from its id alone: nobody has to keep a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Shard:
    """The cabinets whose id leaves the remainder `number` when divided by `of`; 0 ≤ number < of."""

    number: int
    of: int

    def key(self, run: str) -> str:
        """Under which the files of this shard are kept in a run: other ones where a run is cut otherwise."""
        return run if self.of == 1 else f"{run}_{self.number + 1}-of-{self.of}"


#: All cabinets: of a small day.
WHOLE_DAY: Final = Shard(number=0, of=1)


def shards_for(volume: int, *, size: int, most: int) -> list[Shard]:
    """As few shards as hold `volume` at about `size` each, `most` at the most; one where there is nothing to do."""
    of = max(1, min(most, -(-volume // size)))
    return [Shard(number=number, of=of) for number in range(of)]
