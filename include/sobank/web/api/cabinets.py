"""Cabinets and their members (A2)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from sobank.domain.registry import Profile
from sobank.domain.roles import Action
from sobank.errors import NotFound
from sobank.services.edit_cabinet import Identity, add_cabinet, edit_cabinet
from sobank.services.members import remove_member, set_member
from sobank.store.cabinet_list import ListedCabinet, cabinet_seen, cabinets_seen
from sobank.store.registry_edit import RegistryEditor
from sobank.web.api.shapes import Body, Listing, PageNumber, PageSize, Reason, Text, Words, router
from sobank.web.rights import Here, Needs

routes = router("cabinets")


class CabinetIdentity(Body):
    """What is told of a cabinet; null leaves a part as it is, an empty text takes it away."""

    name: Text | None = None
    siret: Words | None = None
    address: Words | None = None
    production_software: Annotated[list[Text], Field(max_length=20)] | None = None

    def identity(self) -> Identity:
        """As the services take it."""
        software = None if self.production_software is None else tuple(self.production_software)
        return Identity(name=self.name, siret=self.siret, address=self.address, production_software=software)


class NewCabinet(CabinetIdentity):
    """A cabinet to register. code: its client number."""

    code: Text


class ProfileWish(Body):
    """The profile that a user is to have."""

    profile: Profile


@routes.get("/cabinets", response_model=Listing[ListedCabinet])
def list_cabinets(
    here: Annotated[Here, Depends(Needs(Action.SEE))], search: Words = "", page: PageNumber = 1, size: PageSize = 50
) -> object:
    """The cabinets of the visitor, by code; `search`: part of a code, a name or a siret."""
    return Listing.of(cabinets_seen(here.house.database, user=here.visitor.user, search=search, page=page, size=size))


@routes.post("/cabinets", response_model=ListedCabinet, status_code=201)
def add(here: Annotated[Here, Depends(Needs(Action.ADD_CABINET))], wish: NewCabinet) -> object:
    """Register a cabinet: operators only."""
    editor = RegistryEditor(here.house.database)
    add_cabinet(editor, code=wish.code, identity=wish.identity(), actor=here.visitor.actor, now=here.now)
    return _seen(here, wish.code)


@routes.get("/cabinets/{cabinet}", response_model=ListedCabinet)
def show(here: Annotated[Here, Depends(Needs(Action.SEE))]) -> object:
    """One cabinet."""
    return _seen(here, here.at)


@routes.patch("/cabinets/{cabinet}", response_model=ListedCabinet)
def edit(here: Annotated[Here, Depends(Needs(Action.EDIT_CABINET))], wish: CabinetIdentity) -> object:
    """Change the identity of a cabinet."""
    editor = RegistryEditor(here.house.database)
    edit_cabinet(editor, cabinet=here.at, identity=wish.identity(), actor=here.visitor.actor, now=here.now)
    return _seen(here, here.at)


@routes.get("/cabinets/{cabinet}/members")
def list_members(here: Annotated[Here, Depends(Needs(Action.SEE))]) -> dict[str, Profile]:
    """The profile of every member, by the name with which he signs in."""
    with RegistryEditor(here.house.database).look() as change:
        there = change.cabinet(here.at)
        return change.members(there.id) if there else {}


@routes.put("/cabinets/{cabinet}/members/{user}")
def put_member(
    here: Annotated[Here, Depends(Needs(Action.SET_MEMBER))], user: str, wish: ProfileWish
) -> dict[str, Profile]:
    """Make a user a member, or give a member another profile."""
    editor = RegistryEditor(here.house.database)
    set_member(editor, cabinet=here.at, user=user, profile=wish.profile, actor=here.visitor.actor, now=here.now)
    return {user: wish.profile}


@routes.post("/cabinets/{cabinet}/members/{user}/remove", status_code=204)
def take_off(here: Annotated[Here, Depends(Needs(Action.REMOVE_MEMBER))], user: str, why: Reason) -> None:
    """Take a member off the cabinet."""
    editor = RegistryEditor(here.house.database)
    remove_member(
        editor, cabinet=here.at, user=user, actor=here.visitor.actor, reason=why.reason, now=here.now
    )  # fmt: skip


def _seen(here: Here, code: str) -> ListedCabinet:
    found = cabinet_seen(here.house.database, code, user=here.visitor.user)
    if found is None:
        raise NotFound("no such cabinet", subject=code)
    return found
