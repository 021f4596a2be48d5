"""What a named person decides of statements set aside: let them go, or give them up (S8, S10, D3, A13).

Operators, and who has the right to it on the cabinet of each statement; to others it is not in quarantine. A statement
whose account nobody has registered belongs to no cabinet: operators only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sobank.domain.roles import Action, Operator, scope_of
from sobank.errors import NotFound
from sobank.services.allow import require_reason, role_of

if TYPE_CHECKING:
    from sobank.store.quarantine import Quarantine, QuarantineChange, Whose


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedStatement:
    """Why one statement cannot be released. unreadable: because of what the bank sent, whatever else is decided."""

    statement: int
    reason: str
    unreadable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class QuarantineReport:
    """Ids of the statements decided on, by id. With one refusal nothing is changed at all."""

    decided: tuple[int, ...] = ()
    refused: tuple[RefusedStatement, ...] = ()

    @property
    def applied(self) -> bool:
        """Whether the decision was carried out."""
        return not self.refused


def release_statements(
    quarantine: Quarantine, ids: Sequence[int], *, actor: str, reason: str, now: datetime
) -> QuarantineReport:
    """Let statements go to the next run, their reasons waived; mandate and connector are looked at again. All or none.

    What has an account stays its cabinet's. Only where an operator releases it, and account or cabinet is closed, does
    it go to the open cabinet that has registered the number (D3); it is told in that one's journal as well.

    Refused, in the report: what cannot be read whole, and what is on its way already with other content (S10).

    Raises:
        NotFound: the actor has no such statement in quarantine. NotAllowed: no right to it.
        RegistryError: no name or no reason is given.
    """
    chosen = _chosen(ids, actor, reason)
    with quarantine.change() as change:
        roles, whose = _gate(change, chosen, actor)
        if refused := _refusals(change, chosen, actor):
            return QuarantineReport(refused=refused)
        change.close(chosen, resolution="released", actor=actor, reason=reason, at=now)
        now_of = change.release(chosen, rehome=isinstance(actor, Operator))
        _record(change, roles, _told(whose, now_of), "released", actor=actor, reason=reason, now=now)
    return QuarantineReport(decided=chosen)


def reject_statements(
    quarantine: Quarantine, ids: Sequence[int], *, actor: str, reason: str, now: datetime
) -> QuarantineReport:
    """Decide that statements never leave; all or none.

    Raises:
        NotFound: the actor has no such statement in quarantine. NotAllowed: no right to it.
        RegistryError: no name or no reason is given.
    """
    chosen = _chosen(ids, actor, reason)
    with quarantine.change() as change:
        roles, whose = _gate(change, chosen, actor)
        change.close(chosen, resolution="rejected", actor=actor, reason=reason, at=now)
        change.reject(chosen)
        _record(change, roles, _told(whose), "rejected", actor=actor, reason=reason, now=now)
    return QuarantineReport(decided=chosen)


def _chosen(ids: Sequence[int], actor: str, reason: str) -> tuple[int, ...]:
    require_reason(actor, reason)
    return tuple(sorted(set(ids)))


def _gate(change: QuarantineChange, ids: Sequence[int], actor: str) -> tuple[dict[int, str], dict[int, Whose]]:
    """The role of the actor on each statement, and whose each is."""
    whose = change.set_aside(ids, user=scope_of(actor))
    missing = [id_ for id_ in ids if id_ not in whose]
    if missing or not ids:
        raise NotFound(
            "not in quarantine; nothing was changed",
            subject="statements " + ", ".join(str(id_) for id_ in missing[:10]),
            remedy="`sobank quarantine list` shows those there are",
        )
    roles = {
        id_: role_of(actor, one.profile, Action.DECIDE_QUARANTINE, subject=f"statement {id_}")
        for id_, one in whose.items()
    }
    return roles, whose


def _refusals(change: QuarantineChange, ids: Sequence[int], actor: str) -> tuple[RefusedStatement, ...]:
    rivals = change.rivals(ids)
    # The other may be of a cabinet that had the account before: who does not see it is not told its number.
    visible = change.visible(sorted(set(rivals.values())), user=scope_of(actor))
    refused = {
        id_: RefusedStatement(
            statement=id_,
            reason=f"the same statement with other content{f' (statement {other})' if other in visible else ''}"
            " is on its way, delivered, or released with it;"
            " reject this one; if it is the right one, agree the correction with the partner by hand",
        )
        for id_, other in rivals.items()
    }
    for id_ in change.unreadable(ids):
        unread = (
            "has no readable balance or date, or a piece that is no record, so no partner could take it;"
            " ask the bank to send it again, and reject it"
        )
        refused[id_] = RefusedStatement(statement=id_, reason=unread, unreadable=True)
    return tuple(refused[id_] for id_ in sorted(refused))


def _told(whose: Mapping[int, Whose], now_of: Mapping[int, int | None] | None = None) -> dict[int, list[int | None]]:
    """On which cabinets the decision on each statement is told: on its own, and on the one that it went to."""
    told: dict[int, list[int | None]] = {}
    for id_, one in whose.items():
        told[id_] = list(dict.fromkeys((one.cabinet_id, (now_of or {}).get(id_, one.cabinet_id))))
    return told


def _record(
    change: QuarantineChange,
    roles: Mapping[int, str],
    told: Mapping[int, Sequence[int | None]],
    resolution: str,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    """One event a statement and cabinet; a person may be superviseur on one cabinet and administrateur on the next."""
    status = "pending" if resolution == "released" else resolution
    for role in sorted(set(roles.values())):
        events: list[dict[str, Any]] = [
            {
                "action": f"quarantine.{resolution}",
                "subject": f"statement:{id_}",
                "before": {"status": "quarantined"},
                "after": {"status": status},
                "cabinet_id": cabinet_id,
                "reason": reason,
            }
            for id_, one in roles.items()
            for cabinet_id in told[id_]
            if one == role
        ]
        change.record(events, at=now, actor=actor, role=role)
