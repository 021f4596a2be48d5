"""Whether an actor may do something to a cabinet: the one gate of every change to the registry (A2–A4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sobank.domain.registry import Profile
from sobank.domain.roles import RIGHTS, Action, may
from sobank.errors import NotAllowed

if TYPE_CHECKING:
    from sobank.store.registry import CabinetRow, RegistryChange


def allowed(change: RegistryChange, cabinet_code: str, actor: str, action: Action) -> tuple[CabinetRow, Profile]:
    """The cabinet, and the profile of `actor` on it.

    Raises:
        NotAllowed: the profile has no right to `action`. A cabinet that does not exist is refused in the same words as
            one of which the actor is no member: nobody learns of cabinets that are not theirs.
    """
    cabinet = change.cabinet(cabinet_code)
    profile = change.profile(actor, cabinet.id) if cabinet else None
    if cabinet is None or profile is None:
        raise NotAllowed(
            f"{actor} is no member of such a cabinet",
            subject=cabinet_code,
            remedy="check the code of the cabinet, or ask one of its administrateurs to make you a member",
        )
    if not may(profile, action):
        entitled = " or ".join(sorted(RIGHTS[action]))
        raise NotAllowed(
            f"a {profile} may not do this ({action})",
            subject=cabinet_code,
            remedy=f"ask a member of it who is {entitled}",
        )
    return cabinet, profile
