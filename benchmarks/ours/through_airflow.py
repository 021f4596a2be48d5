"""Ours: the day as a run of the DAG in an Airflow that runs already; what each task cost is read from its API."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from benchmarks.child import Child
from benchmarks.ours.meter import cpu_of

_LOOK_SECONDS, _AT_MOST_SECONDS = 0.25, 900
_DELIVERED = """
    SELECT coalesce(sum(n_statements), 0), coalesce(sum(n_entries), 0), count(*) FROM batches
     WHERE business_date = %s AND state = 'delivered'
"""


def main() -> None:
    """Trigger the run of `asked`, wait for its end, which must be a good one.

    processes: ids of Airflow's; what they and their children use of the processors is a cost of the run.
    """
    child = Child()
    asked = child.asked
    with child.step("imports"):
        import psycopg

        from sobank.scheduler import AirflowApi

    api = AirflowApi(
        url=asked["SOBANK_AIRFLOW_URL"], user=asked["SOBANK_AIRFLOW_USER"], password=asked["SOBANK_AIRFLOW_PASSWORD"]
    )
    before = cpu_of(asked["processes"])
    with child.step("run"):
        run = api.trigger(asked["dag"], conf={"day": asked["day"]})
        state = _end_of(lambda: api.run_state(asked["dag"], run))
    child.cost("run", cpu_s=cpu_of(asked["processes"]) - before)
    tasks = api.tasks(asked["dag"], run)
    if state != "success":
        raise RuntimeError(f"the run is {state}: {[(task['task_id'], task['state']) for task in tasks]}")
    for kind, seconds in laps(tasks):
        child.lap(kind, seconds)
    with psycopg.connect(asked["database"]) as connection:
        found = connection.execute(_DELIVERED, [asked["day"]]).fetchone()
    statements, entries, files = map(int, found or ())
    child.did(
        statements=statements,
        entries=entries,
        files=files,
        tasks=len(tasks),
        tries=sum(task["try_number"] for task in tasks),
        written="from stored records, twice (spool, folder)",
        durable="fsync, read back",
        checked="every row by Great Expectations",
        recorded="delivery ledger",
        scheduled="by Airflow, each task a process of its own",
    )


def _end_of(state: Callable[[], str]) -> str:
    """The last state of a run; a busy API may leave a question without answer."""
    from sobank.errors import SchedulerError

    until = time.monotonic() + _AT_MOST_SECONDS
    while time.monotonic() < until:
        with suppress(SchedulerError):
            if (found := state()) in {"success", "failed"}:
                return found
        time.sleep(_LOOK_SECONDS)
    return "without end"


def laps(tasks: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Seconds of each task by its name, and of each pause between what had ended last and the start of a task."""
    ran = sorted((_moment(task, "start_date"), _moment(task, "end_date"), task) for task in tasks if task["start_date"])
    found = [(f"task {task['task_id']}", end - start) for start, end, task in ran]
    for start, _, task in ran:
        ended = [end for _, end, other in ran if end <= start and other is not task]
        found += [("from the end of a task to the start of the next", start - max(ended))] if ended else []
    return found


def _moment(task: dict[str, Any], name: str) -> float:
    return datetime.fromisoformat(task[name].replace("Z", "+00:00")).timestamp()


if __name__ == "__main__":
    main()
