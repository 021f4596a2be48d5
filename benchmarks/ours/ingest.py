"""Ours: read a bank file into columns, or take it in whole: archived, read, stored."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.child import Child


def main() -> None:
    """Read the file of `asked`; with an `environment`, take it in as the ingest job does."""
    child = Child()
    path = Path(child.asked["file"])
    if child.asked.get("environment"):
        os.environ.update(child.asked["environment"])
        _take_in(child, path)
    else:
        _read(child, path)


def _read(child: Child, path: Path) -> None:
    with child.step("imports"):
        from sobank.formats import cfonb120  # noqa: F401
    with child.step("read"):
        work = counted(path)
    child.did(**work, made="columns, canonical records, digests, checked balances")


def counted(path: Path) -> dict[str, int]:
    """Read a file and count what is in it; statements with an error are `faulty`, amounts are cents."""
    import numpy as np

    from sobank.formats.cfonb120 import Cfonb120

    work = dict.fromkeys(("records", "statements", "faulty", "entries", "cents"), 0)
    with path.open("rb") as stream:
        for chunk in Cfonb120().read(stream, chunk_bytes=8 << 20):
            work["records"] += chunk.counts.total
            work["statements"] += chunk.statements.num_rows
            # From Arrow's memory: its own sums, and `to_numpy`, would import half a second of libraries first.
            for errors in chunk.statements["errors"].chunks:
                work["faulty"] += int(np.count_nonzero(np.diff(np.frombuffer(errors.buffers()[1], np.int32))))
            work["entries"] += chunk.entries.num_rows
            work["cents"] += sum(int(np.from_dlpack(amounts).sum()) for amounts in chunk.entries["amount"].chunks)
    return work


def _take_in(child: Child, path: Path) -> None:
    with child.step("imports"):
        from datetime import UTC, datetime

        from sobank.services.ingest import ingest_file
        from sobank.wiring import House

    house = House.from_environment()
    with child.step("ingest"), path.open("rb") as stream:
        kept = ingest_file(path.name, stream, house.ingest_parts(), now=datetime.now(UTC)).kept
    if kept is None:
        raise ValueError("the file was refused")
    child.did(
        statements=kept.statements,
        entries=kept.entries,
        did="archived, parsed, looked for duplicates, conflicts and accounts, stored",
    )


if __name__ == "__main__":
    main()
