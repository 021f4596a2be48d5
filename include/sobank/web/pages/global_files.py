"""*Relevés*: by cabinet and day the global file with its manifest, or why there is none (A10, O1)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.delivery import Batch
from sobank.domain.manifest import manifest
from sobank.domain.roles import Action
from sobank.domain.routing import Kind
from sobank.errors import NotFound
from sobank.services.take_global_file import take_global_file
from sobank.store.global_files import DAYS, ROWS, CabinetDay, GlobalFiles
from sobank.store.registry import Registry
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.choices import Cabinets, cabinets_for
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs
from sobank.web.statement_words import ABSENCES

router = APIRouter()
#: A page of cabinets, where there are so many that one day is listed at a time.
_MANY: Final = ROWS
_DAY: Final = timedelta(days=1)


class Wanted(Fields):
    """Which cabinet, and up to which day; an empty field is left out. page: of cabinets, where there are many."""

    cabinet: Blank[str] = None
    until: Blank[date] = None
    page: Blank[Number] = None


@router.get("/statements")
def statements(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """Days, the newest first, of the cabinets that a visitor may see."""
    return _listed(request, here, wanted, cabinets_for(here, wanted.cabinet))


@router.get("/cabinets/{cabinet}/global-files")
def of_cabinet(
    request: Request,
    cabinet: str,
    wanted: Annotated[Wanted, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """Days of one cabinet."""
    return _listed(request, here, wanted, cabinets_for(here, cabinet))


def _listed(request: Request, here: Here, wanted: Wanted, cabinets: Cabinets) -> HTMLResponse:
    files = GlobalFiles(here.house.database, user=here.visitor.user)
    one = cabinets.one or cabinets.wanted
    codes = None if one is None else [one]
    shown = 1 if codes else len(cabinets.choices) or _MANY
    limit = min(DAYS, max(1, ROWS // shown))
    days = files.days(codes, until=wanted.until, limit=limit + 1)
    number = wanted.page or 1
    rows = files.listed(days[:limit], codes, page=number) if days else []
    older = days[limit] if len(days) > limit else None
    return page(
        request, here, "global_files.html", wanted=wanted, cabinets=cabinets, rows=rows, older=older, number=number,
        size=_MANY, more=shown == _MANY and len(rows) == _MANY, absences=ABSENCES, actions=Action,
    )  # fmt: skip


@router.get("/cabinets/{cabinet}/global-files/{day}")
def of_day(request: Request, day: date, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> HTMLResponse:
    """One cabinet and day: every global file with its manifest, or why there is none."""
    found = GlobalFiles(here.house.database, user=here.visitor.user).listed([day], [here.at])
    one: CabinetDay = found[0]
    return page(
        request, here, "global_file_day.html", one=one, absences=ABSENCES, actions=Action,
        before=day - _DAY if day > date.min else None, after=day + _DAY if day < date.max else None,
    )  # fmt: skip


@router.post("/global-files/{batch}/download")
def download(batch: int, here: Annotated[Here, Depends(Needs(Action.DOWNLOAD))]) -> Response:
    """The file itself, from the spool; noted."""
    found = here.house.ledger.batch(batch, user=here.visitor.user)
    payload = take_global_file(
        Registry(here.house.database), found, read=here.house.spool.read, actor=here.visitor.actor, now=here.now
    )
    return _file(payload, found.outgoing.object_name, "text/plain; charset=iso-8859-1")


@router.post("/global-files/{batch}/manifest")
def download_manifest(batch: int, here: Annotated[Here, Depends(Needs(Action.DOWNLOAD))]) -> Response:
    """Its manifest as the file beside it has it; it holds figures alone, which the page shows too."""
    found = _global(here.house.ledger.batch(batch, user=here.visitor.user))
    return _file(manifest(found), f"{found.outgoing.object_name}.manifest.json", "application/json")


def _global(batch: Batch) -> Batch:
    if batch.kind != Kind.GLOBAL_FILE:
        raise NotFound("this batch is no global file", subject=f"batch:{batch.id}", remedy="choose one from the list")
    return batch


def _file(content: bytes, name: str, media: str) -> Response:
    """Names of batches are ASCII, from a template of ours."""
    return Response(content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})
