"""*Clients*: the dossiers of the cabinets, the sheet of each, and *Ajouter un dossier* (A6, A9)."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.roles import Action
from sobank.domain.siret import is_siret
from sobank.errors import NotFound, RegistryError
from sobank.services.add_dossier import add_dossier
from sobank.store.account_list import AccountFilter, account_page
from sobank.store.cabinet_list import cabinet_seen
from sobank.store.choices import connectors_to_choose
from sobank.store.dossier_list import dossier_seen, dossiers_seen
from sobank.store.registry_edit import RegistryEditor
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.choices import cabinets_for
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
_SIZE: Final = 50
_LONGEST: Final = 200


class Wanted(Fields):
    """What to look for; an empty field is left out."""

    search: Blank[str] = None
    cabinet: Blank[str] = None
    page: Blank[Number] = None


class Turned(Fields):
    """Which page of the accounts of a dossier; offer: the connector that its form starts with."""

    page: Blank[Number] = None
    offer: Blank[str] = None


class Typed(Fields):
    """A new dossier as it is typed."""

    reference: Blank[str] = None
    name: Blank[str] = None
    siret: Blank[str] = None


@router.get("/dossiers")
def dossiers(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """One page of the list."""
    cabinets = cabinets_for(here, wanted.cabinet)
    found = dossiers_seen(
        here.house.database, user=here.visitor.user, cabinet=cabinets.wanted, search=wanted.search or "",
        page=wanted.page or 1, size=_SIZE,
    )  # fmt: skip
    return page(request, here, "dossiers.html", wanted=wanted, found=found, cabinets=cabinets)


@router.get("/cabinets/{cabinet}/new-dossier")
def new_dossier(request: Request, here: Annotated[Here, Depends(Needs(Action.ADD_DOSSIER))]) -> HTMLResponse:
    """The form."""
    return _form(request, here, Typed())


@router.post("/cabinets/{cabinet}/dossiers")
def add(
    request: Request, typed: Annotated[Typed, Form()], here: Annotated[Here, Depends(Needs(Action.ADD_DOSSIER))]
) -> Response:
    """Register the dossier, or show the form again with what is wrong."""
    if problems := _wrong(here, typed):
        return _form(request, here, typed, problems, status=422)
    try:
        added = add_dossier(
            RegistryEditor(here.house.database), cabinet=here.at, reference=typed.reference or "",
            name=typed.name or "", siret=typed.siret or "", actor=here.visitor.actor, now=here.now,
        )  # fmt: skip
    except RegistryError as error:
        if type(error) is not RegistryError:
            raise
        there = dossier_seen(here.house.database, here.at, typed.reference or "", user=here.visitor.user)
        wrong = (
            here.language.say("Le cabinet a déjà un dossier de cette référence : {name}.", name=there.name)
            if there
            else here.language.say("Le cabinet est clos : plus aucun dossier ne peut y être ajouté.")
        )
        return _form(request, here, typed, {"reference": wrong}, status=409)
    return redirect(request, f"/cabinets/{here.at}/dossiers/{quote(added.reference)}", note="dossier_added")


@router.get("/cabinets/{cabinet}/dossiers/{dossier:path}")
def dossier(
    request: Request,
    dossier: str,
    turned: Annotated[Turned, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """The sheet of one dossier. A reference may hold a slash: nothing else lies below its address."""
    database, user = here.house.database, here.visitor.user
    found = dossier_seen(database, here.at, dossier, user=user)
    if found is None:
        raise NotFound("no such dossier", subject=dossier[:40], remedy="look for it in the list")
    accounts = account_page(
        database, AccountFilter(user=user, cabinet=here.at, dossier=dossier), page=turned.page or 1, size=_SIZE
    )
    return page(
        request, here, "dossier.html", dossier=found, accounts=accounts, turned=turned,
        cabinet=cabinet_seen(database, here.at, user=user),
        connectors=connectors_to_choose(database, [here.at], user=user)[here.at],
    )  # fmt: skip


def _wrong(here: Here, typed: Typed) -> dict[str, str]:
    say, found = here.language.say, {}
    for field, text in (("reference", typed.reference), ("name", typed.name)):
        if not text:
            found[field] = say("Ce champ est à remplir.")
        elif len(text) > _LONGEST or not text.isprintable():
            found[field] = say("Un texte d'une ligne, de 200 caractères au plus.")
    if typed.siret and not is_siret("".join(typed.siret.split())):
        found["siret"] = say("Un siret a 14 chiffres, dont le dernier est une clé : celui-ci est faux.")
    return found


def _form(
    request: Request, here: Here, typed: Typed, problems: dict[str, str] | None = None, *, status: int = 200
) -> HTMLResponse:
    return page(
        request, here, "dossier_new.html", status=status, typed=typed,
        problems={"reference": "", "name": "", "siret": ""} | (problems or {}),
        cabinet=cabinet_seen(here.house.database, here.at, user=here.visitor.user),
    )  # fmt: skip
