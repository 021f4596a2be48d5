"""Dossiers: the client companies of a cabinet (A6, A9)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from sobank.domain.roles import Action
from sobank.services.add_dossier import AddedDossier, add_dossier
from sobank.store.dossier_list import ListedDossier, dossiers_seen
from sobank.store.registry_edit import RegistryEditor
from sobank.web.api.shapes import Body, Listing, PageNumber, PageSize, Text, Words, router
from sobank.web.rights import Here, Needs

routes = router("dossiers")


class NewDossier(Body):
    """A dossier to register, under a reference that is new on the cabinet."""

    reference: Text
    name: Text
    siret: Words = ""


@routes.get("/dossiers", response_model=Listing[ListedDossier])
def list_dossiers(
    here: Annotated[Here, Depends(Needs(Action.SEE))],
    search: Words = "",
    of_cabinet: Text | None = None,
    page: PageNumber = 1,
    size: PageSize = 50,
) -> object:
    """Dossiers by cabinet and reference; `search`: part of a name, a reference or a siret."""
    return Listing.of(
        dossiers_seen(
            here.house.database, user=here.visitor.user, cabinet=of_cabinet, search=search, page=page, size=size
        )
    )


@routes.post("/cabinets/{cabinet}/dossiers", response_model=AddedDossier, status_code=201)
def add(here: Annotated[Here, Depends(Needs(Action.ADD_DOSSIER))], wish: NewDossier) -> object:
    """Register a client company."""
    editor = RegistryEditor(here.house.database)
    return add_dossier(
        editor, cabinet=here.at, reference=wish.reference, name=wish.name, siret=wish.siret,
        actor=here.visitor.actor, now=here.now,
    )  # fmt: skip
