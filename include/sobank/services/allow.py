"""Whether an actor may do something: the one gate of every change, and of what only operators may do (A2–A4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sobank.domain.roles import OPERATOR_ROLE, RIGHTS, Action, Operator, may
from sobank.errors import NotAllowed, RegistryError, SobankError

if TYPE_CHECKING:
    from sobank.domain.registry import Profile
    from sobank.store.registry import CabinetRow, RegistryChange


def allowed(change: RegistryChange, cabinet_code: str, actor: str, action: Action) -> tuple[CabinetRow, str]:
    """The cabinet, and the role in which `actor` acts on it: a profile, or `operator`.

    Raises:
        NotAllowed: the profile has no right to `action`. A cabinet that does not exist is refused in the same words as
            one of which the actor is no member: nobody learns of cabinets that are not theirs.
    """
    cabinet = change.cabinet(cabinet_code)
    if cabinet is not None and isinstance(actor, Operator):
        return cabinet, OPERATOR_ROLE
    profile = change.profile(actor, cabinet.id) if cabinet else None
    if cabinet is None or profile is None:
        raise NotAllowed(
            f"{actor} is no member of such a cabinet",
            subject=cabinet_code,
            remedy="check the code of the cabinet, or ask one of its administrateurs to make you a member",
        )
    return cabinet, role_of(actor, profile, action, subject=cabinet_code)


def role_of(actor: str, profile: Profile | None, action: Action, *, subject: str) -> str:
    """The role in which `actor`, who has `profile` where `subject` belongs, does `action` to it.

    Raises:
        NotAllowed: the profile has no right to it.
    """
    if isinstance(actor, Operator):
        return OPERATOR_ROLE
    if profile is None or not may(profile, action):
        raise NotAllowed(f"a {profile} may not do this ({action})", subject=subject, remedy=_who_may(action))
    return profile


def operator_role(actor: str, action: Action) -> str:
    """The role in which `actor` does what reaches beyond one cabinet.

    Raises:
        NotAllowed: the actor is no operator.
    """
    if not isinstance(actor, Operator):
        raise NotAllowed(f"{actor} may not do this ({action})", remedy=_who_may(action))
    return OPERATOR_ROLE


def require_reason(actor: str, reason: str, *, subject: str = "", refusal: type[SobankError] = RegistryError) -> None:
    """Refuse what a person decides, or takes away, without saying who he is and why (DESIGN §8).

    Raises:
        refusal: no name or no reason is given.
    """
    if not actor.strip() or not reason.strip():
        raise refusal("a name and a reason are needed", subject=subject, remedy="give --by NAME and --why TEXT")


def _who_may(action: Action) -> str:
    if entitled := " or ".join(sorted(RIGHTS[action])):
        return f"ask a member of it who is {entitled}"
    return "ask an operator: an Airflow admin, or one of the names in SOBANK_OPERATORS"
