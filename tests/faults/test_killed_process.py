"""A pushing process that really dies, at every step, or is stopped past its lease: the partner has it once."""

from __future__ import annotations

from itertools import count

import pytest

from tests.faults.conftest import KINDS
from tests.faults.partners import Partner, PartnerFolder
from tests.faults.processes import Processes
from tests.faults.sweeps import Outcome
from tests.faults.table import Table
from tests.faults.worlds import Worlds

FEWEST_STEPS = 8
#: Of the steps of six batches, so many are passed over.
STRIDE = 5


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes()


@pytest.mark.parametrize(
    ("partner", "taken"), [("folder", True)] + [(kind, False) for kind in KINDS], indirect=["partner"]
)
def test_a_process_killed_at_any_step_leaves_what_the_next_one_can_finish(
    worlds: Worlds, partner: Partner, processes: Processes, table: Table, taken: bool
) -> None:
    outcome = Outcome()
    for step in count(1):
        if not processes.killed(worlds.new(partner, greedy=False), outcome, step=step, taken_after=taken):
            break
    table.add(partner.title, "kill −9 of the pushing process at any step" + taken * ", files taken after", outcome)
    assert outcome.points >= FEWEST_STEPS


def test_a_process_killed_while_it_pushes_side_by_side_leaves_what_the_next_one_can_finish(
    worlds_with_destinations: Worlds, folder: PartnerFolder, processes: Processes
) -> None:
    """Its threads share transactions; which of them comes to a step first differs, so the table has no row for it."""
    outcome = Outcome()
    for step in count(1, STRIDE):
        world = worlds_with_destinations.new(folder, greedy=False)
        world.at_once = 3
        if not processes.killed(world, outcome, step=step, taken_after=step % 2 == 0):
            break
    assert (outcome.missing, outcome.doubled, outcome.violations) == (0, 0, [])
    assert outcome.points >= FEWEST_STEPS


@pytest.mark.parametrize(
    ("partner", "greedy"), [("folder", False)] + [(kind, True) for kind in KINDS], indirect=["partner"]
)
def test_a_process_stopped_past_its_lease_at_any_step_and_woken_up_does_no_harm(
    worlds: Worlds, partner: Partner, processes: Processes, table: Table, greedy: bool
) -> None:
    outcome = Outcome()
    for step in count(1):
        if not processes.stopped(worlds.new(partner, greedy=greedy), outcome, step=step):
            break
    fault = "SIGSTOP past the lease, then SIGCONT, at any step" + greedy * ", files taken at once"
    table.add(partner.title, fault, outcome)
    assert outcome.points >= FEWEST_STEPS
