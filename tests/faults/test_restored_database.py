"""A push dies at any step, the database is restored from before it began: what left is not sent again (ADR 0022)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sobank.domain.roles import Operator
from sobank.services.reconcile import reconcile
from sobank.store.ledger import Ledger
from sobank.store.reconciling import Reconciling
from sobank.store.trace import Trace
from tests.faults.partners import Partner, PartnerFolder, judge
from tests.faults.steps import Killed, Steps
from tests.faults.sweeps import HONEST, Outcome, broken_run
from tests.faults.worlds import World, Worlds

FEWEST_POINTS = 25
#: Each kind of remote once; what differs between those of one kind is not the trace's.
KINDS = ("folder", "sftp", "https_keys", "s3")


def _traced(world: World, folder: Path) -> World:
    world.ledger_class = lambda database: Ledger(database, trace=Trace(folder.as_uri(), database))
    return world


def _reconcile(world: World, folder: Path) -> None:
    reconcile(
        Trace(folder.as_uri(), world.database), Reconciling(world.database), take_in=_none, statements_in=_none,
        actor=Operator("anne"), reason="restored", now=world.clock(),
    )  # fmt: skip


def _none(_of: object) -> tuple[bytes, ...]:
    raise AssertionError("the backup has every file and every batch of this world")


@pytest.mark.parametrize(
    ("partner", "finished"),
    [(kind, False) for kind in KINDS] + [("folder", True), ("sftp", True)],
    indirect=["partner"],
)
def test_a_push_that_died_at_any_step_before_a_restore_leaves_each_statement_at_the_partner_once(
    worlds: Worlds, partner: Partner, tmp_path: Path, finished: bool
) -> None:
    outcome, folder = Outcome(), tmp_path / "trace"
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        world = _traced(worlds.new(partner, greedy=True), folder)
        steps = Steps(1 + outcome.points, Killed)
        broken_run(world, HONEST, steps)
        if not steps.fired:
            break
        if finished:
            world.settle()
        lost, received = world.clock.at, partner.received()
        world = _traced(worlds.restored(partner), folder)
        world.clock.at = lost
        _reconcile(world, folder)
        outcome.settle(world, f"step {steps.count}, {steps.at}")
        if finished:
            assert partner.received() == received
    assert (outcome.missing, outcome.doubled, outcome.violations) == (0, 0, [])
    assert outcome.points >= FEWEST_POINTS


def test_without_a_trace_a_restored_database_sends_again(worlds: Worlds, folder: PartnerFolder) -> None:
    worlds.new(folder, greedy=True).push()
    world = worlds.restored(folder)
    world.push()
    assert len(judge(folder, world.expected).doubled) == len(world.expected)
