"""Which cabinet a list or a form is about: what is filtered by, what can be chosen, and whether it is one alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from sobank.domain.roles import Action
from sobank.store.choices import Choice, cabinets_to_choose
from sobank.store.scope import Thing, place_of
from sobank.web.fields import Blank, Fields
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
#: What stands for "Aucun connecteur" in queries and forms: no connector can be called so.
NONE: Final = "-"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cabinets:
    """Cabinets as a visitor can choose them: `choices`, empty where there are too many and a code is typed.

    wanted: the code that a list is filtered by. one: the one cabinet that the list shows, None where it shows several.
    none: there is no cabinet for who is there.
    """

    choices: tuple[Choice, ...]
    wanted: str | None
    one: str | None
    none: bool


def cabinets_for(here: Here, wanted: str | None) -> Cabinets:
    """The cabinets of who is there, of which `wanted` (a code) is asked for."""
    database, user = here.house.database, here.visitor.user
    found = cabinets_to_choose(database, user=user)
    choices = tuple(found or ())
    code = wanted.upper() if wanted else None
    one = choices[0].code if len(choices) == 1 and code is None else None
    if code is not None and place_of(database, Thing.CABINET, code, user=user) is not None:
        one = code
    return Cabinets(choices=choices, wanted=code, one=one, none=found == [])


class Purpose(StrEnum):
    """What a cabinet is chosen for."""

    ACCOUNT = "account"
    DOSSIER = "dossier"


_FORMS: Final = {Purpose.ACCOUNT: "accounts/new", Purpose.DOSSIER: "new-dossier"}


class Wish(Fields):
    """What is to be added, and where."""

    to: Purpose = Purpose.ACCOUNT
    cabinet: Blank[str] = None


@router.get("/choose-cabinet")
def choose(
    request: Request, wish: Annotated[Wish, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> Response:
    """Ask for the cabinet in which something is to be added, and go on to its form."""
    cabinets = cabinets_for(here, wish.cabinet)
    if cabinets.one:
        return redirect(request, f"/cabinets/{cabinets.one}/{_FORMS[wish.to]}")
    return page(request, here, "choose_cabinet.html", wish=wish, cabinets=cabinets)
