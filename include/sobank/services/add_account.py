"""Register one account of a cabinet: "Ajouter un IBAN" (A9, S13)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sobank.domain.iban import masked
from sobank.domain.registry import MandateStep
from sobank.domain.roles import Action
from sobank.errors import NotFound, RegistryError
from sobank.services.allow import allowed
from sobank.services.register_work import account_subject

if TYPE_CHECKING:
    from sobank.services.registry_file import CheckedIban
    from sobank.store.registry import CabinetRow
    from sobank.store.registry_edit import RegistryEdit, RegistryEditor

_CURRENCY: Final = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedAccount:
    """An account just registered. `claims`: open cabinets that have it; with more than one it is set aside (D3)."""

    id: int
    iban: str
    bank_name: str | None
    claims: int


def add_account(
    editor: RegistryEditor,
    *,
    cabinet: str,
    dossier: str,
    iban: str,
    currency: str,
    check_iban: Callable[[str], CheckedIban],
    actor: str,
    now: datetime,
) -> AddedAccount:
    """Register an account in a dossier (by its reference) of a cabinet, and start its mandate as draft.

    Raises:
        NotAllowed: the actor is no member. InvalidIban: structure, RIB key or country. NotFound: no such dossier.
        RegistryError: the cabinet is closed, has the account already, or the currency is none.
    """
    with editor.change() as change:
        there, role = allowed(change, cabinet, actor, Action.ADD_ACCOUNT)
        if there.closed:
            raise RegistryError("the cabinet is closed", subject=cabinet, remedy="reopen the cabinet first")
        checked = check_iban(iban)
        dossier_id = _place(change, there, dossier, checked, currency)
        added = change.add_account(
            there.id, dossier_id, iban=checked.iban, bban=checked.bban, currency=currency, bank_name=checked.bank_name
        )
        change.start_mandate(added, MandateStep.DRAFT, since=now)
        shown = {"iban": masked(checked.iban), "currency": currency, "bank_name": checked.bank_name, "dossier": dossier}
        first_step = {"step": MandateStep.DRAFT, "since": now.isoformat()}
        common = {"subject": account_subject(added, checked.iban), "cabinet_id": there.id, "reason": None}
        events = [
            common | {"action": action, "before": None, "after": after}
            for action, after in ((Action.ADD_ACCOUNT, shown), (Action.SET_MANDATE, first_step))
        ]
        change.record(events, at=now, actor=actor, role=role)
        claims = change.claims(checked.bban, currency)
    return AddedAccount(id=added, iban=checked.iban, bank_name=checked.bank_name, claims=claims)


def _place(change: RegistryEdit, cabinet: CabinetRow, dossier: str, checked: CheckedIban, currency: str) -> int:
    """Id of the dossier in which the account is new."""
    if not _CURRENCY.fullmatch(currency):
        raise RegistryError(
            "a currency is three capital letters (ISO 4217)", subject=currency[:10], remedy="write EUR for the euro"
        )
    dossier_id = change.dossier(cabinet.id, dossier)
    if dossier_id is None:
        raise NotFound(
            "no dossier of that reference",
            subject=f"{cabinet.code}, dossier {dossier}",
            remedy="check the reference, or import the dossier first",
        )
    if change.accounts_of_iban(checked.bban, user=None, cabinet=cabinet.code, currency=currency):
        raise RegistryError(
            "the cabinet has this account already",
            subject=f"{cabinet.code}, {masked(checked.iban)} {currency}",
            remedy="`sobank accounts list` shows its dossier",
        )
    return dossier_id
