"""Ours: the jobs of a day as the scheduler calls them, one after another in one process, into folders."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

from benchmarks.child import Child


def main() -> None:
    """Run the day of `asked`: `environment` for the jobs, `judged` by Great Expectations or not at all, `proved`."""
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House  # noqa: F401  what jobs import when they run

    with child.step("shards"):
        refs = jobs.shards(asked["day"], "bench")
    for at, ref in enumerate(refs):
        with child.step("extract"):
            refs[at] = jobs.extract(ref)
        with child.step("partition"):
            refs[at] = jobs.partition(refs[at])
        with child.step("validate"):
            refs[at] = jobs.validate(refs[at]) if asked["judged"] else nothing_judged(refs[at])
    with child.step("decide"):
        decided = jobs.decide(refs)
    with child.step("push"):
        sent = [jobs.push(partner, asked["day"]) for partner in jobs.partners_to_push(asked["day"])]
    with child.step("global files"):
        sent += [jobs.write_global_files(ref) for ref in jobs.global_file_shards(asked["day"])]
    if asked.get("proved"):
        with child.step("prove"):
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
