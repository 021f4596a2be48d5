"""The audit trail (A13)."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from sobank.domain.roles import Action
from sobank.store.audit_trail import AuditRow, AuditTrail
from sobank.web.api.shapes import Key, PageSize, Text, router
from sobank.web.rights import Here, Needs

routes = router("audit")


@routes.get("/audit")
def list_events(
    here: Annotated[Here, Depends(Needs(Action.SEE_AUDIT))],
    of_cabinet: Text | None = None,
    actor: Text | None = None,
    action: Text | None = None,
    subject: Text | None = None,
    first: Annotated[AwareDatetime | None, Query(description="with its zone")] = None,
    end: Annotated[AwareDatetime | None, Query(description="with its zone, not included")] = None,
    before: Key | None = None,
    size: PageSize = 100,
) -> list[AuditRow]:
    """Events of the cabinets that the visitor leads, the newest first; `before`: the last id of the page before."""
    return AuditTrail(here.house.database).listed(
        cabinet=of_cabinet, actor=actor, action=action, subject=subject, first=_bounded(first), end=_bounded(end),
        before=before, user=here.visitor.user, limit=size,
    )  # fmt: skip


def _bounded(at: datetime | None) -> datetime | None:
    """A moment that can be said in UTC: in the first and the last year taking its zone off overflows."""
    return at if at is None or MINYEAR < at.year < MAXYEAR else None
