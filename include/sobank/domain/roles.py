"""Who may do what: the one table of rights (A2–A4). Surfaces ask here and nowhere else."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sobank.domain.registry import Profile


class Action(StrEnum):
    """What a person can see of a cabinet, and do to it."""

    SEE = "registry.see"
    SEE_AUDIT = "audit.see"
    ADD_CONNECTOR = "connector.add"
    DELETE_CONNECTOR = "connector.delete"
    CUT_CONNECTOR = "connector.cut"
    ADD_ACCOUNT = "account.add"
    ASSOCIATE = "account.associate"
    DISSOCIATE = "account.dissociate"
    DOWNLOAD = "account.download"
    SET_MANDATE = "mandate.step"
    DECIDE_QUARANTINE = "quarantine.decide"
    DECIDE_DELIVERY = "delivery.decide"
    START_BACKFILL = "backfill.start"
    RECONCILE = "ledger.reconcile"
    ADD_DOSSIER = "dossier.add"
    ADD_CABINET = "cabinet.add"
    EDIT_CABINET = "cabinet.edit"
    SET_MEMBER = "member.set"
    REMOVE_MEMBER = "member.remove"


class Operator(str):
    """Name of an actor who administers every cabinet: one of SOBANK_OPERATORS, or an Airflow admin in the pages."""

    __slots__ = ()


#: What the audit trail notes as the role of an operator; members are noted with their profile.
OPERATOR_ROLE: Final = "operator"

_EVERY_PROFILE = frozenset(Profile)
_LEADS = frozenset({Profile.ADMINISTRATEUR, Profile.SUPERVISEUR})
_ADMINISTRATEURS = frozenset({Profile.ADMINISTRATEUR})
#: What reaches beyond one cabinet is nobody's by profile.
_OPERATORS_ONLY: frozenset[Profile] = frozenset()

RIGHTS: dict[Action, frozenset[Profile]] = {
    Action.SEE: _EVERY_PROFILE,
    Action.SEE_AUDIT: _LEADS,
    Action.ADD_CONNECTOR: _LEADS,
    Action.DELETE_CONNECTOR: _LEADS,
    Action.CUT_CONNECTOR: _LEADS,
    Action.ADD_ACCOUNT: _EVERY_PROFILE,
    Action.ASSOCIATE: _EVERY_PROFILE,
    Action.DISSOCIATE: _EVERY_PROFILE,
    Action.DOWNLOAD: _EVERY_PROFILE,
    Action.SET_MANDATE: _LEADS,
    Action.DECIDE_QUARANTINE: _LEADS,
    Action.DECIDE_DELIVERY: _LEADS,
    Action.START_BACKFILL: _OPERATORS_ONLY,
    Action.RECONCILE: _OPERATORS_ONLY,
    Action.ADD_DOSSIER: _EVERY_PROFILE,
    Action.ADD_CABINET: _OPERATORS_ONLY,
    Action.EDIT_CABINET: _LEADS,
    Action.SET_MEMBER: _ADMINISTRATEURS,
    Action.REMOVE_MEMBER: _ADMINISTRATEURS,
}


def may(profile: Profile | None, action: Action) -> bool:
    """Whether a member with `profile` may do `action`; someone who is no member (`None`) may do nothing.

    An `Operator` may do everything, whatever this says.
    """
    return profile is not None and profile in RIGHTS[action]


def scope_of(actor: str | None) -> str | None:
    """Whose cabinets a read shows: None, which is all of them, for an operator and where nobody is named."""
    return None if isinstance(actor, Operator) else actor
