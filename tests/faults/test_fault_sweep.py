"""Whatever step of a push breaks, however, each statement is at the partner exactly once after a few further runs.

The judge reads what the partner has, not our ledger.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from tests.faults.conftest import KINDS
from tests.faults.partners import Partner, PartnerFolder, judge
from tests.faults.seeds import statement_bytes
from tests.faults.steps import Killed
from tests.faults.sweeps import sweep
from tests.faults.table import Table
from tests.faults.worlds import Worlds

NO_ANSWER = "no answer comes"
ERRORS: dict[str, Callable[[], BaseException]] = {
    "the disk is full": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "something nobody foresaw happens": lambda: RuntimeError("?"),
    "the worker dies": Killed,
}
FEWEST_POINTS = 25
FEWEST_POINTS_IN_DOUBT = 12
#: Every error is swept on the folder, and on the others where it may make a difference.
CASES = [("folder", error, greedy) for error in (NO_ANSWER, *ERRORS) for greedy in (False, True)] + [
    (kind, error, greedy)
    for kind in KINDS[1:]
    for error, greedy in (
        (NO_ANSWER, False),
        (NO_ANSWER, True),
        ("something nobody foresaw happens", True),
        ("the worker dies", True),
    )
]


def errors_of(partner: Partner, name: str) -> Callable[[], BaseException]:
    """Makes the error of that name."""
    return partner.no_answer if name == NO_ANSWER else ERRORS[name]


@pytest.mark.parametrize(("partner", "error", "greedy"), CASES, indirect=["partner"])
def test_whatever_step_breaks_each_statement_is_at_the_partner_exactly_once(
    worlds: Worlds, partner: Partner, table: Table, error: str, greedy: bool
) -> None:
    swept = sweep(worlds, partner, errors_of(partner, error), greedy=greedy)
    table.add(partner.title, f"{error}, at any step" + greedy * ", files taken at once", swept)
    assert swept.points >= FEWEST_POINTS


def test_whatever_step_breaks_in_the_recovery_from_a_worker_that_died(
    worlds: Worlds, partner: Partner, table: Table
) -> None:
    for point in partner.telling:
        swept = sweep(worlds, partner, Killed, greedy=True, died_before=point)
        table.add(partner.title, f"the worker dies {point}, the next one at any step, files taken at once", swept)
        assert swept.points >= FEWEST_POINTS_IN_DOUBT


def test_retries_within_one_push_keep_the_promise_too(worlds: Worlds, partner: Partner, table: Table) -> None:
    swept = sweep(worlds, partner, partner.no_answer, greedy=True, attempts=3)
    table.add(partner.title, f"{NO_ANSWER}, at any step of a push of three attempts, files taken at once", swept)


@pytest.mark.parametrize("error", [NO_ANSWER, "the worker dies"])
def test_whatever_step_breaks_a_global_file_and_its_manifest_are_there_once(
    worlds_with_global_files: Worlds, folder: PartnerFolder, table: Table, error: str
) -> None:
    swept = sweep(worlds_with_global_files, folder, errors_of(folder, error))
    table.add("folder of a cabinet, with manifests", f"{error}, at any step", swept)
    assert swept.points >= FEWEST_POINTS


def test_the_judge_sees_a_missing_a_doubled_and_a_foreign_statement(worlds: Worlds, partner: Partner) -> None:
    world = worlds.new(partner, greedy=False)
    partner.put_by_hand("a", statement_bytes(world.expected[0]) * 2 + statement_bytes(999))
    found = judge(partner, world.expected)
    assert (len(found.missing), len(found.doubled), len(found.foreign)) == (1, 1, 1)
