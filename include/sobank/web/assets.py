"""Our one style sheet and our one script, behind the guard like everything else."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from sobank.domain.roles import Action
from sobank.errors import NotFound
from sobank.web.rights import Here, Needs

router = APIRouter()
_TYPES: Final = {"sobank.css": "text/css", "sobank.js": "text/javascript"}


@router.get("/static/{name}")
def asset(name: str, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> Response:  # noqa: ARG001  who may see it
    """A file of `static/`, kept by the browser for an hour."""
    if name not in _TYPES:
        raise NotFound("no such file", subject=name[:40])
    content = files("sobank.web").joinpath("static", name).read_bytes()
    return Response(content, media_type=_TYPES[name], headers={"Cache-Control": "private, max-age=3600"})
