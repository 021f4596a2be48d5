"""Every task killed in every way, every server in turn: found when, green when, and what the partners have.

Run by `make cluster`, which keeps what was measured in docs/cluster.md. Each case delivers a business day of its own in
which one death follows the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Final

import pytest

from tests.cluster.kills import Kill, kill
from tests.cluster.points import held_in
from tests.cluster.stage import Stage
from tests.cluster.table import Seen, Table

pytestmark = pytest.mark.airflow

_REFUSING_SECONDS: Final = 60
#: Heartbeats missed, looked for, and the pause before a retry (`HURRIED`): 17 s; the rest is for a busy machine.
_FOUND_SECONDS: Final = 60
_TASKS: Final = ("extract", "validate", "decide", "push")
REFUSING: Final = "object store, refusing for a minute"


def _power_cut(*names: str) -> Callable[[Stage], None]:
    def cut(stage: Stage) -> None:
        for name in names:
            stage.cluster.machines[name].kill()

    return cut


SERVERS: Final[dict[str, Callable[[Stage], None]]] = {
    "scheduler": _power_cut("scheduler"),
    "scheduler and both workers": _power_cut("scheduler", "worker-1", "worker-2"),
    "API server": _power_cut("api-server"),
    "DAG processor": _power_cut("dag-processor"),
    "Redis": _power_cut("redis"),
    "PostgreSQL": lambda stage: stage.cluster.restart_postgres(),
    REFUSING: lambda stage: setattr(stage.cluster.objects, "refusing", True),
}
#: What dies while which task is held, in the order of the tasks.
DAYS: Final[dict[str, dict[str, str]]] = {
    "machine": dict.fromkeys(_TASKS, Kill.MACHINE),
    "group": dict.fromkeys(_TASKS, Kill.GROUP),
    "supervisor": dict.fromkeys(_TASKS, Kill.SUPERVISOR),
    "scheduler": {"extract": "scheduler", "validate": "Redis", "write_global_files": Kill.MACHINE},
    "servers": {
        "extract": "PostgreSQL", "validate": "API server", "decide": "scheduler and both workers",
        "write_global_files": Kill.GROUP,
    },
    "store": {"extract": REFUSING, "validate": "DAG processor", "write_global_files": Kill.SUPERVISOR},
}  # fmt: skip


@pytest.mark.parametrize("deaths", list(DAYS))
def test_a_day_in_which_one_thing_after_another_dies_ends_green_by_itself(
    stage: Stage, deaths: str, table: Table, new_day: date
) -> None:
    run, seen = "", []
    for task, what in DAYS[deaths].items():
        with held_in(stage.cluster, task) as held:
            run = run or stage.run(new_day)
            victim = stage.held(task, held)
            at = time.monotonic()
            if what in list(Kill):
                kill(Kill(what), victim)
            else:
                SERVERS[what](stage)
            if what in (Kill.GROUP, Kill.SUPERVISOR):  # the task lives on: its retry starts beside it
                stage.wait_tried_again(task, run)
        if what in list(Kill):
            stage.wait_tried_again(task, run)
        if what == REFUSING:
            stage.wait(lambda at=at: time.monotonic() > at + _REFUSING_SECONDS, what="a minute is over")
            stage.cluster.objects.refusing = False
        seen.append((task, what, time.monotonic() - at if what in list(Kill) else None))
    state, verdict = stage.wait_over(run), stage.judged(until=new_day)
    for task, what, found in seen:
        killed = f"worker, {what}" if found else what
        counted = {"missing": len(verdict.missing), "doubled": len(verdict.doubled), "of": verdict.expected}
        table.add(Seen(killed=killed, task=task, found=found, state=state, **counted))
    assert max(found or 0 for _, _, found in seen) < _FOUND_SECONDS
    assert state == "success", stage.states(run)
    assert verdict.right, verdict
