"""Register one client company of a cabinet: "Ajouter un dossier" (A9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sobank.domain.roles import Action
from sobank.errors import RegistryError
from sobank.services.allow import allowed
from sobank.services.identity import checked_siret, checked_text

if TYPE_CHECKING:
    from sobank.store.registry_edit import RegistryEditor


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedDossier:
    """A dossier just registered, with its texts as they are kept."""

    id: int
    reference: str
    name: str
    siret: str | None


def add_dossier(
    editor: RegistryEditor,
    *,
    cabinet: str,
    reference: str,
    name: str,
    siret: str = "",
    actor: str,
    now: datetime,
) -> AddedDossier:
    """Register a dossier under a reference that is new on its cabinet; `siret` may be empty.

    Raises:
        NotAllowed: the actor is no member. RegistryError: the cabinet is closed or has that reference, or a text is
            wrong.
    """
    with editor.change() as change:
        there, role = allowed(change, cabinet, actor, Action.ADD_DOSSIER)
        if there.closed:
            raise RegistryError("the cabinet is closed", subject=cabinet, remedy="reopen the cabinet first")
        reference = checked_text(reference, "the reference of a dossier", subject=cabinet)
        subject = f"dossier:{there.code}/{reference}"
        fields = {
            "name": checked_text(name, "the name of a company", subject=subject),
            "siret": checked_siret(siret, subject=subject),
        }
        if change.dossier(there.id, reference) is not None:
            raise RegistryError(
                "the cabinet has a dossier of that reference already",
                subject=subject,
                remedy="choose another reference, or add the accounts to that dossier",
            )
        added = change.add_dossier(there.id, reference, fields)
        event = {"action": Action.ADD_DOSSIER, "subject": subject, "before": None, "after": fields}
        change.record([event | {"cabinet_id": there.id, "reason": None}], at=now, actor=actor, role=role)
    return AddedDossier(id=added, reference=reference, name=fields["name"] or "", siret=fields["siret"])
