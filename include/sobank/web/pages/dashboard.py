"""*Tableau de bord*: which day, partner or bank is in trouble, at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from sobank.domain.day import BANK_ZONE
from sobank.domain.roles import Action
from sobank.errors import SchedulerError
from sobank.services.backfill import DELIVERY, Reprocess
from sobank.store.bank_news import bank_news
from sobank.store.dashboard import Cell, Dashboard
from sobank.web.airflow_api import airflow_of
from sobank.web.fields import Blank, Fields
from sobank.web.pages.choices import cabinets_for
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs

router = APIRouter()
#: Days of the map.
_DAYS: Final = 14
_BANKS: Final = 20
_FRIDAY: Final = 4
_GLOBAL: Final = "global"
WEEKDAYS: Final = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")
#: What a cell counts: its field, the sign it has where colours are not seen, and its tone; the worst is the last.
SIGNS: Final = (
    ("delivered", "✔", "ok"), ("late", "!", "warn"), ("quarantined", "Q", "bad"), ("held", "R", "bad"),
)  # fmt: skip


class Wanted(Fields):
    """The day whose reconciliation is shown; the newest if none is given."""

    day: Blank[date] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Square:
    """A cell of the map: its counts in the order of SIGNS without zeros, the tone of the worst, where it leads."""

    counts: tuple[tuple[str, str, int], ...]
    tone: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A place of the map; None where it has nothing of a day."""

    label: str
    squares: tuple[Square | None, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class MissedDay:
    """A day that is over and has no run, or statements that a run should have taken. ran: None if Airflow is away."""

    day: date
    undecided: int
    ran: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """The days that were missed, oldest first. asked: whether Airflow answered; detail: why it did not."""

    days: tuple[MissedDay, ...]
    asked: bool
    detail: str = ""

    @property
    def without_run(self) -> int:
        """Days that no run took, as far as is known."""
        return sum(not one.ran for one in self.days)


@router.get("/dashboard")
def dashboard(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """The days × partners, the newest day reconciled, missed days, and banks by how long they have been silent."""
    database, user, now = here.house.database, here.visitor.user, here.now.astimezone(BANK_ZONE)
    reader = Dashboard(database, user=user)
    days = reader.days(until=now.date(), most=_DAYS)
    cells = reader.cells(days) if days else ()
    shown = wanted.day or (days[0] if days else None)
    over = over_day(now, here.house.settings.ready_at)
    expected = expected_day(over)
    banks = bank_news(database, since=expected, days=days, user=user)
    return page(
        request,
        here,
        "dashboard.html",
        stranger=user is not None and cabinets_for(here, None).none,
        days=tuple(reversed(days)),
        rows=_rows(here, cells, reader.partners(), tuple(reversed(days))),
        totals={name: sum(getattr(cell, name) for cell in cells) for name, _, _ in SIGNS},
        signs=SIGNS,
        weekdays=WEEKDAYS,
        book=reader.book(shown) if shown else None,
        missed=_missed(request, here, cells, [day for day in days if day <= over]),
        expected=expected,
        banks=banks[:_BANKS],
        others=banks[_BANKS:],
    )


def over_day(now: datetime, ready_at: time) -> date:
    """The newest day whose run is due. now: in Paris; ready_at: hour of the day after at which runs start."""
    return now.date() - timedelta(days=1 if now.time() >= ready_at else 2)


def expected_day(over: date) -> date:
    """The newest day up to one that is over which every bank should have sent: banks work from Monday to Friday."""
    return over - timedelta(days=max(0, over.weekday() - _FRIDAY))


def _rows(here: Here, cells: Iterable[Cell], used: Sequence[str], days: Sequence[date]) -> list[Row]:
    found = {(cell.place, cell.day): cell for cell in cells}
    catalogue = here.house.partners
    codes = {*used, *(cell.partner for cell in found.values() if cell.partner)}
    named = sorted((catalogue[code].label if code in catalogue else code, code) for code in codes)
    places: list[tuple[str, tuple[str | None, bool]]] = [(label, (code, True)) for label, code in named]
    if places or found:
        places.append((here.language.say("Fichier global"), (None, True)))
    if any(not cell.known for cell in found.values()):
        places.append((here.language.say("Compte inconnu"), (None, False)))
    return [
        Row(label=label, squares=tuple(_square(found.get((place, day))) for day in days)) for label, place in places
    ]


def _square(cell: Cell | None) -> Square | None:
    if cell is None:
        return None
    counts = tuple((name, sign, n) for name, sign, _ in SIGNS if (n := getattr(cell, name)))
    tones = {name: tone for name, _, tone in SIGNS}
    of_day = {"first": cell.day, "last": cell.day}
    path = f"/deliveries?{urlencode({'partner': cell.partner or _GLOBAL, **of_day})}"
    if cell.quarantined and len(counts) == 1:
        path = f"/quarantine?{urlencode(of_day)}"
    return Square(counts=counts, tone=tones[counts[-1][0]] if counts else "plain", path=path)


def _missed(request: Request, here: Here, cells: Iterable[Cell], over: Sequence[date]) -> Missed | None:
    """What an operator may start; None for everybody else. over: days with statements that are over, newest first."""
    if not here.may(Action.START_BACKFILL):
        return None
    undecided: Counter[date] = Counter()
    for cell in cells:
        undecided[cell.day] += cell.undecided
    left: frozenset[date] | None = None
    detail = ""
    if over and (airflow := airflow_of(request, here, hurried=True)):
        with closing(airflow):
            try:
                left = frozenset(
                    airflow.days_to_run(DELIVERY, first=over[-1], last=over[0], reprocess=Reprocess.NONE)
                )  # fmt: skip
            except SchedulerError as error:
                detail = f"{error.what} ({error.subject})"
    found = tuple(
        MissedDay(day=day, undecided=undecided[day], ran=None if left is None else day not in left)
        for day in reversed(over)
        if undecided[day] or (left is not None and day in left)
    )
    return Missed(days=found, asked=left is not None or not over, detail=detail)
