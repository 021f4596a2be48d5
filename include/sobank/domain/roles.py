"""Who may do what: the one table of rights (A2–A4). Surfaces ask here and nowhere else."""

from __future__ import annotations

from enum import StrEnum

from sobank.domain.registry import Profile


class Action(StrEnum):
    """What a person can do to a cabinet's registry."""

    ADD_CONNECTOR = "connector.add"
    DELETE_CONNECTOR = "connector.delete"
    CUT_CONNECTOR = "connector.cut"
    ASSOCIATE = "account.associate"
    DISSOCIATE = "account.dissociate"
    DOWNLOAD = "account.download"
    DECIDE_QUARANTINE = "quarantine.decide"


_EVERY_PROFILE = frozenset(Profile)
_LEADS = frozenset({Profile.ADMINISTRATEUR, Profile.SUPERVISEUR})

RIGHTS: dict[Action, frozenset[Profile]] = {
    Action.ADD_CONNECTOR: _LEADS,
    Action.DELETE_CONNECTOR: _LEADS,
    Action.CUT_CONNECTOR: _LEADS,
    Action.ASSOCIATE: _EVERY_PROFILE,
    Action.DISSOCIATE: _EVERY_PROFILE,
    Action.DOWNLOAD: _EVERY_PROFILE,
    Action.DECIDE_QUARANTINE: _LEADS,
}


def may(profile: Profile | None, action: Action) -> bool:
    """Whether a member with `profile` may do `action`; someone who is no member (`None`) may do nothing."""
    return profile is not None and profile in RIGHTS[action]
