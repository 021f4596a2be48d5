"""A normal day through a running Airflow, beside the same jobs in one process; what its DAG files cost to import."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.servers import postgres

from benchmarks import day
from benchmarks.daily import SERVER, Place, create, named, plain
from benchmarks.frame import ROOT, Benchmark, Comparison, Contender, Work, WrongOutput
from sobank.services.backfill import DELIVERY
from sobank.simulator.airflow_home import AirflowHome, prepare
from sobank.simulator.airflow_processes import RunningAirflow, running
from sobank.store import migrate
from sobank.store.database import Database

#: Part of a day that a normal one is: 2,500 statements of 50 cabinets.
NORMAL: Final = 0.025
#: Seconds that Airflow may add to a day, and that its DAG files may take beyond Airflow itself.
AT_MOST_MORE: Final = 60
IMPORT_AT_MOST: Final = 0.5


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """Airflow as `make up` runs it, its own tables and ours in one PostgreSQL on the same cores."""
    planned = day.plan(NORMAL * min(size, 1))
    files, made = day.write(planned, folder)
    place = Place(run=folder / "run", planned=planned, made=made, sizes=[])
    with postgres(**SERVER) as server:
        template = Database(named(server, create(server, "day")))
        migrate.upgrade(template)
        day.load(template, planned, files)
        template.close()
        for name in ("run", "airflow"):
            create(server, name)
        own = named(server, "airflow")
        home = prepare(
            folder / "airflow",
            scheduled=False,
            extra={
                # A task that fails ends what is measured; nobody should wait for its next try.
                "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
                "SOBANK_HOME": str(place.run),
                "SOBANK_DATABASE_URL": named(server, "run"),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": own,
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": own.replace("+psycopg:", "+psycopg_async:"),
            },
        )
        with running(home, say=_say) as airflow:
            airflow.wait(lambda: airflow.api.knows(DELIVERY), "DAG parsed", seconds=90)
            yield [_dag_files(home), _day(place, server, airflow)]


def _dag_files(home: AirflowHome) -> Benchmark:
    def verify(work: Work) -> None:
        if work["dags"] != len(list((ROOT / "dags").glob("*.py"))):
            raise WrongOutput(f"{work['dags']} DAGs were found")

    return Benchmark(
        name="dag_files",
        title="DAG files, as the DAG processor imports them",
        unit="dags",
        contenders=[
            Contender(
                name="ours",
                label="ours, beyond Airflow itself",
                module="benchmarks.ours.dag_files",
                asked={"folder": str(ROOT / "dags"), "environment": dict(home.environment)},
                verify=verify,
            )
        ],
        lap_at_most=IMPORT_AT_MOST,
    )


def _day(place: Place, server: str, airflow: RunningAirflow) -> Benchmark:
    url = named(server, "run")

    def fresh() -> None:
        place.fresh()
        create(server, "run", template="day")

    made = place.made
    return Benchmark(
        name="airflow",
        title=f"A normal day to its proof: {made.statements:,} statements, {place.planned.cabinets} cabinets",
        unit="statements",
        contenders=(
            place.ours("in_process", "ours, jobs in one process", url, fresh, judged=True, proved=True),
            Contender(
                name="airflow",
                label="ours, through a LocalExecutor",
                module="benchmarks.ours.through_airflow",
                asked=through(airflow, plain(url)),
                verify=place.delivered,
                before=fresh,
            ),
        ),
        comparisons=(Comparison(of="airflow", to="in_process", more=True, at_most=AT_MOST_MORE),),
    )


def through(airflow: RunningAirflow, database: str) -> dict[str, object]:
    """What `ours.through_airflow` is asked."""
    home = airflow.home
    processes = [component.pid for component in airflow.components.values()]
    return {
        **home.access, "database": database, "dag": DELIVERY, "day": day.DAY.isoformat(), "processes": processes,
    }  # fmt: skip


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
