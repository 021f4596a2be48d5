"""*Collaborateurs* of a cabinet: its members, their profiles, and what each profile may do (A2)."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.registry import Profile
from sobank.domain.roles import RIGHTS, Action
from sobank.errors import NotFound
from sobank.services.members import remove_member, set_member
from sobank.store.registry_edit import RegistryEditor
from sobank.web.fields import Fields
from sobank.web.pages.connectors import cabinet_of
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
#: What the members of a cabinet may do to it. What only operators may do is no right of a member.
ACTIONS: Final[dict[Action, str]] = {
    Action.SEE: "Voir les comptes, les relevés et les livraisons",
    Action.DOWNLOAD: "Télécharger des relevés et le fichier global",
    Action.ADD_DOSSIER: "Ajouter un dossier client",
    Action.ADD_ACCOUNT: "Ajouter un IBAN",
    Action.ASSOCIATE: "Associer un compte à un connecteur du cabinet",
    Action.DISSOCIATE: "Dissocier un compte (« Aucun connecteur »)",
    Action.ADD_CONNECTOR: "Ajouter et tester un connecteur",
    Action.DELETE_CONNECTOR: "Supprimer un connecteur",
    Action.CUT_CONNECTOR: "Couper entièrement un connecteur",
    Action.SET_MANDATE: "Faire avancer un mandat",
    Action.DECIDE_QUARANTINE: "Décider d'un relevé en quarantaine",
    Action.DECIDE_DELIVERY: "Décider d'un envoi retenu",
    Action.EDIT_CABINET: "Modifier la fiche du cabinet",
    Action.SEE_AUDIT: "Lire le journal",
    Action.SET_MEMBER: "Ajouter un collaborateur, changer son profil",
    Action.REMOVE_MEMBER: "Retirer un collaborateur",
}
_LONGEST_NAME: Final = 200


class Member(Fields):
    """A user by the name he signs in with, and the profile he is to have."""

    user: str = ""
    profile: Profile = Profile.COLLABORATEUR


class Leaving(Fields):
    """A member who is to be taken off, and why."""

    user: str = ""
    reason: str = ""


@router.get("/cabinets/{cabinet}/members")
def members(request: Request, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> HTMLResponse:
    """Who is a member, with which profile."""
    return _shown(request, here)


@router.post("/cabinets/{cabinet}/members")
def set_(
    request: Request, wanted: Annotated[Member, Form()], here: Annotated[Here, Depends(Needs(Action.SET_MEMBER))]
) -> Response:
    """Make somebody a member, or give a member another profile."""
    if not 0 < len(wanted.user) <= _LONGEST_NAME or not wanted.user.isprintable():
        fault = here.language.say("Donnez l'identifiant avec lequel la personne se connecte à Airflow.")
        return _shown(request, here, status=422, faults=[fault], typed=wanted)
    if _is_last(here, wanted.user) and wanted.profile is not Profile.ADMINISTRATEUR:
        return _shown(request, here, status=409, faults=[_last(here, wanted.user)], typed=wanted)
    changed = set_member(
        RegistryEditor(here.house.database), cabinet=here.at, user=wanted.user, profile=wanted.profile,
        actor=here.visitor.actor, now=here.now,
    )  # fmt: skip
    return redirect(request, f"/cabinets/{here.at}/members", note="member_set" if changed else "member_same")


@router.get("/cabinets/{cabinet}/members/remove")
def remove(
    request: Request, leaving: Annotated[Leaving, Query()], here: Annotated[Here, Depends(Needs(Action.REMOVE_MEMBER))]
) -> HTMLResponse:
    """Ask for the reason."""
    return _asked(request, here, leaving)


@router.post("/cabinets/{cabinet}/members/remove")
def take_off(
    request: Request, leaving: Annotated[Leaving, Form()], here: Annotated[Here, Depends(Needs(Action.REMOVE_MEMBER))]
) -> Response:
    """Take a member off the cabinet; who takes himself off sees it no more."""
    if not leaving.reason:
        fault = here.language.say("Donnez un motif : il est gardé dans le journal.")
        return _asked(request, here, leaving, status=422, faults=[fault])
    if _is_last(here, leaving.user):
        return _asked(request, here, leaving, status=409, faults=[_last(here, leaving.user)])
    remove_member(
        RegistryEditor(here.house.database), cabinet=here.at, user=leaving.user, actor=here.visitor.actor,
        reason=leaving.reason, now=here.now,
    )  # fmt: skip
    stays = here.visitor.operator or leaving.user != here.visitor.name
    return redirect(request, f"/cabinets/{here.at}/members" if stays else "/cabinets", note="member_removed")


def _members(here: Here) -> dict[str, Profile]:
    with RegistryEditor(here.house.database).look() as change:
        found = change.cabinet(here.at)
        return change.members(found.id) if found else {}


def _is_last(here: Here, user: str) -> bool:
    """Whether the user is its only administrateur: the service would refuse to lose him."""
    found = _members(here)
    return found.get(user) is Profile.ADMINISTRATEUR and list(found.values()).count(Profile.ADMINISTRATEUR) == 1


def _last(here: Here, user: str) -> str:
    return here.language.say(
        "{user} est le seul administrateur du cabinet : donnez d'abord ce profil à un autre membre.", user=user
    )


def _shown(
    request: Request, here: Here, *, status: int = 200, faults: list[str] | None = None, typed: Member | None = None
) -> HTMLResponse:
    found = _members(here)
    leads = [user for user, profile in found.items() if profile is Profile.ADMINISTRATEUR]
    return page(
        request, here, "members.html", status=status, cabinet=cabinet_of(here), members=found, profiles=list(Profile),
        last=leads[0] if len(leads) == 1 else None, faults=faults or [], typed=typed or Member(), actions=ACTIONS,
        rights=RIGHTS,
    )  # fmt: skip


def _asked(
    request: Request, here: Here, leaving: Leaving, *, status: int = 200, faults: list[str] | None = None
) -> HTMLResponse:
    found = _members(here)
    if leaving.user not in found:
        raise NotFound("no such member", subject=leaving.user[:40], remedy="look for it in the list")
    return page(
        request, here, "member_remove.html", status=status, cabinet=cabinet_of(here), leaving=leaving,
        profile=found[leaving.user], faults=faults or [],
    )  # fmt: skip
