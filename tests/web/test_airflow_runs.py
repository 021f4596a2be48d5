"""The business day of a run, as Airflow's own database tells it: the id of a run does not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from airflow.models.dagrun import DagRun
from sqlalchemy.orm import Session

from sobank.web.airflow_runs import day_of_run, unknown_run

DAG = "deliver_statements"
#: Midnight in Paris at which 5 January starts, and at which it ends.
START, END = datetime(2026, 1, 4, 23, tzinfo=UTC), datetime(2026, 1, 5, 23, tzinfo=UTC)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Adds a run to a database that has the runs of Airflow and nothing else."""
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    table = sa.Table(
        "dag_run", sa.MetaData(), *(sa.Column(c.name, c.type, primary_key=c.primary_key) for c in DagRun.__table__.c)
    )  # fmt: skip
    table.create(engine)

    def create_session(scoped: bool = True) -> AbstractContextManager[Session]:
        return Session(engine)

    monkeypatch.setattr("airflow.utils.session.create_session", create_session)

    def add(run_id: str, run_type: str, start: datetime | None, conf: dict[str, str] | None) -> None:
        values = {"run_id": run_id, "dag_id": DAG, "run_type": run_type, "data_interval_start": start, "conf": conf}
        with engine.begin() as connection:
            connection.execute(sa.insert(table).values(**values, id=1))

    return add


@pytest.mark.parametrize(
    ("run_id", "run_type", "start", "conf", "day"),
    [
        (f"scheduled__{END.isoformat()}", "scheduled", START, {}, date(2026, 1, 5)),
        (f"backfill__{END.isoformat()}", "backfill", START, None, date(2026, 1, 5)),
        ("manual__2026-03-01T10:00:00+00:00", "manual", None, {"day": "2026-01-07"}, date(2026, 1, 7)),
        ("manual__2026-03-01T10:00:00+00:00", "manual", None, {}, None),
        ("manual__2026-03-01T10:00:00+00:00", "manual", None, {"day": "hier"}, None),
    ],
)
def test_the_day_of_a_run_is_that_of_its_interval_or_of_its_parameter(
    runs: Callable[..., None],
    run_id: str,
    run_type: str,
    start: datetime | None,
    conf: dict[str, str] | None,
    day: date | None,
) -> None:
    runs(run_id, run_type, start, conf)
    assert day_of_run(DAG, run_id) == day
    assert day_of_run("another", run_id) is None
    assert unknown_run(DAG, run_id) is None
