"""The backfill of missed days: shown first, then started in Airflow by the visitor's own right (D2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, TypeVar

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from sobank.domain.day import BANK_ZONE
from sobank.domain.roles import Action
from sobank.errors import ConfigurationError, SchedulerError
from sobank.scheduler import AirflowApi
from sobank.services.backfill import DELIVERY
from sobank.services.missed_days import Stretch, run_missed, stretches
from sobank.web.airflow_api import airflow_of
from sobank.web.fields import Fields
from sobank.web.pages.dashboard import WEEKDAYS
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs

router = APIRouter()
R = TypeVar("R")
_MOST: Final = 60
May = Annotated[Here, Depends(Needs(Action.START_BACKFILL))]


class Chosen(Fields):
    """Business days."""

    day: Annotated[tuple[date, ...], Field(max_length=_MOST)] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why the days cannot be run now, in French; detail: as it was said, in English."""

    status: int
    title: str
    detail: str = ""


_REFUSED: Final = "Airflow refuse, ou ne répond pas. Regardez dans Airflow si un rattrapage a commencé, puis réessayez."
_UNFIT: Final = (
    "Ces jours ne peuvent pas être rattrapés ensemble : choisissez au moins un jour, tous passés, sur un an."
)
_NO_SESSION: Final = Problem(
    status=409,
    title="Votre session Airflow n'est pas connue ici : ouvrez cette page depuis le menu d'Airflow, puis recommencez.",
)
_PAUSED: Final = Problem(
    status=409,
    title="Le DAG deliver_statements est en pause dans Airflow : ses tournées attendraient sans que rien le dise."
    " Réactivez-le d'abord.",
)
_UNDER_WAY: Final = Problem(
    status=409,
    title="Un rattrapage est déjà en cours, et Airflow n'en fait qu'un à la fois : attendez qu'il soit terminé.",
)
#: Every French text of this module that is not said where it stands.
TITLES: Final = (_REFUSED, _UNFIT, _NO_SESSION.title, _PAUSED.title, _UNDER_WAY.title)


@router.post("/dashboard/backfill/preview")
def preview(request: Request, here: May, chosen: Annotated[Chosen, Form()]) -> HTMLResponse:
    """Which backfills would run which days; nothing is started."""

    def look(airflow: AirflowApi) -> HTMLResponse:
        plan = stretches(airflow, chosen.day, today=_today(here))
        return _page(request, here, chosen, plan=plan, problem=_standing(airflow))

    return _with_airflow(request, here, chosen, look)


@router.post("/dashboard/backfill")
def start(request: Request, here: May, chosen: Annotated[Chosen, Form()]) -> Response:
    """Start the backfill of these days; of those that take several, the oldest."""

    def begin(airflow: AirflowApi) -> Response:
        if problem := _standing(airflow):
            return _page(request, here, chosen, problem=problem)
        report = run_missed(airflow, chosen.day, today=_today(here))
        if report.backfill is None:
            return redirect(request, "/dashboard", note="backfill_empty")
        note = "backfill_partly" if report.left else "backfill_started"
        return redirect(request, "/dashboard", note=note, n=len(report.days))

    return _with_airflow(request, here, chosen, begin)


def _with_airflow(request: Request, here: Here, chosen: Chosen, do: Callable[[AirflowApi], R]) -> R | HTMLResponse:
    """What `do` answers, or the page that says why Airflow, or the choice of days, does not allow it."""
    airflow = airflow_of(request, here, hurried=False)
    if airflow is None:
        return _page(request, here, chosen, problem=_NO_SESSION)
    with closing(airflow):
        try:
            return do(airflow)
        except ConfigurationError as error:
            problem = Problem(status=422, title=_UNFIT, detail=f"{error.subject} {error.what}")
        except SchedulerError as error:
            problem = Problem(status=502, title=_REFUSED, detail=f"{error.what} ({error.subject})")
    return _page(request, here, chosen, problem=problem)


def _standing(airflow: AirflowApi) -> Problem | None:
    """What keeps Airflow from running a backfill now."""
    if airflow.is_paused(DELIVERY):
        return _PAUSED
    return _UNDER_WAY if airflow.backfills_under_way(DELIVERY) else None


def _page(
    request: Request, here: Here, chosen: Chosen, *, problem: Problem | None, plan: Sequence[Stretch] = ()
) -> HTMLResponse:
    days = sorted(set(chosen.day))
    status = problem.status if problem else 200
    return page(request, here, "backfill.html", status=status, problem=problem, plan=plan, days=days, weekdays=WEEKDAYS)


def _today(here: Here) -> date:
    return here.now.astimezone(BANK_ZONE).date()
