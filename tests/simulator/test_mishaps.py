"""What goes wrong on purpose in the demo: it must be something that the partner's server can do, and be seen undone."""

from __future__ import annotations

from pathlib import Path

from sobank.simulator.mishaps import PLANNED, not_played, plan
from sobank.simulator.partners import SEATS, serving


def test_every_mishap_of_the_demo_is_one_that_its_partner_s_server_can_do() -> None:
    for mishap in PLANNED:
        server = SEATS[mishap.partner].server_class
        assert mishap.on in server.operations, mishap
        assert mishap.do in server.faults, mishap


def test_a_mishap_whose_moment_never_came_is_told(tmp_path: Path) -> None:
    mine = [mishap for mishap in PLANNED if mishap.partner == "myunisoft"]
    assert len(mine) == 2
    with serving(tmp_path, only=["fizen", "myunisoft"]) as there:
        plan(there)
        script = next(one.server.script for one in there if one.seat.code == "myunisoft")
        assert script.take(mine[0].on) is mine[0].do
        assert not_played(there) == [mishap for mishap in PLANNED if mishap.partner == "fizen"] + mine[1:]
