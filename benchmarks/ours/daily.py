"""Ours: the jobs of a day as the scheduler calls them, one after another in one process, into folders."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

from benchmarks.child import Child
from benchmarks.ours.meter import Meter


def main() -> None:
    """Run the day of `asked`: `environment` for the jobs, `judged` by Great Expectations or not at all.

    proved: to the proof of the day. metered: URL of the database, if what each step costs there is asked for.
    """
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House  # noqa: F401  what jobs import when they run

    step = Meter(child, asked["metered"]).step if asked["metered"] else child.step
    with step("shards"):
        refs = jobs.shards(asked["day"], "bench")
    for at, ref in enumerate(refs):
        with step("extract"):
            refs[at] = jobs.extract(ref)
        with step("partition"):
            refs[at] = jobs.partition(refs[at])
        with step("validate"):
            refs[at] = jobs.validate(refs[at]) if asked["judged"] else nothing_judged(refs[at])
    with step("decide"):
        decided = jobs.decide(refs)
    with step("push"):
        sent = [jobs.push(partner, asked["day"]) for partner in jobs.partners_to_push(asked["day"])]
    with step("global files"):
        sent += [jobs.write_global_files(ref) for ref in jobs.global_file_shards(asked["day"])]
    if asked["proved"]:
        with step("prove"):
            jobs.prove(asked["day"])
    child.did(
        statements=decided["decided"],
        entries=decided["entries"],
        files=sum(one["delivered"] for one in sent),
        written="from stored records, twice (spool, folder)",
        durable="fsync, read back",
        checked="every row by Great Expectations" if asked["judged"] else "nothing",
        recorded="delivery ledger",
    )


def nothing_judged(ref: dict[str, Any]) -> dict[str, Any]:
    """What the decision wants of the validation of a shard that found nothing."""
    from sobank.domain.shards import Shard
    from sobank.quality.judge import FAILURES
    from sobank.wiring import House

    key = Shard(number=ref["shard"], of=ref["of"]).key(ref["run"])
    House.from_environment().run_files(date.fromisoformat(ref["day"]), key).write("errors", [], FAILURES)
    return ref


if __name__ == "__main__":
    main()
