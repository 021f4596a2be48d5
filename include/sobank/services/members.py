"""Who is a member of a cabinet, with which profile (A2, A13)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from sobank.domain.registry import Profile
from sobank.domain.roles import Action
from sobank.errors import NotFound, RegistryError
from sobank.services.allow import allowed, require_reason

if TYPE_CHECKING:
    from sobank.store.registry_edit import RegistryEditor

_MAX_NAME: Final = 200


def set_member(editor: RegistryEditor, *, cabinet: str, user: str, profile: Profile, actor: str, now: datetime) -> bool:
    """Make a user a member of a cabinet, or give a member another profile; whether anything changed.

    Raises:
        NotAllowed: the actor is no administrateur of the cabinet. RegistryError: no name, or no administrateur left.
    """
    if not 0 < len(user.strip()) <= _MAX_NAME or not user.isprintable():
        raise RegistryError(
            f"a user's name is 1 to {_MAX_NAME} printable characters",
            subject=cabinet,
            remedy="give the name he signs in with",
        )
    return _change(editor, cabinet, user, profile, Action.SET_MEMBER, actor=actor, reason=None, now=now)


def remove_member(editor: RegistryEditor, *, cabinet: str, user: str, actor: str, reason: str, now: datetime) -> bool:
    """Take a member off a cabinet; what he did stays in the audit trail.

    Raises:
        NotAllowed: the actor is no administrateur of the cabinet. NotFound: the user is no member.
        RegistryError: no administrateur would be left, or no reason is given.
    """
    require_reason(actor, reason, subject=f"member:{cabinet}/{user}")
    return _change(editor, cabinet, user, None, Action.REMOVE_MEMBER, actor=actor, reason=reason, now=now)


def _change(
    editor: RegistryEditor,
    cabinet: str,
    user: str,
    profile: Profile | None,
    action: Action,
    *,
    actor: str,
    reason: str | None,
    now: datetime,
) -> bool:
    with editor.change() as change:
        there, role = allowed(change, cabinet, actor, action)
        members = change.members(there.id)
        known = members.get(user)
        if known is None and profile is None:
            raise NotFound(f"{user} is no member", subject=cabinet, remedy="`sobank members list` shows who is")
        if known is profile:
            return False
        if known is Profile.ADMINISTRATEUR and list(members.values()).count(Profile.ADMINISTRATEUR) == 1:
            raise RegistryError(
                f"{user} is its only administrateur",
                subject=cabinet,
                remedy="make another member administrateur first",
            )
        change.set_member(there.id, user, profile)
        event = {
            "action": action,
            "subject": f"member:{cabinet}/{user}",
            "before": {"profile": known} if known else None,
            "after": {"profile": profile} if profile else None,
            "cabinet_id": there.id,
            "reason": reason,
        }
        change.record([event], at=now, actor=actor, role=role)
    return True
