"""`make demo`: a small simulated world, delivered by a real Airflow, and judged from the partners' side.

Five business days are ingested and backfilled through the scheduler; then the proof of each day and what arrived where
are shown. The exit code is 9 if one statement is missing, doubled or in the wrong place.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sobank.errors import ConfigurationError, ProofFailed, SchedulerError, SobankError
from sobank.services.backfill import DELIVERY
from sobank.simulator.airflow_home import REPOSITORY, AirflowHome, prepare
from sobank.simulator.airflow_processes import RunningAirflow, end_on_signals, run_sobank, running
from sobank.simulator.arrivals import Arrival, Judgement, arrivals, judge
from sobank.simulator.bank import World, read_expected, simulate

INGEST: Final = "ingest_bank_files"
_SEED: Final = 20260105
_FIRST_DAY: Final = date(2026, 1, 5)
_OVER: Final = frozenset({"success", "failed"})
_PARSE_SECONDS: Final = 90
_INGEST_SECONDS: Final = 180
_DAY_SECONDS: Final = 240


_KINDS: Final = ("connector", "global")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Where the demo plays: its Airflow's folder, its world, and a line that says what is going on."""

    home: AirflowHome
    world: World
    console: Console
    started: float

    @property
    def sobank_home(self) -> Path:
        """Folder of everything that is the product's own on disk."""
        return self.home.folder / "sobank"

    def say(self, line: str) -> None:
        """One line of progress, with the seconds since the beginning."""
        self.console.print(f"{time.monotonic() - self.started:5.0f} s  {line}", markup=False)


def main(arguments: list[str] | None = None) -> int:
    """Play the demo; 0 if every statement is in its place and every day is proved."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".demo", help="emptied first, kept afterwards")
    folder = parser.parse_args(arguments).folder.resolve()
    end_on_signals()
    console = Console(highlight=False, soft_wrap=True)
    try:
        stage = set_up(folder, console)
        with running(stage.home, say=stage.say) as airflow:
            deliver(stage, airflow)
        return show(stage)
    except SobankError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def set_up(folder: Path, console: Console) -> Stage:
    """An empty folder, a world, a database with its registry, and the bank files in the inbox."""
    started = time.monotonic()
    if folder.exists() and any(folder.iterdir()) and not (folder / "keys.json").exists():
        raise ConfigurationError("holds something else than a demo", subject=str(folder), remedy="give an empty folder")
    shutil.rmtree(folder, ignore_errors=True)
    world = simulate(folder / "world", seed=_SEED, first_day=_FIRST_DAY, days=5, cabinets=3, accounts=30)
    settings = {"SOBANK_HOME": str(folder / "sobank"), "SOBANK_QUIET_SECONDS": "0"}
    stage = Stage(home=prepare(folder, scheduled=False, extra=settings), world=world, console=console, started=started)
    stage.say(f"made {world.files} bank files: {world.statements} statements, {world.entries} entries")
    run_sobank(stage.home, "init")
    run_sobank(stage.home, "registry", "import", str(world.registry))
    put_into_inbox(world, stage.sobank_home / "inbox")
    stage.say("imported the registry and put the files into the inbox")
    return stage


def put_into_inbox(world: World, inbox: Path) -> None:
    """Every file of the world, whatever the day on which it is received."""
    inbox.mkdir(parents=True, exist_ok=True)
    for path in sorted(world.inbox.rglob("*.txt")):
        shutil.copyfile(path, inbox / path.name)


def deliver(stage: Stage, airflow: RunningAirflow) -> None:
    """Ingest, then backfill the days of the world, both through the scheduler.

    Raises:
        SchedulerError: a run fails, or takes too long.
    """
    api = airflow.api
    airflow.wait(lambda: api.knows(INGEST) and api.knows(DELIVERY), "DAG parsed", seconds=_PARSE_SECONDS)
    run = api.trigger(INGEST)
    airflow.wait(lambda: api.run_state(INGEST, run) in _OVER, "end of the ingest", seconds=_INGEST_SECONDS)
    stage.say(f"{INGEST}: {api.run_state(INGEST, run)}")
    if api.run_state(INGEST, run) != "success":
        raise SchedulerError("the run failed", subject=INGEST, remedy=f"read its log in {stage.home.folder / 'logs'}")
    first, last = stage.world.days[0], stage.world.days[-1]
    stage.say(f"sobank backfill --from {first} --to {last}")
    run_sobank(stage.home, "backfill", "--from", str(first), "--to", str(last))
    told: dict[str, str] = {}

    def over() -> bool:
        states = {str(run["dag_run_id"]): str(run["state"]) for run in api.runs(DELIVERY)}
        for name, state in states.items():
            if state in _OVER and told.get(name) != state:
                told[name] = state
                stage.say(f"{DELIVERY} {len(told)} of {len(stage.world.days)}: {state}")
        return len(told) == len(stage.world.days)

    airflow.wait(over, "end of the backfill", seconds=_DAY_SECONDS * len(stage.world.days))


def show(stage: Stage) -> int:
    """The proof of each day, what arrived where, and the verdict; the exit code."""
    proofs = []
    for day in stage.world.days:
        printed = run_sobank(stage.home, "prove", "--day", str(day), "--json", expect=(0, ProofFailed.exit_code))
        proofs.append(json.loads(printed))
    found = arrivals(stage.sobank_home, connectors_of(stage.world.registry))
    verdict = judge(read_expected(stage.world.expected), found)
    stage.console.print(_proof_table(proofs), _arrival_table(found, stage.sobank_home))
    for line in _verdict_lines(verdict, proofs):
        stage.say(line)
    stage.console.print(f"Everything is kept in {stage.home.folder}", markup=False)
    return 0 if verdict.right and all(proof["holds"] for proof in proofs) else ProofFailed.exit_code


def connectors_of(registry: Path) -> list[tuple[str, str, str]]:
    """(cabinet code, partner code, connector name) of every connector of a registry file."""
    cabinets = yaml.safe_load(registry.read_text("utf-8"))["cabinets"]
    return [(cab["code"], one["partner"], one["name"]) for cab in cabinets for one in cab["connectors"]]


def _proof_table(proofs: Iterable[dict[str, Any]]) -> Table:
    counted = ("in", "partners", "global", "quarantine", "waiting", "missing", "doubled")
    table = _table("The proof of each day, in statements", ("day",), counted)
    table.add_column("holds")
    for proof in proofs:
        by_kind = [sum(d["delivered"] for d in proof["destinations"] if d["kind"] == kind) for kind in _KINDS]
        set_aside = sum(reason["statements"] for reason in proof["quarantine"])
        counts = [proof["in"]["statements"], *by_kind, set_aside, proof["waiting"], proof["missing"], proof["doubled"]]
        table.add_row(proof["day"], *map(str, counts), "yes" if proof["holds"] else "NO")
    return table


def _arrival_table(found: list[Arrival], home: Path) -> Table:
    table = _table("What arrived where, read from the folders", ("destination", "folder"), ("files", "statements"))
    for destination in dict.fromkeys(arrival.destination for arrival in found):
        here = [arrival for arrival in found if arrival.destination == destination]
        folder = here[0].path.parent.relative_to(home)
        table.add_row(destination, str(folder), str(len(here)), str(sum(len(arrival.statements) for arrival in here)))
    return table


def _table(title: str, texts: Iterable[str], counted: Iterable[str]) -> Table:
    # As narrow as can be: everything fits into the 80 columns of a log.
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in texts:
        table.add_column(name, no_wrap=True)
    for name in counted:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _verdict_lines(verdict: Judgement, proofs: list[dict[str, Any]]) -> list[str]:
    proved = sum(proof["holds"] for proof in proofs)
    return [
        f"{verdict.expected} statements had to leave: {len(verdict.missing)} missing, {len(verdict.doubled)} doubled, "
        f"{len(verdict.misplaced)} in the wrong place, {len(verdict.unexpected)} that should have stayed",
        f"{proved} of {len(proofs)} days proved",
    ]


if __name__ == "__main__":
    sys.exit(main())
