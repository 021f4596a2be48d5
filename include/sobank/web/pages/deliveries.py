"""*Livraisons*: batches by state, destination and day (D5–D8)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sobank.domain.day import overdue_before
from sobank.domain.delivery import BatchState
from sobank.domain.roles import Action
from sobank.store.batch_list import BatchFilter, batch_page
from sobank.store.batch_statements import receipts
from sobank.store.batch_sums import batch_sums
from sobank.web.batch_words import OUTCOMES, destination_of
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.choices import cabinets_for
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs

router = APIRouter()
_SIZE: Final = 50


class Broad(StrEnum):
    """Several states at once: what a person must look at, and what is under way."""

    TO_ACT = "to_act"
    OPEN = "open"


class Wanted(Fields):
    """What to look for; an empty field is left out. Days are business dates, both included."""

    state: Blank[Broad | BatchState] = None
    cabinet: Blank[str] = None
    partner: Blank[str] = None
    first: Blank[date] = None
    last: Blank[date] = None
    run_day: Blank[date] = None
    page: Blank[Number] = None


@router.get("/deliveries")
def deliveries(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """One page of the list, the newest first."""
    database, user = here.house.database, here.visitor.user
    cabinets = cabinets_for(here, wanted.cabinet)
    asked = BatchFilter(
        user=user,
        states=_states(wanted.state),
        overdue=overdue_before(here.now) if wanted.state is Broad.TO_ACT else None,
        cabinet=cabinets.wanted,
        partner=wanted.partner,
        first=wanted.first,
        last=wanted.last,
        run_day=wanted.run_day,
        newest_first=True,
    )
    found = batch_page(database, asked, page=wanted.page or 1, size=_SIZE)
    waiting = BatchFilter(user=user, overdue=overdue_before(here.now))
    return page(
        request,
        here,
        "deliveries.html",
        wanted=wanted,
        cabinets=cabinets,
        found=found,
        sums=batch_sums(database, [row.batch.id for row in found.rows]),
        receipts=receipts(database, [row.batch.id for row in found.rows], user=user),
        waiting=batch_page(database, waiting, size=1).total,
        partners={code: one.label for code, one in sorted(here.house.partners.items())},
        destination=lambda batch: destination_of(batch, here.house.partners, here.language),
        outcomes=OUTCOMES,
    )


def _states(state: Broad | BatchState | None) -> tuple[BatchState, ...] | None:
    if state is None:
        return tuple(BatchState)
    return None if isinstance(state, Broad) else (state,)
