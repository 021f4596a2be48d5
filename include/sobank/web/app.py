"""The app of the pages and of the API, whole: routes, their errors, and the guard before them (DESIGN §8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from sobank.errors import SobankError
from sobank.web import api, assets, pages
from sobank.web.airflow_runs import RunDay, unknown_run
from sobank.web.answers import answer
from sobank.web.guard import Guard
from sobank.web.visitor import Identify
from sobank.wiring import House

_ANSWERED: Final = (
    SobankError, RequestValidationError, HTTPException, sa.exc.DataError, UnicodeError, Exception
)  # fmt: skip


def build(house: Callable[[], House], identify: Identify, *, run_day: RunDay = unknown_run) -> ASGIApp:
    """The app, behind its guard.

    Args:
        house: the house of this process, its database ready; asked at every request. identify: who asks.
        run_day: the business day of a run of Airflow.
    """
    return Guard(routes(house, run_day=run_day), identify=identify)


def routes(house: Callable[[], House], *, run_day: RunDay = unknown_run) -> FastAPI:
    """The app without its guard: nothing in it may be served alone. FastAPI's own pages of it are not served."""
    made = FastAPI(title="So bank", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    made.state.house = house
    made.state.run_day = run_day
    for router in (*pages.ROUTERS, *api.ROUTERS, assets.router):
        made.include_router(router)
    for kind in _ANSWERED:
        made.add_exception_handler(kind, _answer)
    return made


def _answer(request: Request, error: Exception) -> Response:
    return answer(request, error)
