"""Whatever step of a push breaks, however, each statement is at the partner exactly once after a few further runs.

The judge reads the partner's folder, not our ledger. The same sweep must catch every sender that is wrong.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from sobank.domain.sink import Sink
from sobank.services.push import push_all
from sobank.store.database import Database
from sobank.store.ledger import Ledger
from sobank.store.objects import ObjectStore
from tests.conftest import FreshUrl
from tests.faults import faults
from tests.faults.worlds import GLOBAL, PARTNER, World, Worlds, seed_batch, statement_bytes

ERRORS: dict[str, Callable[[], BaseException]] = {
    "the disk fails": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "the disk is full": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "something nobody foresaw": lambda: RuntimeError("?"),
    "the worker dies": faults.Killed,
}
FURTHER_RUNS = 3
FEWEST_POINTS = 40
FEWEST_POINTS_IN_DOUBT = 15


@dataclass(kw_only=True)
class Sender:
    """What is swept: the real thing, unless a part is replaced by a wrong one."""

    ledger: Callable[[Database], Ledger] = Ledger
    disk: Callable[..., faults.BreakingDisk] = faults.BreakingDisk
    sink: Callable[[Sink], Sink] = lambda sink: sink


@dataclass(kw_only=True)
class Swept:
    """How many points broke, the most runs it took to recover, and what the judge found."""

    points: int = 0
    most_runs: int = 0
    violations: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return seed_batch(database, spool, 1, destination=PARTNER)

    return Worlds(tmp_path_factory.mktemp("sweep"), fresh_sqlite_url(), seed)


@pytest.fixture(scope="module")
def worlds_with_global_file(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return seed_batch(database, spool, 1, destination=GLOBAL) + seed_batch(
            database, spool, 2, destination=GLOBAL, seq=2
        )

    return Worlds(tmp_path_factory.mktemp("sweep-global"), fresh_sqlite_url(), seed)


def sweep(
    worlds: Worlds,
    sender: Sender,
    error: Callable[[], BaseException],
    *,
    greedy: bool,
    attempts: int = 1,
    died_before: str | None = None,
    stop_when_caught: bool = False,
) -> Swept:
    """Break at each step in turn until a run breaks no more.

    Args:
        died_before: a worker died at this point before the run that is broken, so that it starts in doubt.
    """
    swept = Swept()
    while not (stop_when_caught and swept.violations):
        world = worlds.new(greedy=greedy)
        world.ledger_class, world.sink_around = sender.ledger, sender.sink
        if died_before:
            _broken_run(world, sender, faults.Steps(died_before, faults.Killed), attempts)
            world.clock.pass_leases()
        steps = faults.Steps(swept.points + 1, error)
        _broken_run(world, sender, steps, attempts)
        if not steps.fired:
            break
        swept.points += 1
        try:
            swept.most_runs = max(swept.most_runs, world.settle(FURTHER_RUNS))
            found = world.partner.violations(world.expected)
        except AssertionError as stuck:
            found = [str(stuck)]
        swept.violations += [f"point {swept.points}, {steps.at}: {one}" for one in found]
    return swept


def _broken_run(world: World, sender: Sender, steps: faults.Steps, attempts: int) -> None:
    ledger = sender.ledger(world.breaking)
    batches = ledger.open_batches()
    spool = faults.BreakingSpool(world.spool.url, steps)
    worker = replace(world.worker("breaks", ledger=ledger, attempts=attempts), spool=spool)
    with faults.broken_database(world.breaking, steps), suppress(faults.Killed):
        push_all(worker, lambda batch: world.sink_of(batch, sender.disk(world.partner, steps)), batches)


@pytest.mark.parametrize("greedy", [False, True], ids=["partner keeps files", "partner takes files at once"])
@pytest.mark.parametrize("error", ERRORS)
def test_whatever_step_breaks_each_statement_is_at_the_partner_exactly_once(
    worlds: Worlds, error: str, greedy: bool
) -> None:
    swept = sweep(worlds, Sender(), ERRORS[error], greedy=greedy)
    assert swept.violations == []
    assert swept.points >= FEWEST_POINTS


@pytest.mark.parametrize("point", ["before move", "after move", "after create", "middle of write"])
def test_whatever_step_breaks_in_the_recovery_from_a_worker_that_died(worlds: Worlds, point: str) -> None:
    swept = sweep(worlds, Sender(), ERRORS["the worker dies"], greedy=True, died_before=point)
    assert swept.violations == []
    assert swept.points >= FEWEST_POINTS_IN_DOUBT


@pytest.mark.parametrize("error", ["the disk fails", "the worker dies"])
def test_retries_within_one_push_keep_the_promise_too(worlds: Worlds, error: str) -> None:
    swept = sweep(worlds, Sender(), ERRORS[error], greedy=True, attempts=3)
    assert swept.violations == []


@pytest.mark.parametrize("error", ["the disk fails", "the worker dies"])
def test_whatever_step_breaks_a_global_file_and_its_manifest_are_there_once(
    worlds_with_global_file: Worlds, error: str
) -> None:
    swept = sweep(worlds_with_global_file, Sender(), ERRORS[error], greedy=False)
    assert swept.violations == []
    assert swept.points >= FEWEST_POINTS


MUTANTS = {
    "re-sends under a new name": Sender(ledger=faults.SkipsTheProbe, sink=faults.NewNameEachAttempt),
    "counts no answer as delivered": Sender(ledger=faults.CountsNoAnswerAsDelivered),
    "counts no answer as not received": Sender(ledger=faults.CountsNoAnswerAsNotReceived),
    "skips the probe": Sender(ledger=faults.SkipsTheProbe),
    "publishes before recording staged": Sender(ledger=faults.PublishesBeforeRecordingStaged),
    "publishes by link and unlink": Sender(disk=faults.LinksThenUnlinks),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_sweep_catches_a_sender_that(worlds: Worlds, mutant: str) -> None:
    caught = any(
        sweep(worlds, MUTANTS[mutant], ERRORS[error], greedy=True, stop_when_caught=True).violations
        for error in ("the worker dies", "the disk fails")
    )
    assert caught, f"a sender that {mutant} went through unnoticed"


def test_a_statement_that_the_partner_keeps_is_doubled_by_a_new_name_as_well(worlds: Worlds) -> None:
    mutant = MUTANTS["re-sends under a new name"]
    assert sweep(worlds, mutant, ERRORS["the worker dies"], greedy=False, stop_when_caught=True).violations


def test_the_judge_sees_a_missing_a_doubled_and_a_foreign_statement(worlds: Worlds) -> None:
    world = worlds.new(greedy=False)
    (world.partner.folder / "a").write_bytes(statement_bytes(world.expected[0]) * 2 + statement_bytes(999))
    assert len(world.partner.violations(world.expected)) == 3
