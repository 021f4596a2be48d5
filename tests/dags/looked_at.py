"""Run in a process of its own by the tests: loads the DAG files as Airflow does and prints what is in them as JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

FIRST_OUTSIDE_AIRFLOW = (
    "great_expectations",
    "pandas",
    "pyarrow",
    "numpy",
    "adbc_driver_postgresql",
    "psycopg",
    "boto3",
    "asyncssh",
    "schwifty",
    "sobank.wiring",
    "sobank.store",
    "sobank.quality",
)


def look(folder: Path, weeks: list[list[str]]) -> dict[str, Any]:
    """Structure of every DAG, days of a backfill of each week, and what the import of the files costs and brings."""
    import airflow.providers.standard.decorators.python
    import airflow.sdk
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    for name in ("DAG", "CronDataIntervalTimetable", "Param", "get_current_context", "task", "task_group"):
        getattr(airflow.sdk, name)
    before, started = set(sys.modules), time.perf_counter()
    bag = DagBag(dag_folder=str(folder))
    seconds = time.perf_counter() - started
    brought = sorted(set(sys.modules) - before)
    serialized = {name: DagSerialization.from_dict(DagSerialization.to_dict(dag)) for name, dag in bag.dags.items()}
    return {
        "errors": {str(path): str(error) for path, error in bag.import_errors.items()},
        "seconds": seconds,
        "heavy": [name for name in FIRST_OUTSIDE_AIRFLOW if name in brought],
        "dags": {name: structure(dag) for name, dag in bag.dags.items()},
        "noted": noted(bag.dags["deliver_statements"]),
        "weeks": [days(serialized["deliver_statements"], *week) for week in weeks],
    }


def structure(dag: Any) -> dict[str, Any]:
    """What a test may ask about one DAG."""
    return {
        "tasks": {
            task.task_id: {
                "upstream": sorted(task.upstream_task_ids),
                "trigger_rule": str(task.trigger_rule),
                "mapped": task.is_mapped,
                "mapped_with": next((group.group_id for group in task.iter_mapped_task_groups()), None),
                "retries": task.retries,
                "label": getattr(task, "map_index_template", None),
                "final": finally_failed(task),
                "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
            }
            for task in dag.tasks
        },
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "params": dag.params.dump(),
    }


def finally_failed(task: Any) -> dict[str, bool]:
    """Which errors end a task at its first try, by what its retry policy says of one of each kind."""
    from airflow.sdk.definitions.retry_policy import RetryAction

    from sobank import errors

    policy = None if task.is_mapped else task.retry_policy
    kinds = [errors.ConfigurationError, errors.RegistryError, errors.ProofFailed, errors.DatabaseAway, errors.StoreAway]
    raised = [kind("what", remedy="do") for kind in kinds] + [RuntimeError("what"), OSError("what")]
    return {
        type(error).__name__: policy is not None and policy.evaluate(error, 1, 3).action is RetryAction.FAIL
        for error in raised
    }


def noted(dag: Any) -> list[list[str]]:
    """What reaches the proof of the days that the two tasks which list what is to leave have noted, each its own."""
    from sobank import jobs

    kept: dict[tuple[str, str], list[str]] = {}
    reached: list[list[str]] = []

    class Instance:
        dag_id = run_id = "any"

        def __init__(self, task: str) -> None:
            self.task = task

        def xcom_push(self, key: str, value: list[str]) -> None:
            kept[self.task, key] = value

        def xcom_pull(self, task_ids: list[str], key: str) -> list[list[str] | None]:
            return [kept.get((task, key)) for task in task_ids]

        def get_task_states(self, **_: object) -> dict[str, dict[str, str]]:
            return {"any": {}}

    jobs.partners_to_push = lambda day, note: note([day, "of partners"])
    jobs.global_file_shards = lambda day, note: note([day, "of global files"])
    jobs.prove = lambda _day, found: reached.extend(found)
    for task in ("partners", "global_file_shards", "prove"):
        run = dag.get_task(task).python_callable
        run.__globals__["_day"] = lambda: "the day"
        run(ti=Instance(task))
    return reached


def days(dag: Any, first: str, last: str) -> list[str]:
    """Start of each interval that a backfill from `first` to `last` runs, both moments included."""
    bounds = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return [info.data_interval.start.isoformat() for info in dag.iter_dagrun_infos_between(*bounds)]


if __name__ == "__main__":
    from sobank.domain.day import midnight

    asked = [[midnight(date.fromisoformat(day)).isoformat() for day in week] for week in json.loads(sys.argv[2])]
    print(json.dumps(look(Path(sys.argv[1]), asked)))  # noqa: T201
