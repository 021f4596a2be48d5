"""Ours: a day from the bank's files to its proof, job by job, and what each costs besides its time."""

from __future__ import annotations

import os

from benchmarks.child import Child
from benchmarks.ours.daily import one_by_one
from benchmarks.ours.meter import Meter


def main() -> None:
    """Take in what lies in the inbox and deliver the day of `asked`, judged, from its `environment`."""
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House  # noqa: F401  what jobs import when they run

    meter = Meter(child, asked["database"])
    with meter.step("ingest"):
        taken = jobs.ingest()
    decided, sent = one_by_one(meter.step, jobs, asked | {"judged": True, "proved": True})
    child.did(
        statements=decided["decided"],
        entries=decided["entries"],
        files=sum(one["delivered"] for one in sent),
        bank_files=taken["files"],
        did="taken in, judged, delivered into folders, proved",
    )


if __name__ == "__main__":
    main()
