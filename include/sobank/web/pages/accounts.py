"""*IBAN*: every account with its bank, its client, the five dots of its mandate and its connector (A9)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sobank.domain.registry import MandateStep
from sobank.domain.roles import Action
from sobank.store.account_list import NO_CONNECTOR, NO_MANDATE, AccountFilter, account_page
from sobank.store.choices import connector_names, connectors_to_choose
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.choices import NONE, cabinets_for
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs
from sobank.web.words import STEPS

router = APIRouter()
_SIZE: Final = 50


class Wanted(Fields):
    """What to look for; an empty field is left out. connector: a name, or NONE for "Aucun connecteur".

    offer: the connector that the forms of a bulk change start with; nothing is looked for by it.
    """

    search: Blank[str] = None
    cabinet: Blank[str] = None
    mandate: Blank[MandateStep | Literal["none"]] = None
    connector: Blank[str] = None
    page: Blank[Number] = None
    offer: Blank[str] = None

    def kept(self) -> dict[str, str]:
        """What stands in an address that shows the same again."""
        return {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}


@router.get("/accounts")
def accounts(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """One page of the list; a bulk change is offered where it shows one cabinet only."""
    database, user = here.house.database, here.visitor.user
    cabinets = cabinets_for(here, wanted.cabinet)
    found = account_page(
        database,
        AccountFilter(
            user=user,
            search=wanted.search or "",
            cabinet=cabinets.wanted,
            mandate=wanted.mandate,
            connector=NO_CONNECTOR if wanted.connector == NONE else wanted.connector,
        ),
        page=wanted.page or 1,
        size=_SIZE,
    )
    shown = {row.cabinet for row in found.rows} | ({cabinets.one} if cabinets.one else set())
    offered = connectors_to_choose(database, shown, user=user)
    return page(
        request, here, "accounts.html", wanted=wanted, found=found, cabinets=cabinets, offered=offered,
        names=offered[cabinets.one] if cabinets.one else connector_names(database, user=user),
        steps={step.value if step else NO_MANDATE: name for step, name in STEPS.items()},
    )  # fmt: skip
