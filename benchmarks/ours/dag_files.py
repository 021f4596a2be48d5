"""The DAG files as Airflow's own DAG bag takes them in; what they import of Airflow is there before."""

from __future__ import annotations

import ast
import importlib
import os
import time
from pathlib import Path

from benchmarks.child import Child


def main() -> None:
    """Load the files of the folder of `asked` once, in this new process."""
    child = Child()
    os.environ.update(child.asked["environment"])
    folder = Path(child.asked["folder"])
    with child.step("Airflow itself"):
        from airflow.dag_processing.dagbag import DagBag

        _import_what_it_has(folder)
    begin = time.perf_counter()
    with child.step("DAG files"):
        bag = DagBag(dag_folder=str(folder))
    child.lap("all DAG files", time.perf_counter() - begin)
    if bag.import_errors:
        raise RuntimeError(str(bag.import_errors))
    child.did(dags=len(bag.dags))


def _import_what_it_has(folder: Path) -> None:
    for module in ("python", "sensor"):
        importlib.import_module(f"airflow.providers.standard.decorators.{module}")
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("airflow"):
                for name in node.names:
                    getattr(importlib.import_module(node.module), name.name)


if __name__ == "__main__":
    main()
