"""*Cabinets*: those that a visitor sees, the sheet of one, its identity (A13), and adding one for operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from sobank.domain.roles import Action
from sobank.errors import RegistryError
from sobank.services.edit_cabinet import Identity, add_cabinet, edit_cabinet
from sobank.services.identity import CABINET_CODE, checked_address, checked_siret, checked_software, checked_text
from sobank.store.cabinet_list import cabinets_seen
from sobank.store.registry_edit import RegistryEditor
from sobank.store.scope import Thing, place_of
from sobank.web.connectors import on_cabinet
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.connectors import cabinet_of, lines
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
_SIZE: Final = 50
_ADDRESS, _SOFTWARE = 1_000, 5_000


class Wanted(Fields):
    """What to look for: part of a code, a name or a siret."""

    search: Blank[str] = None
    page: Blank[Number] = None


class Typed(Fields):
    """The identity of a cabinet; one name of software a line. code: of a new one."""

    code: str = ""
    name: str = ""
    siret: str = ""
    address: Annotated[str, Field(max_length=_ADDRESS)] = ""
    software: Annotated[str, Field(max_length=_SOFTWARE)] = ""

    def identity(self) -> Identity:
        """As the services know it: what is empty is taken away."""
        return Identity(
            name=self.name, siret=self.siret, address=self.address, production_software=tuple(lines(self.software))
        )


@router.get("/cabinets")
def cabinets(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """One page of the list, by code."""
    found = cabinets_seen(
        here.house.database, user=here.visitor.user, search=wanted.search or "", page=wanted.page or 1, size=_SIZE
    )
    return page(request, here, "cabinets.html", wanted=wanted, found=found)


@router.get("/new-cabinet")
def new(request: Request, here: Annotated[Here, Depends(Needs(Action.ADD_CABINET))]) -> HTMLResponse:
    """The form of a new cabinet."""
    return page(request, here, "cabinet_edit.html", cabinet=None, typed=Typed(), faults=[])


@router.post("/cabinets")
def add(
    request: Request, typed: Annotated[Typed, Form()], here: Annotated[Here, Depends(Needs(Action.ADD_CABINET))]
) -> Response:
    """Register a cabinet; it has no member yet."""
    faults = _faults(here, typed)
    if not CABINET_CODE.fullmatch(typed.code):
        faults.insert(
            0, here.language.say("Le numéro client est fait de majuscules, de chiffres et de tirets, 40 au plus.")
        )
    elif place_of(here.house.database, Thing.CABINET, typed.code, user=None) is not None:
        faults.insert(0, here.language.say("Ce numéro client est déjà pris."))
    if faults:
        return page(request, here, "cabinet_edit.html", status=422, cabinet=None, typed=typed, faults=faults)
    add_cabinet(
        RegistryEditor(here.house.database), code=typed.code, identity=typed.identity(), actor=here.visitor.actor,
        now=here.now,
    )  # fmt: skip
    return redirect(request, f"/cabinets/{typed.code}/members", note="cabinet_added")


@router.get("/cabinets/{cabinet}")
def sheet(request: Request, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> HTMLResponse:
    """The sheet of one cabinet: its identity, and how much of everything it has."""
    connectors = on_cabinet(here)
    return page(
        request, here, "cabinet.html", cabinet=cabinet_of(here), connectors=connectors,
        associated=sum(one.accounts for one in connectors), waiting=sum(one.waiting for one in connectors),
        stopped=sum(one.circuit is not None for one in connectors),
    )  # fmt: skip


@router.get("/cabinets/{cabinet}/edit")
def edit(request: Request, here: Annotated[Here, Depends(Needs(Action.EDIT_CABINET))]) -> HTMLResponse:
    """The form of its identity."""
    found = cabinet_of(here)
    typed = Typed(
        code=found.code, name=found.name, siret=found.siret or "", address=found.address or "",
        software="\n".join(found.production_software),
    )  # fmt: skip
    return page(request, here, "cabinet_edit.html", cabinet=found, typed=typed, faults=[])


@router.post("/cabinets/{cabinet}/edit")
def change(
    request: Request, typed: Annotated[Typed, Form()], here: Annotated[Here, Depends(Needs(Action.EDIT_CABINET))]
) -> Response:
    """Change its identity."""
    if faults := _faults(here, typed):
        return page(
            request, here, "cabinet_edit.html", status=422, cabinet=cabinet_of(here), typed=typed, faults=faults
        )
    changed = edit_cabinet(
        RegistryEditor(here.house.database), cabinet=here.at, identity=typed.identity(), actor=here.visitor.actor,
        now=here.now,
    )  # fmt: skip
    return redirect(request, f"/cabinets/{here.at}", note="cabinet_changed" if changed else "cabinet_same")


def _faults(here: Here, typed: Typed) -> list[str]:
    """What the service would refuse, in words of the form."""
    checks: tuple[tuple[Callable[[], object], str], ...] = (
        (
            lambda: checked_text(typed.name, "name"),
            here.language.say("Donnez la raison sociale, en 200 caractères au plus."),
        ),
        (
            lambda: checked_siret(typed.siret),
            here.language.say("Ce siret n'est pas valide : 14 chiffres, dont une clé."),
        ),
        (lambda: checked_address(typed.address), here.language.say("L'adresse tient en 500 caractères.")),
        (
            lambda: checked_software(lines(typed.software)),
            here.language.say("Les logiciels : un par ligne, 20 au plus, 200 caractères chacun."),
        ),
    )
    return [words for check, words in checks if _refused(check)]


def _refused(check: Callable[[], object]) -> bool:
    try:
        check()
    except RegistryError:
        return True
    return False
