"""`make demo`: a small simulated world, delivered by a real Airflow to real servers, judged by what they received.

Five business days are ingested and backfilled through the scheduler to partners on loopback, over SFTP, HTTPS and S3,
some of whom misbehave on purpose; then the proof of each day and what lies in each inbox are shown. The exit code is 9
if one statement is missing, doubled or in the wrong place.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from rich.console import Console

from sobank.errors import ConfigurationError, SchedulerError, SobankError
from sobank.services.backfill import DELIVERY
from sobank.simulator.airflow_home import REPOSITORY, prepare
from sobank.simulator.airflow_processes import RunningAirflow, end_on_signals, run_sobank, running
from sobank.simulator.bank import World, simulate
from sobank.simulator.connections import environment
from sobank.simulator.demo_show import Stage, show
from sobank.simulator.mishaps import plan
from sobank.simulator.partners import Simulated, serving, write_partner_files

INGEST: Final = "ingest_bank_files"
#: A world in which every kind of partner gets something.
_SEED: Final = 20260333
_FIRST_DAY: Final = date(2026, 1, 5)
_OVER: Final = frozenset({"success", "failed"})
_PARSE_SECONDS: Final = 90
_INGEST_SECONDS: Final = 180
_DAY_SECONDS: Final = 240


def main(arguments: list[str] | None = None) -> int:
    """Play the demo; 0 if every statement is in its place and every day is proved."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".demo", help="emptied first, kept afterwards")
    folder = parser.parse_args(arguments).folder.resolve()
    end_on_signals()
    console = Console(highlight=False, soft_wrap=True)
    try:
        empty(folder)
        with serving(folder / "servers") as partners:
            stage = set_up(folder, console, partners)
            with running(stage.home, say=stage.say) as airflow:
                deliver(stage, airflow)
            return show(stage)
    except SobankError as error:
        console.print(str(error), style="red", markup=False)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def empty(folder: Path) -> None:
    """Make room where an earlier demo was.

    Raises:
        ConfigurationError: the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "keys.json").exists():
        raise ConfigurationError("holds something else than a demo", subject=str(folder), remedy="give an empty folder")
    shutil.rmtree(folder, ignore_errors=True)


def set_up(folder: Path, console: Console, partners: Sequence[Simulated]) -> Stage:
    """A world whose connectors name the partners' servers, a database with its registry, and files in the inbox."""
    started = time.monotonic()
    addresses = [one.address for one in partners]
    world = simulate(
        folder / "world", seed=_SEED, first_day=_FIRST_DAY, days=5, cabinets=3, accounts=30,
        partners=[one.partner for one in addresses], reached={one.partner: one.reached for one in addresses},
    )  # fmt: skip
    settings = {
        "SOBANK_HOME": str(folder / "sobank"),
        "SOBANK_QUIET_SECONDS": "0",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",
        "SOBANK_PRIVATE_PARTNERS": "1",
        "SOBANK_PARTNERS": str(write_partner_files(folder / "servers", partners)),
    }
    home = prepare(folder, scheduled=False, extra=settings | environment(addresses))
    stage = Stage(home=home, world=world, partners=partners, console=console, started=started)
    stage.say(f"made {world.files} bank files: {world.statements} statements, {world.entries} entries")
    for kind in dict.fromkeys(one.seat.sink for one in partners):
        codes = ", ".join(one.seat.code for one in partners if one.seat.sink == kind)
        stage.say(f"partners listen by {kind}: {codes}")
    plan(partners)
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


if __name__ == "__main__":
    sys.exit(main())
