"""One world of banks, accounts and partners, delivered by the cluster and, beside it, by one machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

import psutil
import pytest
from typer.testing import CliRunner

from sobank.cli import app
from sobank.errors import SobankError
from sobank.scheduler import AirflowApi
from sobank.services.backfill import DELIVERY
from sobank.simulator.arrivals import Judgement, arrivals, judge
from sobank.simulator.bank import World, read_expected
from sobank.simulator.demo_show import connectors_of
from sobank.simulator.partners import Simulated
from tests.cluster.cluster import Cluster
from tests.cluster.machines import Machine
from tests.cluster.points import Held

OVER: Final = {"success", "failed"}
_PAUSE: Final = 0.4
Files = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A try of a task that runs: its process, that of its supervisor, and the worker both are on."""

    task: str
    process: psutil.Process
    supervisor: psutil.Process
    worker: Machine


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The cluster, the world that it delivers, and the partners it delivers to, judged by what they received.

    received: names of the banks' files that have arrived.
    """

    cluster: Cluster
    world: World
    partners: Sequence[Simulated]
    api: AirflowApi
    received: set[str] = field(default_factory=set)

    def receive(self, days: Collection[date]) -> None:
        """The files with statements of these days arrive, and are taken in."""
        self.received.update(bring(self.world, days, self.cluster.home / "inbox"))
        self.cluster.sobank("ingest")

    def judged(self, *, until: date) -> Judgement:
        """What arrived, against what the world says of statements received and closed until that day."""
        there = [row for row in read_expected(self.world.expected) if self.received.intersection(row["files"])]
        rows = [row for row in there if date.fromisoformat(row["closing_date"]) <= until]
        inboxes = {one.seat.code: one.folder for one in self.partners}
        return judge(rows, arrivals(self.cluster.home, connectors_of(self.world.registry), inboxes))

    def files(self) -> Files:
        """SHA-256 of every file of partners and cabinets, by partner or `global/<cabinet>`, and name."""
        inboxes = {one.seat.code: [one.folder / "inbox", one.folder / "taken"] for one in self.partners}
        return files_of(self.cluster.home, inboxes)

    def run(self, day: date) -> str:
        """A run of a day by hand; its id."""
        return self.api.trigger(DELIVERY, conf={"day": day.isoformat()})

    def backfill(self, first: date, last: date, *options: str) -> None:
        """Start a backfill by the command line."""
        self.cluster.sobank("backfill", "--from", first.isoformat(), "--to", last.isoformat(), *options)

    def wait(self, true: Callable[[], bool], *, what: str, seconds: float = 300) -> None:
        """Until it is so; meanwhile what has died is started again. Who is away for a moment has not said no."""
        deadline = time.monotonic() + seconds
        while True:
            self.cluster.revive()
            with suppress(SobankError):
                if true():
                    return
            assert time.monotonic() < deadline, f"{what}: not so after {seconds:.0f} s"
            time.sleep(_PAUSE)

    def wait_over(self, run: str) -> str:
        """Until a run has ended; its state."""
        self.wait(lambda: self.api.run_state(DELIVERY, run) in OVER, what=f"{run} is over")
        return self.api.run_state(DELIVERY, run)

    def states(self, run: str) -> dict[str, tuple[str, int]]:
        """State and number of tries of each task of a run; mapped ones by their place."""
        tasks = self.api.tasks(DELIVERY, run)
        return {f"{t['task_id']} {max(t['map_index'], 0)}": (t["state"], t["try_number"]) for t in tasks}

    def tried_again(self, task: str, run: str | None = None) -> bool:
        """Whether a task of a run, or of a run under way, has been given up once and is tried again."""
        runs = [run] if run else [one["dag_run_id"] for one in self.api.runs(DELIVERY) if one["state"] == "running"]
        tries = [one for each in runs for one in self.api.tasks(DELIVERY, each) if one["task_id"] == task]
        return any(one["try_number"] > 1 or one["state"] == "up_for_retry" for one in tries)

    def wait_tried_again(self, task: str, run: str | None = None) -> None:
        """Until `tried_again`."""
        self.wait(lambda: self.tried_again(task, run), what=f"{task} is tried again")

    def held(self, task: str, held: Held) -> Running:
        """Wait until a try of a task is kept waiting; that try."""
        found: list[Running] = []

        def reached() -> bool:
            ports = held.ports
            found[:] = [one for one in self._running(task) if ports & _ports_of(one.process)] if ports else []
            return bool(found)

        self.wait(reached, what=f"{task} is held")
        return found[0]

    def _running(self, task: str) -> list[Running]:
        """The tries of a task that run now, in whichever run of the DAG, as the workers' processes show them."""
        runs = [run["dag_run_id"] for run in self.api.runs(DELIVERY) if run["state"] == "running"]
        tries = [one for run in runs for one in self.api.tasks(DELIVERY, run) if one["task_id"] == task]
        titles = [f"airflow worker -- {one['id']}" for one in tries if one["state"] == "running"]
        return [
            Running(task=task, process=process, supervisor=process.parent(), worker=worker)
            for worker in self.cluster.workers()
            for process in worker.processes()
            if _title(process) in titles
        ]


def bring(world: World, days: Collection[date], inbox: Path) -> set[str]:
    """Put the files into an inbox that hold statements of these days; their names."""
    inbox.mkdir(parents=True, exist_ok=True)
    rows = [row for row in read_expected(world.expected) if date.fromisoformat(row["closing_date"]) in days]
    names = {name for row in rows for name in row["files"]}
    for path in world.inbox.rglob("*.txt"):
        if path.name in names:
            shutil.copyfile(path, inbox / path.name)
    return names


def files_of(home: Path, inboxes: Mapping[str, Sequence[Path]]) -> Files:
    """SHA-256 of every file that was delivered, by place and name."""
    tops = [(f"global/{folder.name}", folder) for folder in (home / "global").glob("*")]
    for partner in (home / "partners").glob("*"):
        tops += [(partner.name, cabinet) for cabinet in partner.glob("*")]
    tops += [(code, folder) for code, folders in inboxes.items() for folder in folders]
    return {
        f"{place}/{path.name}": hashlib.sha256(path.read_bytes()).hexdigest()
        for place, top in tops
        for path in top.iterdir()
        if path.is_file() and not path.name.startswith(".")
    }


def on_one_machine(world: World, days: Sequence[date], home: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """What the command line delivers of the same files, alone, on SQLite and folders, day by day."""
    for name in [name for name in os.environ if name.startswith(("SOBANK_", "AIRFLOW"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SOBANK_HOME", str(home))
    monkeypatch.setenv("SOBANK_QUIET_SECONDS", "0")
    bring(world, days, home / "inbox")
    for command in (["init"], ["registry", "import", str(world.registry)], ["ingest"]):
        _said(command)
    for day in days:
        _said(["deliver", "--day", day.isoformat()])
    return files_of(home, {})


def _said(command: Sequence[str]) -> None:
    result = CliRunner().invoke(app, list(command))
    assert result.exit_code == 0, f"sobank {' '.join(command)}: {result.output}"


def _title(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline()).strip()
    return ""


def _ports_of(process: psutil.Process) -> set[int]:
    with suppress(psutil.Error):
        return {one.laddr.port for one in process.net_connections("tcp") if one.laddr}
    return set()
