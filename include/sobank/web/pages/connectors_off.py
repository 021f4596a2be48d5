"""Taking a connector off a cabinet: a refusal that says what hangs on it, and *couper entièrement* (A3)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.roles import Action
from sobank.errors import ConnectorInUse
from sobank.services.connect import cut_connector, delete_connector
from sobank.store.registry import Registry
from sobank.web.connectors import connector_of
from sobank.web.fields import Fields
from sobank.web.pages.connectors import cabinet_of
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()


class Why(Fields):
    """The reason that the audit trail keeps."""

    reason: str = ""


@router.get("/cabinets/{cabinet}/connectors/{connector}/remove")
def remove(
    connector: str, request: Request, here: Annotated[Here, Depends(Needs(Action.DELETE_CONNECTOR))]
) -> HTMLResponse:
    """What hangs on it, and what can be done."""
    return _asked(request, here, connector)


@router.post("/cabinets/{cabinet}/connectors/{connector}/remove")
def delete(
    connector: str,
    request: Request,
    why: Annotated[Why, Form()],
    here: Annotated[Here, Depends(Needs(Action.DELETE_CONNECTOR))],
) -> Response:
    """Delete it, if nothing hangs on it."""
    found = connector_of(here, connector)
    if not why.reason:
        return _asked(request, here, connector, status=422)
    try:
        delete_connector(
            Registry(here.house.database), cabinet=here.at, name=found.name, actor=here.visitor.actor,
            reason=why.reason, now=here.now,
        )  # fmt: skip
    except ConnectorInUse:
        return _asked(request, here, connector, status=409, reason=why.reason)
    return redirect(request, f"/cabinets/{here.at}/connectors", note="connector_removed")


@router.post("/cabinets/{cabinet}/connectors/{connector}/cut")
def cut(
    connector: str,
    request: Request,
    why: Annotated[Why, Form()],
    here: Annotated[Here, Depends(Needs(Action.CUT_CONNECTOR))],
) -> Response:
    """Dissociate its accounts and delete it, in one transaction."""
    found = connector_of(here, connector)
    if not why.reason:
        return _asked(request, here, connector, status=422)
    try:
        done = cut_connector(
            Registry(here.house.database), cabinet=here.at, name=found.name, actor=here.visitor.actor,
            reason=why.reason, now=here.now,
        )  # fmt: skip
    except ConnectorInUse:
        return _asked(request, here, connector, status=409, reason=why.reason)
    return redirect(request, f"/cabinets/{here.at}/connectors", note="connector_cut", n=len(done.accounts))


def _asked(request: Request, here: Here, name: str, *, status: int = 200, reason: str = "") -> HTMLResponse:
    """The page before the change, and the one that says why there was none. 422: no reason was given."""
    partners = here.house.partners
    found = connector_of(here, name)
    label = partners[found.partner].label if found.partner in partners else found.partner
    return page(
        request, here, "connector_remove.html", status=status, cabinet=cabinet_of(here), connector=found, label=label,
        reason=reason, unsaid=status == 422, refused=status == 409,
    )  # fmt: skip
