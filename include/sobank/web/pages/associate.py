"""*Associer*: one account in place, many after a preview; one transaction each, all or nothing (A4–A7).

A bulk change is asked for below the cabinet that it is about: accounts of others are refused, whoever sends them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from sobank.domain.roles import Action
from sobank.errors import ConnectorNotOnCabinet, NotFound, RegistryError
from sobank.services.associate import AssociationReport, Refusal, Selection, associate, dissociate
from sobank.services.preview import Preview, preview
from sobank.store.account_list import MAX_PAGE, AccountFilter, AccountRow, account_page, account_seen
from sobank.store.choices import connectors_to_choose
from sobank.store.registry import Registry
from sobank.store.registry_edit import RegistryEditor
from sobank.web.fields import LARGEST_NUMBER, Blank, Fields, Number
from sobank.web.pages import associate_words as words
from sobank.web.pages.accounts import Wanted
from sobank.web.pages.choices import NONE
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
#: Accounts named in a preview; the rest is counted.
_NAMED: Final = 20


class Scope(StrEnum):
    """Which accounts a bulk change is about."""

    SELECTION = "selection"
    DOSSIER = "dossier"
    CABINET = "cabinet"


class Wish(Fields):
    """A bulk change. connector: a name, or NONE for "Aucun connecteur". accounts: of a selection.

    expected: how many accounts the preview said would change.
    """

    scope: Scope
    connector: Blank[str] = None
    accounts: Annotated[tuple[Number, ...], Field(max_length=MAX_PAGE)] = ()
    dossier: Blank[str] = None
    expected: Blank[int] = None

    @property
    def name(self) -> str | None:
        """The connector as the services know it."""
        return None if self.connector == NONE else self.connector

    @property
    def whole(self) -> bool:
        """Whether it says which accounts and which connector: what was left out never means all, or none."""
        told = {Scope.SELECTION: bool(self.accounts), Scope.DOSSIER: self.dossier is not None, Scope.CABINET: True}
        return self.connector is not None and told[self.scope]

    def selection(self, cabinet: str) -> Selection:
        """The accounts as the services know them."""
        return Selection(
            cabinet=cabinet,
            accounts=self.accounts if self.scope is Scope.SELECTION else None,
            dossier=self.dossier if self.scope is Scope.DOSSIER else None,
        )


class Place(Fields):
    """The connector of one account. view: the page to go back to, the list if none is told."""

    connector: Blank[str] = None
    view: Literal["list", "account", "dossier"] = "list"
    dossier: Blank[str] = None


class Told(Fields):
    """What a bulk change has done, in numbers of accounts."""

    connector: str = NONE
    changed: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] = 0
    already: Annotated[int, Field(ge=0, le=LARGEST_NUMBER)] = 0
    dossier: Blank[str] = None


@router.post("/cabinets/{cabinet}/associate/preview")
def foresee(
    request: Request, wish: Annotated[Wish, Form()], here: Annotated[Here, Depends(Needs(Action.ASSOCIATE))]
) -> HTMLResponse:
    """What would change; nothing does."""
    return _preview_page(request, here, wish)


@router.post("/cabinets/{cabinet}/associate")
def change(
    request: Request, wish: Annotated[Wish, Form()], here: Annotated[Here, Depends(Needs(Action.ASSOCIATE))]
) -> Response:
    """Change all of it, or nothing; what differs from its preview is shown again first."""
    foreseen = _foreseen(here, wish)
    if not isinstance(foreseen, Preview) or foreseen.refused or foreseen.changing != wish.expected:
        moved = isinstance(foreseen, Preview) and not foreseen.refused and wish.expected is not None
        return _preview_page(request, here, wish, moved=moved)
    report = _applied(here, wish.selection(here.at), wish.name)
    if not report.applied:
        return _preview_page(request, here, wish)
    told = {"connector": wish.connector, "changed": len(report.changed), "already": len(report.already)}
    told |= {"dossier": wish.dossier} if wish.scope is Scope.DOSSIER else {}
    return redirect(request, f"/cabinets/{here.at}/associate/report?{urlencode(told)}")


@router.get("/cabinets/{cabinet}/associate/report")
def report(
    request: Request, told: Annotated[Told, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """What a bulk change has done, and what becomes of the global file (A6, A10)."""
    now = preview(RegistryEditor(here.house.database), Selection(cabinet=here.at), None, actor=here.visitor.actor)
    return page(request, here, "associate_report.html", told=told, lines=words.of_report(
        here.language, changed=told.changed, already=told.already,
        connector=None if told.connector == NONE else told.connector, global_file=now.had_global_file,
    ))  # fmt: skip


@router.post("/accounts/{account}/connector")
def change_one(
    request: Request,
    account: int,
    wanted: Annotated[Wanted, Query()],
    place: Annotated[Place, Form()],
    here: Annotated[Here, Depends(Needs(Action.ASSOCIATE))],
) -> Response:
    """Change the connector of one account, from wherever it is shown."""
    wish = Wish(scope=Scope.SELECTION, connector=place.connector, accounts=(account,))
    foreseen = _foreseen(here, wish)
    if not isinstance(foreseen, Preview) or foreseen.refused:
        return _preview_page(request, here, wish)
    done = _applied(here, wish.selection(here.at), wish.name)
    note = ("account_dissociated" if wish.name is None else "account_associated") if done.changed else "account_as_was"
    if place.view == "account":
        return redirect(request, f"/accounts/{account}", note=note)
    if place.view == "dossier" and place.dossier:
        return redirect(request, f"/cabinets/{here.at}/dossiers/{quote(place.dossier)}", note=note)
    return redirect(request, "/accounts", note=note, **wanted.kept())


def _foreseen(here: Here, wish: Wish) -> Preview | str:
    """What would change, or why it cannot be said, in words."""
    say = here.language.say
    if not wish.whole:
        return say("Choisissez un connecteur (ou « Aucun connecteur »), et cochez au moins un compte.")
    try:
        editor = RegistryEditor(here.house.database)
        return preview(editor, wish.selection(here.at), wish.name, actor=here.visitor.actor)
    except ConnectorNotOnCabinet:
        return say("Ce connecteur n'est pas (ou plus) sur le cabinet. Choisissez-en un qui y est.")
    except NotFound:
        return say("Ce dossier n'a aucun compte.")
    except RegistryError as error:
        if type(error) is not RegistryError:
            raise
        return say("Le cabinet est clos : ses comptes ne peuvent plus être associés, seulement dissociés.")


def _applied(here: Here, selection: Selection, connector: str | None) -> AssociationReport:
    registry, actor, now = Registry(here.house.database), here.visitor.actor, here.now
    if connector is None:
        return dissociate(registry, selection, actor=actor, now=now)
    return associate(registry, selection, connector, actor=actor, now=now)


def _preview_page(request: Request, here: Here, wish: Wish, *, moved: bool = False) -> HTMLResponse:
    """The preview, or why there is none: refused accounts first. moved: the figures are not those shown before."""
    found = _foreseen(here, wish)
    why, foreseen = ([found], None) if isinstance(found, str) else (_refusals(here, found.refused), found)
    refused = bool(why)
    status = (409 if foreseen or wish.whole else 422) if refused else 409 if moved else 200
    named, total = _named(here, wish) if wish.whole else ([], 0)
    connectors = connectors_to_choose(here.house.database, [here.at], user=here.visitor.user)[here.at]
    lines = words.of_preview(here.language, foreseen) if foreseen and not refused else []
    return page(
        request, here, "associate.html", status=status, wish=wish, why=why, moved=moved, named=named, total=total,
        foreseen=foreseen, connectors=connectors, lines=lines,
    )  # fmt: skip


def _refusals(here: Here, refused: tuple[Refusal, ...]) -> list[str]:
    """Why accounts of a selection are refused: those of other cabinets, and closed ones."""
    rows = [account_seen(here.house.database, each.account, user=here.visitor.user) for each in refused]
    there = sorted({row.cabinet for row in rows if row is not None and row.cabinet != here.at})
    strange = sum(row is None or row.cabinet != here.at for row in rows)
    closed = [row for row in rows if row is not None and row.cabinet == here.at and row.closed]
    return words.of_refusals(here.language, here.at, strange=strange, there=there, closed=len(closed))


def _named(here: Here, wish: Wish) -> tuple[list[AccountRow], int]:
    """The first accounts that are meant, and how many there are; none where the whole cabinet is."""
    database, user = here.house.database, here.visitor.user
    if wish.scope is Scope.CABINET:
        return [], 0
    if wish.scope is Scope.DOSSIER:
        wanted = AccountFilter(user=user, cabinet=here.at, dossier=wish.dossier)
        found = account_page(database, wanted, size=_NAMED)
        return list(found.rows), found.total
    rows = (account_seen(database, number, user=user) for number in wish.accounts[:_NAMED])
    return [row for row in rows if row is not None], len(wish.accounts)
