"""What is set aside, and what a person decides of it (S8–S10, D3)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Depends

from sobank.domain.roles import Action
from sobank.services.decide_quarantine import QuarantineReport, reject_statements, release_statements
from sobank.store.quarantine import Quarantine
from sobank.store.quarantine_list import (
    QuarantineFilter,
    QuarantineSheet,
    SetAside,
    quarantine_page,
    quarantine_sheet,
)
from sobank.web.api.shapes import Listing, PageNumber, PageSize, Reason, Text, router
from sobank.web.rights import Here, Needs

routes = router("quarantine")


@routes.get("/quarantine", response_model=Listing[SetAside])
def list_set_aside(
    here: Annotated[Here, Depends(Needs(Action.SEE))],
    reason: Text | None = None,
    of_cabinet: Text | None = None,
    day: date | None = None,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> object:
    """Statements in quarantine in the order in which they came; amounts in minor units."""
    wanted = QuarantineFilter(user=here.visitor.user, reason=reason, cabinet=of_cabinet, day=day)
    return Listing.of(quarantine_page(here.house.database, wanted, page=page, size=size))


@routes.get("/quarantine/{statement}", response_model=QuarantineSheet)
def show(here: Annotated[Here, Depends(Needs(Action.SEE))], statement: int) -> object:
    """One statement that is set aside, with the codes of what was found and its first movements."""
    return quarantine_sheet(here.house.database, statement, user=here.visitor.user)


@routes.post("/quarantine/{statement}/release", response_model=QuarantineReport)
def release(here: Annotated[Here, Depends(Needs(Action.DECIDE_QUARANTINE))], statement: int, why: Reason) -> object:
    """Let it go to the next run; refused in the report where it cannot."""
    quarantine = Quarantine(here.house.database)
    return release_statements(quarantine, [statement], actor=here.visitor.actor, reason=why.reason, now=here.now)


@routes.post("/quarantine/{statement}/reject", response_model=QuarantineReport)
def reject(here: Annotated[Here, Depends(Needs(Action.DECIDE_QUARANTINE))], statement: int, why: Reason) -> object:
    """Decide that it never leaves."""
    quarantine = Quarantine(here.house.database)
    return reject_statements(quarantine, [statement], actor=here.visitor.actor, reason=why.reason, now=here.now)
