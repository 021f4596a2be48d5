"""Associate accounts with connectors, or with none (A4–A7, A13).

One transaction a call, all or nothing. An association may be made before its mandate is approved (A7): nothing here
looks at mandates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sobank.domain.iban import masked
from sobank.domain.roles import Action
from sobank.errors import ConnectorNotOnCabinet, NotFound, RegistryError
from sobank.services.allow import allowed

if TYPE_CHECKING:
    from sobank.store.registry import AssociatedAccount, CabinetRow, ConnectorRow, Registry, RegistryChange


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Accounts of one cabinet: those of `accounts` (ids), those of the dossier of that reference, or all (A6)."""

    cabinet: str
    accounts: tuple[int, ...] | None = None
    dossier: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """Why one account of a selection cannot be changed."""

    account: int
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AssociationReport:
    """Account ids: changed, already as wished, refused. With one refusal nothing is changed at all (A6)."""

    changed: tuple[int, ...] = ()
    already: tuple[int, ...] = ()
    refused: tuple[Refusal, ...] = ()

    @property
    def applied(self) -> bool:
        """Whether the wish now holds for every account of the selection."""
        return not self.refused


def associate(
    registry: Registry, selection: Selection, connector: str, *, actor: str, now: datetime
) -> AssociationReport:
    """Associate the selected accounts with a connector of their cabinet, by its name.

    A dossier or a whole cabinet means its open accounts; a closed one that is named is refused.

    Raises:
        NotAllowed: the actor is no member of the cabinet (A4). NotFound: no such dossier.
        ConnectorNotOnCabinet: names the connectors that are (A4). RegistryError: the cabinet is closed.
    """
    with registry.change() as change:
        cabinet, profile = allowed(change, selection.cabinet, actor, Action.ASSOCIATE)
        if cabinet.closed:
            raise RegistryError("the cabinet is closed", subject=cabinet.code, remedy="reopen the cabinet first")
        wished = connector_of(change, cabinet, connector)
        found = selected_accounts(change, cabinet, selection)
        refused = refusals(selection, found)
        if refused:
            return AssociationReport(refused=refused)
        accounts = [account for account in found if not account.closed]
        moving = [account for account in accounts if account.connector_id != wished.id]
        ids = [account.id for account in moving]
        change.dissociate([account.id for account in moving if account.connector_id is not None], at=now)
        change.associate(ids, wished.id, at=now, actor=actor)
        events = [_event("account.associate", cabinet, account, wished.name) for account in moving]
        change.record(events, at=now, actor=actor, role=profile)
        already = tuple(account.id for account in accounts if account.connector_id == wished.id)
        return AssociationReport(changed=tuple(ids), already=already)


def dissociate(registry: Registry, selection: Selection, *, actor: str, now: datetime) -> AssociationReport:
    """Give the selected accounts "Aucun connecteur" (A5): possible at any time, for closed accounts and cabinets too.

    Raises:
        NotAllowed: the actor is no member of the cabinet. NotFound: no such dossier.
    """
    with registry.change() as change:
        cabinet, profile = allowed(change, selection.cabinet, actor, Action.DISSOCIATE)
        found = selected_accounts(change, cabinet, selection)
        unknown = strangers(selection, found)
        if unknown:
            return AssociationReport(refused=unknown)
        changed = dissociate_accounts(change, cabinet, found, actor=actor, role=profile, now=now)
        already = tuple(account.id for account in found if account.connector_id is None)
        return AssociationReport(changed=changed, already=already)


def dissociate_accounts(
    change: RegistryChange,
    cabinet: CabinetRow,
    accounts: Sequence[AssociatedAccount],
    *,
    actor: str,
    role: str,
    now: datetime,
    reason: str | None = None,
) -> tuple[int, ...]:
    """Close the associations in force among `accounts`, with their events; ids of the accounts that had one."""
    leaving = [account for account in accounts if account.connector_id is not None]
    change.dissociate([account.id for account in leaving], at=now)
    events = [_event("account.dissociate", cabinet, account, None) | {"reason": reason} for account in leaving]
    change.record(events, at=now, actor=actor, role=role)
    return tuple(account.id for account in leaving)


def connector_of(change: RegistryChange, cabinet: CabinetRow, name: str) -> ConnectorRow:
    """The connector of that name on the cabinet.

    Raises:
        ConnectorNotOnCabinet: there is none; the message names those that are (A4).
    """
    there = change.connectors(cabinet.id)
    for connector in there:
        if connector.name == name:
            return connector
    offered = ", ".join(connector.name for connector in there) or "none yet"
    raise ConnectorNotOnCabinet(
        f"connector {name} is not on the cabinet",
        subject=cabinet.code,
        remedy=f"choose one that is ({offered}), or ask an administrateur or superviseur to add it",
    )


def selected_accounts(change: RegistryChange, cabinet: CabinetRow, selection: Selection) -> list[AssociatedAccount]:
    """The accounts of a selection that are on the cabinet.

    Raises:
        NotFound: no account is in a dossier of that reference.
    """
    found = change.accounts(cabinet.id, ids=selection.accounts, dossier=selection.dossier)
    if selection.dossier is not None and selection.accounts is None and not found:
        raise NotFound(
            "no account in a dossier of that reference",
            subject=f"{cabinet.code}, dossier {selection.dossier}",
            remedy="check the reference of the dossier",
        )
    return found


def strangers(selection: Selection, found: Sequence[AssociatedAccount]) -> tuple[Refusal, ...]:
    """Accounts that the selection names and that were not found where it says."""
    known = {account.id for account in found}
    reason = "is not an account of the cabinet" if selection.dossier is None else "is not an account of the dossier"
    return tuple(Refusal(account=id_, reason=reason) for id_ in selection.accounts or () if id_ not in known)


def refusals(selection: Selection, found: Sequence[AssociatedAccount]) -> tuple[Refusal, ...]:
    """Why a selection cannot be associated: strangers, and closed accounts that it names."""
    closed = [account for account in found if account.closed] if selection.accounts is not None else []
    return strangers(selection, found) + tuple(Refusal(account=a.id, reason="the account is closed") for a in closed)


def _event(action: str, cabinet: CabinetRow, account: AssociatedAccount, connector: str | None) -> dict[str, Any]:
    return {
        "action": action,
        "subject": f"account:{account.id} {masked(account.iban)}",
        "before": {"connector": account.connector},
        "after": {"connector": connector},
        "cabinet_id": cabinet.id,
        "reason": None,
    }
