"""The partner's own server misbehaves, by a script: each statement is in his inbox exactly once all the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sobank.simulator.partner_https import GenericPartner, MyUnisoftPartner
from sobank.simulator.partner_s3 import S3Partner
from sobank.simulator.partner_sftp import SftpPartner
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
SERVERS = {"sftp": SftpPartner, "s3": S3Partner, "myunisoft": MyUnisoftPartner}
SCRIPTED = [
    (kind, fault)
    for kind in KINDS
    if kind not in {"folder", "openssh"}
    for fault in Fault
    if fault in SERVERS.get(kind, GenericPartner).faults
]


@pytest.mark.parametrize(("partner", "fault"), SCRIPTED, indirect=["partner"])
def test_whatever_the_server_does_each_statement_is_there_exactly_once(
    worlds: Worlds, partner: Partner, table: Table, fault: Fault
) -> None:
    outcome = scripted(worlds, partner, fault, greedy=True)
    if fault in partner.beyond_us:
        assert outcome.missing == 0
        assert outcome.doubled, "something can be done about it after all: make it a row"
        return
    table.add(partner.title, f"{SAID[fault]}, files taken at once", outcome)
    assert outcome.points >= 1


@pytest.mark.parametrize("kind", ["https_keys", "https"])
def test_a_key_that_the_partner_has_forgotten_in_time_is_never_relied_on(
    worlds: Worlds, request: pytest.FixtureRequest, table: Table, kind: str
) -> None:
    """The answer is lost; nobody comes back before the days for which he remembers the key are over."""
    partner: Served = request.getfixturevalue(kind)
    world, outcome = worlds.new(partner, greedy=True), Outcome()
    partner.script.add("post", Fault.LOSE_ANSWER)
    world.push("first")
    world.clock.at += timedelta(days=partner.server.remembers_days)
    partner.script.add("post", Fault.FORGET_KEYS)
    outcome.settle(world, "keys forgotten")
    table.add(partner.title, "the answer is lost, and we come back when keys are forgotten", outcome)
    assert world.held == (kind == "https_keys")


def test_another_host_key_stops_everything_until_a_person_has_checked_it(
    worlds: Worlds, sftp: Served, table: Table
) -> None:
    outcome, server = Outcome(), sftp.server
    for name in ("before create", "after create", "before finish", "after finish", "before rename", "after rename"):
        world = worlds.new(sftp, greedy=True)
        sftp.learn()
        broken_run(world, HONEST, Steps(name, server.change_host_key))
        world.run("with the old key")
        if name != "after rename":
            assert world.partner.received() == [] or world.open_batches() == []
        assert len(world.alerts) == 1 or world.open_batches() == []
        sftp.learn()
        outcome.settle(world, f"host key changed {name}")
    table.add(sftp.title, "his host key changes, at any exchange; a person renews the pin", outcome)


@pytest.mark.parametrize("partner", KINDS, indirect=True)
def test_other_bytes_under_the_same_name_are_never_replaced(worlds: Worlds, partner: Partner, table: Table) -> None:
    world, outcome = worlds.new(partner, greedy=False), Outcome()
    partner.put_by_hand(object_name(1), FOREIGN)
    world.push("first")
    assert (object_name(1), FOREIGN) in partner.received()
    partner.take()
    outcome.settle(world, "other bytes")
    outcome.violations.remove(f"other bytes: foreign {FOREIGN[:16]!r}")
    outcome.violations = [found for found in outcome.violations if "a person had to decide" not in found]
    table.add(partner.title, "other bytes lie there under the same name; a person clears it up", outcome)
