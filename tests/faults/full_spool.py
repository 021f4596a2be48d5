"""In a process whose spool is a small tmpfs: fill it, let a run fail, make room, run again; one line of JSON for each.

    unshare -rm sh -c 'mount -t tmpfs -o size=64k none HOME/spool && exec python -m tests.faults.full_spool HOME URL PAGES'
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.faults.houses import DAY, stocked

_PAGE = os.sysconf("SC_PAGE_SIZE")


def main(home: Path, url: str, pages: int) -> None:
    """Leave `pages` pages free, and run."""
    house = stocked(home, url)
    filler = home / "spool" / "filler"
    space = os.statvfs(filler.parent)
    filler.write_bytes(bytes((space.f_bavail - pages) * space.f_frsize))
    try:
        house.run(DAY)
    except OSError as error:
        broke: int | None = error.errno
    else:
        broke = None
    left = {"broke": broke, "batches": len(house.batches()), "delivered": len(house.delivered())}
    filler.unlink()
    house.run(DAY)
    sys.stdout.write(json.dumps(left) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
