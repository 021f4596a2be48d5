"""Each profile does on each surface what the table says, and nothing else: a refusal changes not one byte (A2–A4)."""

from __future__ import annotations

import pytest

from sobank.domain.registry import Profile
from sobank.domain.roles import OPERATOR_ROLE, RIGHTS, Action, may
from tests.rights import world as w
from tests.rights.surfaces import SURFACES
from tests.rights.world import World

#: Written by hand, from the rules: `x` may. `other` is an administrateur of another cabinet, `op` an operator.
TABLE = """
                      adm  sup  collab  other  nobody  op
    registry.see       x    x     x       .      .     x
    audit.see          x    x     .       .      .     x
    connector.add      x    x     .       .      .     x
    connector.delete   x    x     .       .      .     x
    connector.cut      x    x     .       .      .     x
    account.add        x    x     x       .      .     x
    account.associate  x    x     x       .      .     x
    account.dissociate x    x     x       .      .     x
    account.download   x    x     x       .      .     x
    mandate.step       x    x     .       .      .     x
    quarantine.decide  x    x     .       .      .     x
    delivery.decide    x    x     .       .      .     x
    backfill.start     .    .     .       .      .     x
    ledger.reconcile   .    .     .       .      .     x
    dossier.add        x    x     x       .      .     x
    cabinet.add        .    .     .       .      .     x
    cabinet.edit       x    x     .       .      .     x
    member.set         x    .     .       .      .     x
    member.remove      x    .     .       .      .     x
"""
_HEAD, *_ROWS = (line.split() for line in TABLE.strip().splitlines())
MAY = {(row[0], user): sign == "x" for row in _ROWS for user, sign in zip(_HEAD, row[1:], strict=True)}
ROLES = {
    w.ADMINISTRATEUR: Profile.ADMINISTRATEUR,
    w.SUPERVISEUR: Profile.SUPERVISEUR,
    w.COLLABORATEUR: Profile.COLLABORATEUR,
    w.OPERATOR: OPERATOR_ROLE,
}
#: What changes nothing where it is allowed.
LOOKS = {Action.SEE, Action.SEE_AUDIT}
CELLS = [
    pytest.param(surface, action, user, id=f"{surface}-{action}-{user}")
    for surface, made in SURFACES.items()
    for action in Action
    if action not in made.absent
    for user in w.USERS
]


@pytest.mark.parametrize(("surface", "action", "user"), CELLS)
def test_each_surface_lets_each_person_do_what_the_table_says_and_nothing_else(
    world: World, surface: str, action: Action, user: str
) -> None:
    before, known = world.fingerprint(), world.roles()
    assert SURFACES[surface](world).attempt(action, user) is MAY[action, user]
    if MAY[action, user] and action not in LOOKS:
        assert world.fingerprint() != before
        assert world.roles() - known == {(user, ROLES[user])}
    else:
        assert world.fingerprint() == before


def test_the_table_speaks_of_every_action_and_of_everybody() -> None:
    assert set(MAY) == {(action.value, user) for action in Action for user in w.USERS}


def test_the_rights_in_the_code_are_those_of_the_table() -> None:
    members = {user: profile for user, profile in ROLES.items() if isinstance(profile, Profile)}
    assert {(a, u): may(p, a) for a in Action for u, p in members.items()} == {
        cell: allowed for cell, allowed in MAY.items() if cell[1] in members
    }
    assert not any(may(None, action) for action in Action)
    assert set(RIGHTS) == set(Action)


@pytest.mark.parametrize("surface", SURFACES)
def test_what_a_surface_does_not_offer_is_said_with_the_reason(surface: str) -> None:
    assert all(reason.strip() for reason in SURFACES[surface].absent.values())
