"""Room for the next contender, as if none had been before it."""

from __future__ import annotations

import os
from pathlib import Path


def put_aside(folder: Path) -> None:
    """Empty the files of a folder and give it another name; the next contender makes its own.

    They are not deleted: ext4 passes over the numbers of files deleted in the last minutes, one by one, for each new
    file. After a few thousand, whoever comes next pays a millisecond for every file he makes.
    """
    if not folder.exists():
        return
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.truncate(path, 0)
    former = (folder.with_name(f"{folder.name}-{number}-before") for number in range(10_000))
    folder.rename(next(name for name in former if not name.exists()))
