"""Ours: the jobs of a day as the scheduler calls them, in one process, into folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

from benchmarks.child import Child
from benchmarks.ours.meter import Meter

Step = Callable[[str], AbstractContextManager[None]]
Counts = dict[str, Any]


def main() -> None:
    """Run the day of `asked`: `environment` for the jobs, `judged` by Great Expectations or not at all.

    proved: to the proof of the day. metered: URL of the database, if what each job costs there is asked for: then they
    follow one another; otherwise two at a time, as on the command line.
    """
    child = Child()
    asked = child.asked
    os.environ.update(asked["environment"])
    with child.step("imports"):
        from sobank import jobs
        from sobank.wiring import House  # noqa: F401  what jobs import when they run

    if asked["metered"]:
        decided, sent = one_by_one(Meter(child, asked["metered"]).step, jobs, asked)
    else:
        decided, sent = _side_by_side(child.step, jobs, asked)
    child.did(
        statements=decided["decided"],
        entries=decided["entries"],
        files=sum(one["delivered"] for one in sent),
        written="from stored records, twice (spool, folder)",
        durable="fsync, read back",
        checked="every row by Great Expectations" if asked["judged"] else "nothing",
        recorded="delivery ledger",
    )


def _side_by_side(step: Step, jobs: Any, asked: dict[str, Any]) -> tuple[Counts, list[Counts]]:
    """As the command line does it, two jobs at a time: what was decided, and what each push came to."""
    if not asked["judged"]:
        jobs.validate = nothing_judged
    with step("shards"):
        refs = jobs.shards(asked["day"], "bench")
    with step("prepare"):
        refs = jobs.prepare_all(refs)
    with step("decide"):
        decided = jobs.decide(refs)
    with step("leave"):
        sent, failed = jobs.send_all(asked["day"])
    for error in failed:
        raise error
    if asked["proved"]:
        with step("prove"):
            jobs.prove(asked["day"])
    return decided, list(sent.values())


def one_by_one(step: Step, jobs: Any, asked: dict[str, Any]) -> tuple[Counts, list[Counts]]:
    """Job by job, so that each can be told from the others: what was decided, and what each push came to."""
    with step("shards"):
        refs = jobs.shards(asked["day"], "bench")
    with step("extract"):
        refs = [jobs.extract(ref) for ref in refs]
    with step("partition"):
        refs = [jobs.partition(ref) for ref in refs]
    with step("validate"):
        refs = [jobs.validate(ref) if asked["judged"] else nothing_judged(ref) for ref in refs]
    with step("decide"):
        decided = jobs.decide(refs)
    with step("push"):
        sent = [jobs.push(partner, asked["day"]) for partner in jobs.partners_to_push(asked["day"])]
    with step("global files"):
        sent += [jobs.write_global_files(ref) for ref in jobs.global_file_shards(asked["day"])]
    if asked["proved"]:
        with step("prove"):
            jobs.prove(asked["day"])
    return decided, sent


def nothing_judged(ref: dict[str, Any]) -> dict[str, Any]:
    """What the decision wants of the validation of a shard that found nothing."""
    from sobank.domain.shards import Shard
    from sobank.quality.judge import FAILURES
    from sobank.wiring import House

    key = Shard.told(ref).key(ref["run"])
    House.from_environment().run_files(date.fromisoformat(ref["day"]), key).write("errors", [], FAILURES)
    return ref


if __name__ == "__main__":
    main()
