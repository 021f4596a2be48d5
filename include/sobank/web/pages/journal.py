"""*Journal*: the audit events of the cabinets on which a visitor may see them, and whether the chain holds (A13)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sobank.domain.audit_chain import ChainReport
from sobank.domain.day import between
from sobank.domain.roles import Action
from sobank.errors import NotAllowed
from sobank.store.audit_trail import AuditTrail
from sobank.web import journal_words
from sobank.web.fields import Blank, Fields, Number
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs

router = APIRouter()
_SIZE: Final = 100
May = Annotated[Here, Depends(Needs(Action.SEE_AUDIT))]


class Wanted(Fields):
    """What to look for; an empty field is left out. Days are Paris, both included."""

    cabinet: Blank[str] = None
    actor: Blank[str] = None
    action: Blank[str] = None
    subject: Blank[str] = None
    first: Blank[date] = None
    last: Blank[date] = None
    before: Blank[Number] = None


@router.get("/journal")
def journal(request: Request, wanted: Annotated[Wanted, Query()], here: May) -> HTMLResponse:
    """Events, the newest first."""
    return _page(request, here, wanted, None)


@router.post("/journal/verify")
def verify(request: Request, here: May) -> HTMLResponse:
    """Follow the chain of hashes over the events of every cabinet: for operators alone. Changes nothing.

    Raises:
        NotAllowed: the visitor is no operator; how many events there are is not for one cabinet to know.
    """
    if not here.visitor.operator:
        raise NotAllowed(
            f"{here.visitor.name} may not verify the whole trail", remedy="ask an administrator of Airflow"
        )
    return _page(request, here, Wanted(), AuditTrail(here.house.database).verify())


def _page(request: Request, here: Here, wanted: Wanted, report: ChainReport | None) -> HTMLResponse:
    first, end = between(wanted.first, wanted.last)
    found = AuditTrail(here.house.database).listed(
        cabinet=wanted.cabinet,
        actor=wanted.actor,
        action=wanted.action,
        subject=wanted.subject,
        first=first,
        end=end,
        before=wanted.before,
        user=here.visitor.user,
        limit=_SIZE + 1,
    )
    return page(
        request, here, "journal.html", wanted=wanted, events=found[:_SIZE], more=len(found) > _SIZE, report=report,
        words=journal_words,
    )  # fmt: skip
