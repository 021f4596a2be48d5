"""Ours: a day from the bank's files to its proof, job by job, and what each costs besides its time.

Processor seconds of this process and of all of PostgreSQL, bytes of its log and of its database, bytes written here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.child import Child


def main() -> None:
    """Take in what lies in the inbox and deliver the day of `asked`, judged, from its `environment`."""
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House  # noqa: F401  what jobs import when they run

    day, meter = asked["day"], _Meter(child, asked["database"])
    with meter.step("ingest"):
        taken = jobs.ingest()
    with meter.step("shards"):
        (ref,) = jobs.shards(day, "bench")
    for name in ("extract", "partition", "validate"):
        with meter.step(name):
            ref = getattr(jobs, name)(ref)
    with meter.step("decide"):
        decided = jobs.decide([ref])
    with meter.step("push"):
        sent = [jobs.push(partner, day) for partner in jobs.partners_to_push(day)]
    with meter.step("global files"):
        sent += [jobs.write_global_files(one) for one in jobs.global_file_shards(day)]
    with meter.step("prove"):
        jobs.prove(day)
    child.did(
        statements=decided["decided"],
        entries=decided["entries"],
        files=sum(one["delivered"] for one in sent),
        bank_files=taken["files"],
        did="taken in, judged, delivered into folders, proved",
    )


class _Meter:
    """Counts what a step costs, here and on the server."""

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
            "server_cpu_s": self._server_cpu(),
            "wal_bytes": float(self._asked("SELECT pg_current_wal_insert_lsn() - '0/0'")),
            "database_bytes": float(self._asked("SELECT pg_database_size(current_database())")),
            "written_bytes": float(written.split()[1]),
        }

    def _server_cpu(self) -> float:
        """Of the server and all that it started; a process counts in its parent once it has ended."""
        import psutil

        total = 0.0
        for process in [self._server, *self._server.children(recursive=True)]:
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.NoSuchProcess:
                return self._server_cpu()
        return total

    def _asked(self, sql: str) -> Any:
        found = self._connection.execute(sql).fetchone()  # type: ignore[call-overload]
        return found[0] if found else None


if __name__ == "__main__":
    main()
