"""A day of any size as tasks of the schedule: what the DAG would run, at the unit costs that were measured."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from benchmarks import day
from benchmarks.figures import Found, StageCosts
from benchmarks.schedule import Task
from sobank.domain.shards import count_of_shards
from sobank.settings import Settings

#: How many partners have connectors; each has a task of its own to push.
PARTNERS: Final = 4
_OF_A_SHARD: Final = ("extract", "partition", "validate")
_SMALL: Final = ("partners", "global_file_shards")
_SHORT: Final = ("wait", "shards", "partition", *_SMALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What one day brings: statements, files to partners and as many to cabinets, and into how much it is cut.

    partner_seconds: what a partner's side needs at the least for one of its files.
    """

    statements: int
    files: int
    shards: int
    file_shards: int
    partner_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """Unit costs by stage; `boot`: seconds, all of them processor's, in which a task's process comes to its work."""

    costs: Mapping[str, StageCosts]
    boot: float = 0.0


def load_of(times: float) -> Load:
    """The day of `day.py` so many times; above the big day there are more cabinets too, not larger ones."""
    statements = round(day.STATEMENTS * times)
    files = max(2, round(2 * day.CABINETS * min(times, 1) * max(1, times / 10)))
    return cut(statements, files)


def cut(statements: int, files: int, *, partner_seconds: float = 0.0) -> Load:
    """A load in as many shards as our own settings make of it."""
    own = {field.name: field.default for field in fields(Settings)}
    size, most, of_files = (int(str(own[name])) for name in ("shard_statements", "shards_most", "shard_files"))
    return Load(
        statements=statements,
        files=files,
        shards=count_of_shards(statements, size=size, most=most),
        file_shards=count_of_shards(files // 2, size=of_files, most=most),
        partner_seconds=partner_seconds,
    )


def rates(found: Found) -> Rates:
    """From the results; how long a task's process needs to begin is seen in tasks that have little else to do."""
    tasks = found.laps("airflow", "airflow", "task ")
    return Rates(costs=found.costs(), boot=statistics.median([tasks[f"task {name}"] for name in _SHORT]))


def tasks_of(load: Load, given: Rates, *, by_shard: Collection[str] = ()) -> list[Task]:
    """The tasks of a day in the order of the DAG.

    Args:
        by_shard: as if `decide`, or `prove`, were a task a shard.
    """

    def task(name: str, stage: str, parts: int, *after: str) -> Task:
        """One of `parts` tasks that share a stage: its part of what grows, and all of what does not.

        Of pushes that is shared too: it was measured of all partners together.
        """
        costs = given.costs[stage]
        if stage == "push":
            costs = {figure: replace(one, fixed=one.fixed / parts) for figure, one in costs.items()}
        worked = _work(name, costs, load.statements / parts, load.files / parts, after)
        if stage == "push":
            # Half of the files of a day are partners'.
            worked = replace(worked, seconds=max(worked.seconds, load.partner_seconds * load.files / parts / 2))
        return replace(worked, seconds=worked.seconds + given.boot, worker_cpu=worked.worker_cpu + given.boot)

    made = [_boot("wait", given), task("shards", "shards", 1, "wait")]
    for shard in range(load.shards):
        before = "shards"
        for stage in _OF_A_SHARD:
            made.append(task(f"{stage} {shard}", stage, load.shards, before))
            before = f"{stage} {shard}"
    decides, proves = (load.shards if name in by_shard else 1 for name in ("decide", "prove"))
    for part in range(decides):
        shards = range(load.shards) if decides == 1 else [part]
        made.append(task(f"decide {part}", "decide", decides, *(f"validate {shard}" for shard in shards)))
    made += [_boot(name, given, *(f"decide {part}" for part in range(decides))) for name in _SMALL]
    made += [task(f"push {part}", "push", PARTNERS, "partners") for part in range(PARTNERS)]
    for part in range(load.file_shards):
        made.append(task(f"global files {part}", "global files", load.file_shards, "global_file_shards"))
    ended = [one.name for one in made if one.name.startswith(("push", "global files"))]
    return [*made, *(task(f"prove {part}", "prove", proves, *ended) for part in range(proves))]


def _boot(name: str, given: Rates, *after: str) -> Task:
    return Task(name=name, seconds=given.boot, worker_cpu=given.boot, after=after)


def in_one_process(load: Load, given: Rates, *, proved: bool) -> list[Task]:
    """The same day as `benchmarks.ours.daily` does it: no process is started for a task.

    What a stage costs however little it has to do, its imports most of all, is paid by the first of its tasks alone.

    Args:
        proved: to the proof of the day, or no further than its files.
    """
    made, met = [], set()
    for task in tasks_of(load, replace(given, boot=0.0)):
        stage = task.name.rpartition(" ")[0]
        if stage in _OF_A_SHARD and stage in met:
            own = given.costs[stage]
            task = replace(
                task,
                seconds=task.seconds - own["seconds"].fixed,
                worker_cpu=task.worker_cpu - own["cpu_s"].fixed,
                server_cpu=task.server_cpu - own["server_cpu_s"].fixed,
            )
        met.add(stage)
        made.append(task)
    return [task for task in made if proved or not task.name.startswith("prove")]


def _work(name: str, own: StageCosts, statements: float, files: float, after: tuple[str, ...]) -> Task:
    seconds, worker, server = (own[figure].at(statements, files) for figure in ("seconds", "cpu_s", "server_cpu_s"))
    return Task(name=name, seconds=seconds, worker_cpu=worker, server_cpu=server, after=after)
