"""In a process whose spool is a small tmpfs: fill it, let a run fail, make room, run again; one line of JSON a try.

    unshare -rm sh -c 'mount -t tmpfs -o size=64k none HOME/full && exec python -m tests.faults.full_spool HOME DB'

More and more pages are left free, until a run does not notice. Each try has a house of its own, HOME/<pages>, whose
database is a copy of DB and whose spool lies on the tmpfs.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from itertools import count
from pathlib import Path

from tests.faults.houses import DAY, stocked

_PAGE = os.sysconf("SC_PAGE_SIZE")


def main(home: Path, database: Path) -> None:
    """Try with 0, 1, 2 … pages left."""
    for pages in count():
        errno = once(home / str(pages), home / "full", database, pages=pages)
        sys.stdout.write(json.dumps({"pages": pages, "errno": errno}) + "\n")
        if errno is None:
            break


def once(home: Path, disk: Path, database: Path, *, pages: int) -> int | None:
    """The error of the run that had `pages` left, after which nothing was sealed or sent; None if it had enough."""
    home.mkdir()
    (disk / str(pages)).mkdir()
    (home / "spool").symlink_to(disk / str(pages))
    shutil.copy(database, home / "db")
    house = stocked(home, f"sqlite:///{home / 'db'}")
    filler = disk / "filler"
    filler.write_bytes(bytes((os.statvfs(disk).f_bavail - pages) * _PAGE))
    errno = None
    try:
        house.run(DAY)
    except OSError as error:
        errno = error.errno
        assert (house.batches(), house.delivered()) == (set(), {})
    filler.unlink()
    house.run(DAY)
    shutil.rmtree(disk / str(pages))
    return errno


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
