"""*Journal*: the audit events of the cabinets on which a visitor may see them (A13)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sobank.domain.day import midnight
from sobank.domain.roles import Action
from sobank.store.audit_trail import AuditRow, AuditTrail
from sobank.web.fields import Blank, Fields
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs

router = APIRouter()
_SIZE: Final = 100
#: The kinds of events, by the first part of their action.
_ACTIONS: Final = {
    "account": "Comptes et associations", "batch": "Envois", "cabinet": "Cabinets", "circuit": "Coupe-circuits",
    "connector": "Connecteurs", "dossier": "Dossiers", "mandate": "Mandats", "member": "Collaborateurs",
    "statement": "Relevés",
}  # fmt: skip


class Wanted(Fields):
    """What to look for; an empty field is left out. Days are Paris, both included."""

    cabinet: Blank[str] = None
    actor: Blank[str] = None
    action: Blank[str] = None
    subject: Blank[str] = None
    first: Blank[date] = None
    last: Blank[date] = None
    before: Blank[int] = None


@router.get("/journal")
def journal(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE_AUDIT))]
) -> HTMLResponse:
    """Events, the newest first."""
    found = AuditTrail(here.house.database).listed(
        cabinet=wanted.cabinet,
        actor=wanted.actor,
        action=wanted.action,
        subject=wanted.subject,
        first=midnight(wanted.first) if wanted.first else None,
        end=midnight(wanted.last + timedelta(days=1)) if wanted.last else None,
        before=wanted.before,
        user=here.visitor.user,
        limit=_SIZE + 1,
    )
    return page(
        request, here, "journal.html", wanted=wanted, events=found[:_SIZE], more=len(found) > _SIZE, actions=_ACTIONS,
        changed=_changed,
    )  # fmt: skip


def _changed(event: AuditRow) -> list[str]:
    """Names of the fields that an event changed, in the order in which they were written."""
    before, after = event.before or {}, event.after or {}
    return [name for name in {**before, **after} if before.get(name) != after.get(name)]
