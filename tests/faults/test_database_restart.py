"""A real PostgreSQL that is restarted in the middle of a push: each statement is at the partner exactly once."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sobank.store import migrate
from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests import servers
from tests.faults.partners import Partner
from tests.faults.seeds import seed_batch, seed_registry
from tests.faults.steps import Steps
from tests.faults.sweeps import HONEST, Outcome, broken_run
from tests.faults.table import Table
from tests.faults.worlds import World

FEWEST_STEPS = 6


class Restartable:
    """A PostgreSQL of its own with a migrated database, and a way to crash and start it."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        migrate.upgrade(self.database)
        seed_registry(self.database)
        self._batches = 0
        with self.database.read() as connection:
            self._folder = Path(connection.exec_driver_sql("SHOW data_directory").scalar_one())

    def restart(self) -> None:
        """At once, as after a crash; whoever is connected is cut off."""
        self._control("restart", "-m", "immediate", "-w", "-l", self._folder / "restarts.log")

    def stop(self) -> None:
        """For good."""
        self.database.close()
        self._control("stop", "-m", "immediate", "-w")

    def new(self, partner: Partner, spool: ObjectStore) -> World:
        """One more sealed batch for a partner who has nothing; those before it are final."""
        self._batches += 1
        ids = seed_batch(self.database, spool, self._batches, seq=self._batches)
        partner.reset(greedy=True)
        return World(
            database=self.database, breaking=self.database, spool=spool, partner=partner, expected=ids
        )  # fmt: skip

    def _control(self, *arguments: str | Path) -> None:
        command = [*servers._as_ordinary_user(), servers._postgres_programs() / "pg_ctl", "-D", self._folder]
        subprocess.run([*command, *arguments], check=True, capture_output=True, cwd=self._folder)


@pytest.fixture(scope="module")
def restartable() -> Iterator[Restartable]:
    with servers.postgres() as url:
        found = Restartable(url)
        yield found
        found.stop()


def test_a_database_restarted_in_the_middle_of_a_push_loses_and_doubles_nothing(
    restartable: Restartable, partner: Partner, table: Table, tmp_path: Path
) -> None:
    moments = {"before commit", "after commit", *partner.telling}
    outcome, spool = Outcome(), ObjectStore((tmp_path / "spool").as_uri())
    for step in count(1):
        world = restartable.new(partner, spool)
        steps = Steps(step, restartable.restart, where=moments.__contains__)
        broken_run(world, HONEST, steps)
        if not steps.fired:
            break
        outcome.settle(world, f"restarted {steps.at}")
    table.add(partner.title, "PostgreSQL crashes and is restarted, around each commit and the publishing", outcome)
    assert outcome.points >= FEWEST_STEPS
