"""Ours: the jobs of a day as the scheduler calls them, one after another in one process, into folders."""

from __future__ import annotations

import os

from benchmarks.child import Child


def main() -> None:
    """Run the day of `asked`: `environment` for the jobs, `judged` by Great Expectations or not at all."""
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House

    with child.step("extract"):
        ref = jobs.extract(asked["day"], "bench")
    with child.step("partition"):
        ref = jobs.partition(ref)
    with child.step("validate"):
        if asked["judged"]:
            ref = jobs.validate(ref)
        else:
            nothing_judged(House.from_environment(), asked["day"])
    with child.step("decide"):
        ref = jobs.decide(ref)
    with child.step("push"):
        sent = [jobs.push(partner, asked["day"]) for partner in jobs.partners_to_push(asked["day"])]
    with child.step("global files"):
        sent += [jobs.write_global_files(shard, asked["day"]) for shard in jobs.global_file_shards(asked["day"])]
    child.did(
        statements=ref["decided"],
        entries=ref["entries"],
        files=sum(one["delivered"] for one in sent),
        written="from stored records, twice (spool, folder)",
        durable="fsync, read back",
        checked="every row by Great Expectations" if asked["judged"] else "nothing",
        recorded="delivery ledger",
    )


def nothing_judged(house: object, day: str) -> None:
    """What the decision wants of a validation that found nothing."""
    from datetime import date

    from sobank.quality.judge import FAILURES

    files = house.run_files(date.fromisoformat(day), "bench")  # type: ignore[attr-defined]
    files.write("errors", [], FAILURES)


if __name__ == "__main__":
    main()
