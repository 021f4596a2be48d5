"""The partner's own server misbehaves, by a script: each statement is in his inbox exactly once all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sobank.simulator.script import Fault
from tests.faults.conftest import KINDS
from tests.faults.network import Served
from tests.faults.partners import Partner
from tests.faults.seeds import object_name
from tests.faults.steps import Steps
from tests.faults.sweeps import HONEST, Outcome, broken_run, scripted
from tests.faults.table import Table
from tests.faults.worlds import Worlds

SAID = {
    Fault.LOSE_ANSWER: "the answer is lost",
    Fault.LOSE_REQUEST: "the request is lost",
    Fault.RESET_MID_BODY: "the connection is reset in the middle of the body",
    Fault.DRIP: "the answer comes in drops",
    Fault.BLACK_HOLE: "no answer ever comes (black hole)",
    Fault.TOO_MANY_SECONDS: "429 with Retry-After in seconds",
    Fault.TOO_MANY_DATE: "429 with Retry-After as a date",
    Fault.ERROR_BEFORE_COMMIT: "500 before he has taken it",
    Fault.ERROR_AFTER_COMMIT: "500 after he has taken it",
    Fault.REPLAY: "the request comes twice",
    Fault.REDIRECT: "a redirect",
    Fault.WRONG_ECHO: "he says that he has other bytes",
    Fault.FORGET_KEYS: "he forgets keys",
    Fault.DISK_FULL: "his disk is full",
    Fault.PERMISSION_DENIED: "permission denied",
    Fault.TRUNCATE: "he cuts what he gets or says",
}
FOREIGN = b"what somebody else gave him".ljust(120)
SCRIPTED = [kind for kind in KINDS if kind not in {"folder", "openssh"}]


@pytest.mark.parametrize("fault", list(Fault), ids=str)
@pytest.mark.parametrize("partner", SCRIPTED, indirect=True)
def test_whatever_the_server_does_each_statement_is_there_exactly_once(
    worlds: Worlds, partner: Partner, table: Table, fault: Fault
) -> None:
    if fault in partner.faults:
        outcome = scripted(worlds, partner, fault, greedy=True)
        table.add(partner.title, f"{SAID[fault]}, files taken at once", outcome)
        assert outcome.points >= 1
