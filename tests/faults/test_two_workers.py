"""Two workers on one batch, one of them stopped past its lease at any moment: the partner gets it exactly once."""

from __future__ import annotations

import pytest

from sobank.sinks import folder as folder_sink
from tests.faults import mutants
from tests.faults.mutants import Sender
from tests.faults.partners import Partner, PartnerFolder
from tests.faults.schedules import explore
from tests.faults.table import Table
from tests.faults.worlds import Worlds

FEWEST_SITUATIONS = 40
CASES = [("folder", False)] + [(kind, True) for kind in ("folder", "sftp", "openssh", "https", "https_asked", "s3")]


@pytest.mark.parametrize(("partner", "greedy"), CASES, indirect=["partner"])
def test_in_every_order_of_their_steps_two_workers_deliver_a_batch_exactly_once(
    worlds: Worlds, partner: Partner, table: Table, greedy: bool
) -> None:
    explored = explore(worlds, partner, greedy=greedy)
    fault = f"two workers in every order of their steps, leases over ({explored.situations} situations)"
    table.add(partner.title, fault + greedy * ", files taken at once", explored)
    assert explored.situations >= FEWEST_SITUATIONS


@pytest.mark.parametrize("partner", ["folder", "sftp", "s3"], indirect=True)
@pytest.mark.parametrize(
    "mutant",
    [mutants.HasNoFence, mutants.SkipsTheProbe, mutants.PublishesBeforeRecordingStaged],
    ids=lambda m: m.__name__,
)
def test_the_orders_catch_a_ledger_that_is_wrong(worlds: Worlds, partner: Partner, mutant: type) -> None:
    assert explore(worlds, partner, greedy=True, sender=Sender(ledger=mutant), stop_when_caught=True).violations


def test_the_orders_catch_staging_names_that_two_workers_share(
    worlds: Worlds, folder: PartnerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_sink, "staging_name", lambda name, _attempt: f".{name}.part")
    assert explore(worlds, folder, greedy=True, stop_when_caught=True).violations
