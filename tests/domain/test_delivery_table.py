"""The table of states is DESIGN §6's and nothing else; what is final stays as it is."""

from __future__ import annotations

import pytest

from sobank.domain.delivery import FINAL_STATES, TRANSITIONS, BatchState, Happening, transition

ARROWS = {
    ("sealed", "sending"), ("sending", "sending"), ("uncertain", "sending"), ("sending", "delivered"),
    ("sending", "uncertain"), ("sending", "sealed"), ("sending", "rejected"), ("sending", "held"), ("held", "sealed"),
    ("held", "rejected"), ("sealed", "cancelled"),
    ("held", "delivered"),  # beyond the design: a person has seen that the partner has it (ADR 0014)
}  # fmt: skip


def test_the_table_has_the_arrows_of_the_design_and_no_other() -> None:
    assert {(before.value, after.value) for (before, _), after in TRANSITIONS.items()} == ARROWS


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
@pytest.mark.parametrize("happening", Happening)
def test_nothing_happens_to_a_batch_that_is_final(state: BatchState, happening: Happening) -> None:
    assert transition(state, happening, attempted=True) is None


def test_a_batch_is_withdrawn_only_before_any_attempt() -> None:
    assert transition(BatchState.SEALED, Happening.WITHDRAWN, attempted=False) is BatchState.CANCELLED
    assert transition(BatchState.SEALED, Happening.WITHDRAWN, attempted=True) is None
