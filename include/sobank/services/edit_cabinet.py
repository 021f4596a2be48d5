"""The identity of a cabinet: register one, and change what is told of it (A13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sobank.domain.roles import Action
from sobank.errors import RegistryError
from sobank.services.allow import allowed, operator_role
from sobank.services.identity import CABINET_CODE, checked_address, checked_siret, checked_software, checked_text

if TYPE_CHECKING:
    from sobank.store.registry_edit import RegistryEditor


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What is told of a cabinet; None leaves a part as it is, an empty text or tuple takes it away.

    name: raison sociale, never empty. production_software: logiciels de production.
    """

    name: str | None = None
    siret: str | None = None
    address: str | None = None
    production_software: tuple[str, ...] | None = None

    def fields(self, subject: str) -> dict[str, Any]:
        """The columns that are told, checked.

        Raises:
            RegistryError: one of them is wrong.
        """
        found: dict[str, Any] = {}
        if self.name is not None:
            found["name"] = checked_text(self.name, "the name of a cabinet", subject=subject)
        if self.siret is not None:
            found["siret"] = checked_siret(self.siret, subject=subject)
        if self.address is not None:
            found["address"] = checked_address(self.address, subject=subject)
        if self.production_software is not None:
            found["production_software"] = checked_software(self.production_software, subject=subject)
        return found


def edit_cabinet(editor: RegistryEditor, *, cabinet: str, identity: Identity, actor: str, now: datetime) -> list[str]:
    """Change the identity of a cabinet; the parts that changed, none where it was so already.

    Raises:
        NotAllowed: the actor is neither administrateur nor superviseur of it. RegistryError: a part is wrong.
    """
    with editor.change() as change:
        there, role = allowed(change, cabinet, actor, Action.EDIT_CABINET)
        subject = f"cabinet:{there.code}"
        before = change.identity(there.id)
        after = {key: value for key, value in identity.fields(subject).items() if before[key] != value}
        if not after:
            return []
        change.set_identity(there.id, after)
        event = {"action": Action.EDIT_CABINET, "subject": subject, "after": after, "reason": None}
        changed = event | {"before": {key: before[key] for key in after}, "cabinet_id": there.id}
        change.record([changed], at=now, actor=actor, role=role)
    return list(after)


def add_cabinet(editor: RegistryEditor, *, code: str, identity: Identity, actor: str, now: datetime) -> int:
    """Register a cabinet under a code (its client number) that is new; its id. It has no member yet.

    Raises:
        NotAllowed: the actor is no operator. RegistryError: the code is none or taken, or a part is wrong or missing.
    """
    role = operator_role(actor, Action.ADD_CABINET)
    if not CABINET_CODE.fullmatch(code):
        raise RegistryError(
            "the code of a cabinet is capital letters, digits and -, 40 at most",
            subject=code[:40],
            remedy="it becomes part of file names: choose a short one",
        )
    subject = f"cabinet:{code}"
    fields = identity.fields(subject)
    if "name" not in fields:
        raise RegistryError("a cabinet has a name", subject=subject, remedy="give its raison sociale")
    with editor.change() as change:
        if change.cabinet(code) is not None:
            raise RegistryError("there is a cabinet of that code", subject=subject, remedy="choose another code")
        added = change.add_cabinet(code, fields)
        event = {"action": Action.ADD_CABINET, "subject": subject, "before": None, "after": fields, "reason": None}
        change.record([event | {"cabinet_id": added}], at=now, actor=actor, role=role)
    return added
