"""A day in four shards through Celery workers: two beside one on one machine, as processes of the compose file.

Each worker does one task at a time, so that two are twice the hands, though not twice the cores. Files are on one disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from tests.cluster.cluster import Cluster, cluster
from tests.servers import wait_until

from benchmarks import day
from benchmarks.aside import put_aside
from benchmarks.daily import Place, create, plain
from benchmarks.frame import Benchmark, Comparison, Contender
from sobank.services.backfill import DELIVERY
from sobank.store.database import Database

#: Part of a day, and in how many shards.
PART: Final = 0.05
SHARDS: Final = 4
_STORES: Final = ("RUNS", "SPOOL", "ARCHIVE", "TRACE")
_SECOND: Final = "worker-2"


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """The installation with two workers, the second of which stands still while one is measured."""
    planned = day.plan(PART * min(size, 1))
    files, made = day.write(planned, folder)
    stores = folder / "stores"
    more = {f"SOBANK_{name}_URL": f"file://{stores / name.lower()}" for name in _STORES} | {
        "SOBANK_SHARD_STATEMENTS": str(-(-planned.statements // SHARDS)),
        "SOBANK_SHARD_FILES": str(-(-planned.cabinets // 2)),
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "1",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
    }
    with cluster(folder / "cluster", workers=2, more=more) as running:
        database = Database(running.database)
        day.load(database, planned, files)
        database.close()
        _asked(running, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'sobank'")
        create(running.server, "loaded", template="sobank")
        api = running.api()
        wait_until(lambda: api.knows(DELIVERY) and not api.unhealthy(), what="Airflow knows the DAG", seconds=120)
        yield [_benchmark(running, Place(run=running.home, planned=planned, made=made, sizes=[]), stores)]


def _benchmark(running: Cluster, place: Place, stores: Path) -> Benchmark:
    asked: dict[str, object] = {
        "SOBANK_AIRFLOW_URL": running.variables["SOBANK_PUBLIC_URL"],
        "SOBANK_AIRFLOW_USER": "admin",
        "SOBANK_AIRFLOW_PASSWORD": running.variables["SOBANK_ADMIN_PASSWORD"],
        "database": plain(running.database),
        "dag": DELIVERY,
        "day": day.DAY.isoformat(),
    }

    def fresh(workers: int) -> None:
        second = running.machines[_SECOND]
        if workers == 1:
            second.stop()
        elif not second.alive:
            second.start()
            running.wait_healthy(_SECOND)
        put_aside(stores)
        place.fresh()
        create(running.server, "sobank", template="loaded")
        _asked(running, "ALTER DATABASE sobank OWNER TO sobank")
        there = [one.process.pid for one in running.machines.values() if one.service.ours and one.process and one.alive]
        asked["processes"] = there

    return Benchmark(
        name="cluster",
        title=f"Celery workers on one machine: {place.made.statements:,} statements in {SHARDS} shards",
        unit="statements",
        contenders=[
            Contender(
                name=name,
                label=f"{name}, one task at a time",
                module="benchmarks.ours.through_airflow",
                asked=asked,
                verify=place.delivered,
                before=lambda workers=workers: fresh(workers),
            )
            for workers, name in ((1, "one worker"), (2, "two workers"))
        ],
        comparisons=[Comparison(of="two workers", to="one worker", measure="rate")],
    )


def _asked(running: Cluster, sql: str) -> None:
    engine = sa.create_engine(running.server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()
