"""Which business day a run of Airflow delivers: asked of Airflow itself, since the id of a run does not tell.

The id of a scheduled or backfilled run holds the moment after which it may run, a manual one that of its start; the
day is in the interval or in the parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import sqlalchemy as sa

from sobank.domain.day import resolve_day

#: The business day of a run, by the ids of its DAG and its own; None where it has none, or is not known.
RunDay = Callable[[str, str], date | None]


def unknown_run(dag: str, run: str) -> date | None:  # noqa: ARG001
    """Where there is no Airflow to ask."""
    return None


def day_of_run(dag: str, run: str) -> date | None:
    """The day of a run in Airflow's own database, which the API server can read."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    query = sa.select(DagRun.conf, DagRun.data_interval_start, DagRun.run_type)
    with create_session(scoped=False) as session:
        found = session.execute(query.where(DagRun.dag_id == dag, DagRun.run_id == run)).one_or_none()
    if found is None:
        return None
    param = (found.conf or {}).get("day")
    try:
        return resolve_day(str(param) if param else None, found.data_interval_start, str(found.run_type))
    except ValueError:
        return None
