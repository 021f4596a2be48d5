"""What the demo shows at its end: the proof of each day, every inbox, what went wrong on purpose, and the verdict."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from sobank.errors import ProofFailed
from sobank.simulator.airflow_home import AirflowHome
from sobank.simulator.airflow_processes import run_sobank
from sobank.simulator.arrivals import Arrival, Judgement, arrivals, judge
from sobank.simulator.bank import World, read_expected
from sobank.simulator.mishaps import PLANNED, not_played, retried
from sobank.simulator.partners import Simulated
from sobank.wiring import House, settings_from

_KINDS: Final = ("connector", "global")
_TIMES: Final = {0: "not at all", 1: "once"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Where the demo plays: its Airflow's folder, its world, its partners, and a line that says what is going on."""

    home: AirflowHome
    world: World
    partners: Sequence[Simulated]
    console: Console
    started: float

    @property
    def sobank_home(self) -> Path:
        """Folder of everything that is the product's own on disk."""
        return self.home.folder / "sobank"

    def say(self, line: str) -> None:
        """One line of progress, with the seconds since the beginning."""
        self.console.print(f"{time.monotonic() - self.started:5.0f} s  {line}", markup=False)


def show(stage: Stage) -> int:
    """The proof of each day, what arrived where, and the verdict; the exit code."""
    proofs = []
    for day in stage.world.days:
        printed = run_sobank(stage.home, "prove", "--day", str(day), "--json", expect=(0, ProofFailed.exit_code))
        proofs.append(json.loads(printed))
    inboxes = {one.seat.code: one.folder for one in stage.partners}
    found = arrivals(stage.sobank_home, connectors_of(stage.world.registry), inboxes)
    verdict = judge(read_expected(stage.world.expected), found)
    stage.console.print(_proof_table(proofs), _arrival_table(found, stage))
    for line in _mishap_lines(stage):
        stage.console.print(line, markup=False)
    for line in _verdict_lines(verdict, proofs):
        stage.say(line)
    stage.console.print(f"Everything is kept in {stage.home.folder}", markup=False)
    ours = " ".join(f"{name}={stage.home.environment[name]}" for name in ("SOBANK_HOME", "SOBANK_PARTNERS"))
    stage.console.print(f"So bank's pages show it after:\n  {ours} make up", markup=False)
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


def _arrival_table(found: list[Arrival], stage: Stage) -> Table:
    table = _table("What lies in each inbox, read there", ("destination", "inbox"), ("files", "statements"))
    for destination in dict.fromkeys(arrival.destination for arrival in found):
        here = [arrival for arrival in found if arrival.destination == destination]
        folder = here[0].path.parent.relative_to(stage.home.folder)
        table.add_row(destination, str(folder), str(len(here)), str(sum(len(arrival.statements) for arrival in here)))
    return table


def _mishap_lines(stage: Stage) -> list[str]:
    left = not_played(stage.partners)
    house = House(settings_from(stage.home.environment))
    again = retried(house.ledger, stage.partners)
    house.database.close()
    lines = ["What partners did wrong on purpose, and what became of the files"]
    for partner in dict.fromkeys(mishap.partner for mishap in PLANNED):
        done = [m.said if m not in left else f"had no occasion for {m.do}" for m in PLANNED if m.partner == partner]
        lines.append(f" {partner} {'; '.join(done)}")
        for one in (one for one in again if one.partner == partner):
            tries = ", ".join(outcome.replace("_", " ") for outcome in one.outcomes)
            answer = f" ({one.answer})" if one.answer else ""
            lines.append(f"   {one.name} lies there {_TIMES.get(one.there, f'{one.there} times')}")
            lines.append(f"   after {len(one.outcomes)} attempts: {tries}{answer}")
    return [*lines, ""]


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
