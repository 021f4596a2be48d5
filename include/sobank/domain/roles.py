"""Who may do what: the one table of rights (A2–A4). Surfaces ask here and nowhere else."""

from __future__ import annotations

from enum import StrEnum

from sobank.domain.registry import Profile


class Action(StrEnum):
    """What a person can do to a cabinet's registry."""

    ADD_CONNECTOR = "connector.add"
    DELETE_CONNECTOR = "connector.delete"
    CUT_CONNECTOR = "connector.cut"
    ADD_ACCOUNT = "account.add"
    ASSOCIATE = "account.associate"
    DISSOCIATE = "account.dissociate"
    DOWNLOAD = "account.download"
    SET_MANDATE = "mandate.step"
    DECIDE_QUARANTINE = "quarantine.decide"
    SET_MEMBER = "member.set"
    REMOVE_MEMBER = "member.remove"


_EVERY_PROFILE = frozenset(Profile)
_LEADS = frozenset({Profile.ADMINISTRATEUR, Profile.SUPERVISEUR})
_ADMINISTRATEURS = frozenset({Profile.ADMINISTRATEUR})

RIGHTS: dict[Action, frozenset[Profile]] = {
    Action.ADD_CONNECTOR: _LEADS,
    Action.DELETE_CONNECTOR: _LEADS,
    Action.CUT_CONNECTOR: _LEADS,
    Action.ADD_ACCOUNT: _EVERY_PROFILE,
    Action.ASSOCIATE: _EVERY_PROFILE,
    Action.DISSOCIATE: _EVERY_PROFILE,
    Action.DOWNLOAD: _EVERY_PROFILE,
    Action.SET_MANDATE: _LEADS,
    Action.DECIDE_QUARANTINE: _LEADS,
    Action.SET_MEMBER: _ADMINISTRATEURS,
    Action.REMOVE_MEMBER: _ADMINISTRATEURS,
}


def may(profile: Profile | None, action: Action) -> bool:
    """Whether a member with `profile` may do `action`; someone who is no member (`None`) may do nothing."""
    return profile is not None and profile in RIGHTS[action]
