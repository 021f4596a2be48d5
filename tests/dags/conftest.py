"""The DAG files as Airflow loads them, looked at once for all tests in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sobank.simulator.airflow_home import prepare

#: Five days each: an ordinary week, the two clock changes of Paris, a year's end, a leap day.
WEEKS = {
    "ordinary": ("2026-01-05", "2026-01-09"),
    "clocks forward": ("2026-03-27", "2026-03-31"),
    "clocks back": ("2026-10-23", "2026-10-27"),
    "year's end": ("2025-12-30", "2026-01-03"),
    "leap day": ("2028-02-27", "2028-03-02"),
}


@pytest.fixture(scope="session")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `looked_at.py` printed."""
    here = Path(__file__).parent
    home = prepare(tmp_path_factory.mktemp("airflow"), scheduled=False)
    weeks = json.dumps(list(WEEKS.values()))
    argv = [sys.executable, str(here / "looked_at.py"), str(here.parents[1] / "dags"), weeks]
    ended = subprocess.run(argv, env=dict(home.environment), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found
