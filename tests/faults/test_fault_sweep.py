"""Whatever step of a push breaks, however, each statement is at the partner exactly once after a few further runs.

The judge reads what the partner has, not our ledger.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from tests.faults.partners import Partner, PartnerFolder, judge
from tests.faults.seeds import statement_bytes
from tests.faults.steps import Killed
from tests.faults.sweeps import sweep
from tests.faults.table import Table
from tests.faults.worlds import Worlds

ERRORS: dict[str, Callable[[], BaseException]] = {
    "the disk or the network fails": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "the disk is full": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "something nobody foresaw": lambda: RuntimeError("?"),
    "the worker dies": Killed,
}
FEWEST_POINTS = 30
FEWEST_POINTS_IN_DOUBT = 15
GREEDY = pytest.mark.parametrize("greedy", [False, True], ids=["keeps files", "takes files at once"])


def fault_name(error: str, *, greedy: bool) -> str:
    """A row's fault."""
    return f"at any step {error}" + (", and the partner takes files at once" if greedy else "")


@GREEDY
@pytest.mark.parametrize("error", ERRORS)
def test_whatever_step_breaks_each_statement_is_at_the_partner_exactly_once(
    worlds: Worlds, partner: Partner, table: Table, error: str, greedy: bool
) -> None:
    swept = sweep(worlds, partner, ERRORS[error], greedy=greedy)
    table.add(partner.title, fault_name(error, greedy=greedy), swept)
    assert swept.points >= FEWEST_POINTS


@GREEDY
def test_no_answer_at_any_step_is_neither_a_success_nor_a_failure(
    worlds: Worlds, partner: Partner, table: Table, greedy: bool
) -> None:
    swept = sweep(worlds, partner, partner.no_answer, greedy=greedy)
    table.add(partner.title, fault_name("no answer comes", greedy=greedy), swept)
    assert swept.points >= FEWEST_POINTS


def test_whatever_step_breaks_in_the_recovery_from_a_worker_that_died(
    worlds: Worlds, partner: Partner, table: Table
) -> None:
    for point in partner.telling:
        swept = sweep(worlds, partner, Killed, greedy=True, died_before=point)
        table.add(partner.title, f"the worker dies {point}, and the next one at any step", swept)
        assert swept.points >= FEWEST_POINTS_IN_DOUBT


@pytest.mark.parametrize("error", ["the disk or the network fails", "the worker dies"])
def test_retries_within_one_push_keep_the_promise_too(
    worlds: Worlds, partner: Partner, table: Table, error: str
) -> None:
    swept = sweep(worlds, partner, ERRORS[error], greedy=True, attempts=3)
    table.add(partner.title, f"at any step {error}, in a push of three attempts", swept)


@pytest.mark.parametrize("error", ["the disk or the network fails", "the worker dies"])
def test_whatever_step_breaks_a_global_file_and_its_manifest_are_there_once(
    worlds_with_global_files: Worlds, folder: PartnerFolder, table: Table, error: str
) -> None:
    swept = sweep(worlds_with_global_files, folder, ERRORS[error])
    table.add("folder of a cabinet, with manifests", fault_name(error, greedy=False), swept)
    assert swept.points >= FEWEST_POINTS


def test_the_judge_sees_a_missing_a_doubled_and_a_foreign_statement(worlds: Worlds, partner: Partner) -> None:
    world = worlds.new(partner, greedy=False)
    partner.put_by_hand("a", statement_bytes(world.expected[0]) * 2 + statement_bytes(999))
    found = judge(partner, world.expected)
    assert (len(found.missing), len(found.doubled), len(found.foreign)) == (1, 1, 1)
