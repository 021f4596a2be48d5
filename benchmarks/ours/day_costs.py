"""Ours: a day from the bank's files to its proof, job by job, and what each costs besides its time."""

from __future__ import annotations

import os

from benchmarks.child import Child
from benchmarks.ours.meter import Meter


def main() -> None:
    """Take in what lies in the inbox and deliver the day of `asked`, judged, from its `environment`."""
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House  # noqa: F401  what jobs import when they run

    day, meter = asked["day"], Meter(child, asked["database"])
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


if __name__ == "__main__":
    main()
