"""The suite catches every sender that is wrong, on every kind of partner on which it can do harm."""

from __future__ import annotations

import pytest

from tests.faults import mutants
from tests.faults.mutants import Sender
from tests.faults.partners import Partner, PartnerFolder
from tests.faults.steps import Killed
from tests.faults.sweeps import sweep
from tests.faults.worlds import Worlds

MUTANTS = {
    "re-sends under a new name": Sender(ledger=mutants.SkipsTheProbe, sink=mutants.NewNameEachAttempt),
    "counts no answer as delivered": Sender(ledger=mutants.CountsNoAnswerAsDelivered),
    "counts no answer as not received": Sender(ledger=mutants.CountsNoAnswerAsNotReceived),
    "puts if absent and never probes": Sender(ledger=mutants.SkipsTheProbe),
    "publishes before recording staged": Sender(ledger=mutants.PublishesBeforeRecordingStaged),
    "counts the unforeseen as a success": Sender(sink=mutants.CountsTheUnforeseenAsSuccess),
}


def caught(worlds: Worlds, partner: Partner, sender: Sender) -> bool:
    """Whether a sweep finds anything wrong with what the partner has."""
    errors = (Killed, partner.no_answer, lambda: RuntimeError("?"))
    return any(
        sweep(worlds, partner, error, greedy=True, sender=sender, stop_when_caught=True).violations for error in errors
    )


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_sweep_catches_a_sender_that(worlds: Worlds, partner: Partner, mutant: str) -> None:
    if mutant in partner.harmless:
        assert not caught(worlds, partner, MUTANTS[mutant]), f"{mutant}: does harm after all"
    else:
        assert caught(worlds, partner, MUTANTS[mutant]), f"a sender that {mutant} went through unnoticed"


def test_a_statement_that_the_partner_keeps_is_doubled_by_a_new_name_as_well(
    worlds: Worlds, folder: PartnerFolder
) -> None:
    mutant = MUTANTS["re-sends under a new name"]
    assert sweep(worlds, folder, Killed, sender=mutant, stop_when_caught=True).violations


def test_the_sweep_catches_a_folder_that_is_published_into_by_link_and_unlink(
    worlds: Worlds, folder: PartnerFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "stepped", mutants.LinksThenUnlinks, raising=True)
    assert sweep(worlds, folder, Killed, greedy=True, stop_when_caught=True).violations
