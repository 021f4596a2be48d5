"""A day as a schedule: tasks that wait for one another, slots to run in, processors that they share.

A discrete simulation. A task that runs alone takes its own time; where those that run want more of the processors of
the workers, or of the database, than there are, each is slowed by the same part. Nothing is random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_NOTHING: Final = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """Seconds alone from start to end, and the processor seconds in them: of its worker, and of the database.

    after: names of the tasks that must have ended.
    """

    name: str
    seconds: float
    worker_cpu: float = 0.0
    server_cpu: float = 0.0
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines:
    """What a day runs on. slots: tasks at once. cores: processors of all workers together.

    server_cores: those of the database; None if it shares the workers'. pause: seconds from when a task could start to
    when it does; the scheduler starts `starts_a_second` at the most.
    """

    slots: int
    cores: float
    server_cores: float | None = None
    pause: float = 0.0
    starts_a_second: float = float("inf")


@dataclass(kw_only=True, slots=True)
class Course:
    """How it went: seconds at which each task started and ended."""

    starts: dict[str, float] = field(default_factory=dict)
    ends: dict[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """To the end of the last."""
        return max(self.ends.values(), default=0.0)

    def lasted(self, *names: str) -> float:
        """From the first start to the last end of tasks whose name begins with one of these."""
        mine = [name for name in self.ends if name.startswith(names)]
        return max(self.ends[name] for name in mine) - min(self.starts[name] for name in mine) if mine else 0.0


def run(tasks: Sequence[Task], machines: Machines) -> Course:
    """Let all tasks run, those named first before those named later where slots are few.

    Raises:
        ValueError: some wait for what never ends.
    """
    course, now, free_from = Course(), 0.0, 0.0
    known = {task.name: task for task in tasks}
    left, due, running = dict(known), {}, {}
    while left or due or running:
        for task in [one for one in left.values() if course.ends.keys() >= set(one.after)]:
            if len(due) + len(running) < machines.slots:
                del left[task.name]
                # The scheduler starts one after another, however many could start now.
                due[task.name] = max(now + machines.pause, free_from)
                free_from = due[task.name] + 1 / machines.starts_a_second
        if not due and not running:
            raise ValueError(f"these wait for what never ends: {', '.join(left)}")
        speeds = _speeds([known[name] for name in running], machines)
        step = min(
            [max(0.0, at - now) for at in due.values()] + [running[name] / speeds[name] for name in running],
        )
        now += step
        running = {name: seconds - step * speeds[name] for name, seconds in running.items()}
        for name in [name for name, seconds in running.items() if seconds <= _NOTHING]:
            del running[name]
            course.ends[name] = now
        for name in [name for name, at in due.items() if at <= now + _NOTHING]:
            del due[name]
            course.starts[name] = now
            running[name] = max(known[name].seconds, _NOTHING)
    return course


def _speeds(running: Sequence[Task], machines: Machines) -> Mapping[str, float]:
    """Of each task: the part of its own pace that the processors leave it."""
    worker = {task.name: _share(task.worker_cpu, task) for task in running}
    server = {task.name: _share(task.server_cpu, task) for task in running}
    if machines.server_cores is None:
        part = _part(sum(worker.values()) + sum(server.values()), machines.cores)
        return {task.name: part if worker[task.name] + server[task.name] else 1.0 for task in running}
    of_workers = _part(sum(worker.values()), machines.cores)
    of_server = _part(sum(server.values()), machines.server_cores)
    return {
        task.name: min(of_workers if worker[task.name] else 1.0, of_server if server[task.name] else 1.0)
        for task in running
    }


def _share(cpu: float, task: Task) -> float:
    return cpu / max(task.seconds, _NOTHING)


def _part(wanted: float, there: float) -> float:
    return min(1.0, there / wanted) if wanted else 1.0
