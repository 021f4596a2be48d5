"""What a step costs beside its time: processor seconds here and in all of PostgreSQL, bytes written here and there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.child import Child


class Meter:
    """Counts for the steps of a child; `database`: URL of the one it works on, as PostgreSQL writes it."""

    def __init__(self, child: Child, database: str) -> None:
        import psutil
        import psycopg

        self._child = child
        self._connection = psycopg.connect(database, autocommit=True)
        folder = self._asked("SHOW data_directory")
        self._server = psutil.Process(int((Path(folder) / "postmaster.pid").read_text().split()[0]))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time it, and count."""
        before = self._counters()
        with self._child.step(name):
            yield
        after = self._counters()
        self._child.cost(name, **{one: after[one] - before[one] for one in after})

    def _counters(self) -> dict[str, float]:
        own = os.times()
        written = next(
            line for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("write_bytes")
        )
        return {
            "cpu_s": sum(own[:4]),
            "server_cpu_s": cpu_of([self._server.pid]),
            "wal_bytes": float(self._asked("SELECT pg_current_wal_insert_lsn() - '0/0'")),
            "database_bytes": float(self._asked("SELECT pg_database_size(current_database())")),
            "written_bytes": float(written.split()[1]),
        }

    def _asked(self, sql: str) -> Any:
        found = self._connection.execute(sql).fetchone()  # type: ignore[call-overload]
        return found[0] if found else None


def cpu_of(pids: Sequence[int]) -> float:
    """Processor seconds of processes and all that they started; one counts in its parent once it has ended."""
    import psutil

    total = 0.0
    for pid in pids:
        first = psutil.Process(pid)
        for process in [first, *first.children(recursive=True)]:
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                # It ended since the list was made, and counts elsewhere now.
                return cpu_of(pids)
    return total
