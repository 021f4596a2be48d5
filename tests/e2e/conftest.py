"""One real Airflow, partners' servers and one simulated world for the tests of a module; all stopped afterwards."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa

from sobank.services.backfill import DELIVERY
from sobank.simulator.airflow_home import prepare
from sobank.simulator.airflow_processes import RunningAirflow, run_sobank, running
from sobank.simulator.arrivals import Judgement, arrivals, judge
from sobank.simulator.bank import PARTNERS, World, read_expected, simulate
from sobank.simulator.connections import environment
from sobank.simulator.demo import INGEST
from sobank.simulator.demo_show import connectors_of
from sobank.simulator.partners import Simulated, serving
from sobank.store import schema
from tests.databases import airflow_settings

OVER = {"success", "failed"}
#: Five days to backfill, and the Monday after them.
FIRST_DAY, LAST_DAY, NEXT_DAY = date(2026, 1, 5), date(2026, 1, 9), date(2026, 1, 12)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The running Airflow, the world it delivers and the partners it delivers to, judged by what they received."""

    airflow: RunningAirflow
    world: World
    partners: Sequence[Simulated]

    @property
    def home(self) -> Path:
        """The product's own folder."""
        return self.airflow.home.folder / "sobank"

    def receive(self, *, until: date, after: date = date.min) -> None:
        """The bank files of statements closed after `after`, until `until`, arrive, and the ingest DAG takes them."""
        rows = [row for row in self.expected() if after < date.fromisoformat(row["closing_date"]) <= until]
        names = {name for row in rows for name in row["files"]}
        (self.home / "inbox").mkdir(parents=True, exist_ok=True)
        for path in self.world.inbox.rglob("*.txt"):
            if path.name in names:
                shutil.copyfile(path, self.home / "inbox" / path.name)
        assert self.run(INGEST) == "success"

    def run(self, dag: str, **conf: str) -> str:
        """Trigger a run by hand and wait for its end; its state."""
        return self.end_of(dag, self.airflow.api.trigger(dag, conf=conf))

    def end_of(self, dag: str, run: str, *, seconds: float = 300) -> str:
        """Wait for the end of a run; its state."""
        self.airflow.wait(lambda: self.airflow.api.run_state(dag, run) in OVER, f"end of {run}", seconds=seconds)
        return self.airflow.api.run_state(dag, run)

    def backfill(self, *options: str, first: date = FIRST_DAY) -> None:
        """`sobank backfill` of the five days, or from a later one on, to its end as Airflow sees it."""
        run_sobank(self.airflow.home, "backfill", "--from", str(first), "--to", str(LAST_DAY), *options)
        api = self.airflow.api
        self.airflow.wait(lambda: api.backfills_under_way(DELIVERY) == 0, "end of the backfill", seconds=900)

    def last_run(self) -> str:
        """Id of the youngest run of the delivery DAG."""
        return str(max(self.airflow.api.runs(DELIVERY), key=lambda run: run["queued_at"])["dag_run_id"])

    def task_states(self, run: str) -> dict[str, str]:
        """State by task of a run; mapped tasks by their label."""
        tasks = self.airflow.api.tasks(DELIVERY, run)
        return {f"{t['task_id']} {t['rendered_map_index'] or ''}".strip(): t["state"] for t in tasks}

    def log_of(self, run: str, task: str) -> str:
        """The last try of a task, as it logged."""
        found = next(t for t in self.airflow.api.tasks(DELIVERY, run) if t["task_id"] == task)
        return self.airflow.api.task_log(DELIVERY, run, task, try_number=found["try_number"])

    def tries(self, run: str, task: str) -> int:
        """How often a task was tried."""
        return int(next(t["try_number"] for t in self.airflow.api.tasks(DELIVERY, run) if t["task_id"] == task))

    def expected(self) -> list[dict[str, Any]]:
        """The rows of the world's own expectation."""
        return list(read_expected(self.world.expected))

    def judged(self, *, until: date) -> Judgement:
        """What arrived, against what the world says of statements closed until that day."""
        rows = [row for row in self.expected() if date.fromisoformat(row["closing_date"]) <= until]
        inboxes = {one.seat.code: one.folder for one in self.partners}
        return judge(rows, arrivals(self.home, connectors_of(self.world.registry), inboxes))

    def delivered_files(self) -> dict[str, tuple[str, int]]:
        """Every file of partners and cabinets: content, and the moment of its last change."""
        inboxes = [one.folder / name for one in self.partners for name in ("inbox", "taken")]
        tops = [self.home / "partners", self.home / "global", *inboxes]
        paths = [path for top in tops for path in top.rglob("*") if path.is_file()]
        return {str(p): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in paths}

    def ledger(self) -> dict[str, list[Any]]:
        """Every row of the delivery ledger and of what it delivers."""
        engine = sa.create_engine(f"sqlite:///{self.home / 'sobank.db'}")
        tables = (schema.batches, schema.allocations, schema.attempts, schema.quarantine, schema.statements)
        with engine.connect() as connection:
            return {t.name: sorted(map(str, connection.execute(sa.select(t)))) for t in tables}


@pytest.fixture(scope="module")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Simulated]]:
    """A server of each partner of the catalogue: SFTP, and MyUnisoft's API."""
    with serving(tmp_path_factory.mktemp("servers"), only=PARTNERS) as there:
        yield there


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, postgres_server: str, partners: list[Simulated]) -> Iterator[Stage]:
    """Registry imported, nothing received yet, Airflow ready; afterwards no process of it is left."""
    folder = tmp_path_factory.mktemp("scheduler")
    addresses = [one.address for one in partners]
    world = simulate(
        folder / "world", seed=12, first_day=FIRST_DAY, days=8, cabinets=3, accounts=20, entries=3,
        reached={one.partner: one.reached for one in addresses},
    )  # fmt: skip
    settings = environment(addresses) | {
        "SOBANK_PRIVATE_PARTNERS": "1",
        "SOBANK_HOME": str(folder / "sobank"),
        "SOBANK_QUIET_SECONDS": "0",
        "SOBANK_SHARD_STATEMENTS": "9",  # days of ten, the last among them, are large: two shards
        "SOBANK_SHARD_FILES": "1",
        "SOBANK_SHARDS_MOST": "2",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
    }
    home = prepare(folder, scheduled=False, extra=settings | airflow_settings(postgres_server, "airflow"))
    run_sobank(home, "init")
    run_sobank(home, "registry", "import", str(world.registry))
    with running(home, say=print) as airflow:
        api = airflow.api
        airflow.wait(lambda: api.knows(INGEST) and api.knows(DELIVERY), "DAG parsed", seconds=300)
        yield Stage(airflow=airflow, world=world, partners=partners)
    assert processes_of(folder) == []


def processes_of(folder: Path) -> list[str]:
    """Command lines of the processes whose environment names the folder as their Airflow's."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("AIRFLOW_HOME") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
    return found
