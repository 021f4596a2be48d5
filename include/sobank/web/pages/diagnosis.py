"""*Diagnostic*: why did a statement not arrive? The checklist of an account, and a text for support (A12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse

from sobank.domain.diagnosis import Diagnosis
from sobank.domain.roles import Action
from sobank.meanings import french
from sobank.services.diagnose import diagnose
from sobank.store.diagnosis import DiagnosisReader
from sobank.store.iban_check import checked_iban
from sobank.web.diagnosis_words import Line, decisive, lines_of
from sobank.web.fields import Blank, Fields
from sobank.web.pages.add_account import iban_fault
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs

router = APIRouter()
May = Annotated[Here, Depends(Needs(Action.SEE))]
_INVALID = "iban_invalid"


class Asked(Fields):
    """An IBAN, spaces allowed; without currency, every one of it."""

    iban: Blank[str] = None
    currency: Blank[str] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """One account's answer. first: the line that decides, None where all is well."""

    found: Diagnosis
    lines: Sequence[Line]
    first: Line | None


@router.get("/diagnosis")
def form(request: Request, here: May) -> HTMLResponse:
    """The question."""
    return page(request, here, "diagnosis.html", asked=Asked(), problem="", answers=())


@router.post("/diagnosis")
def ask(request: Request, here: May, asked: Annotated[Asked, Form()]) -> HTMLResponse:
    """The answer. A POST, so that the number stands in no address and no log; it changes nothing."""
    if not asked.iban:
        problem = here.language.say("Indiquez un IBAN.")
        return page(request, here, "diagnosis.html", status=422, asked=asked, problem=problem, answers=())
    found = diagnose(
        DiagnosisReader(here.house.database), asked.iban, currency=asked.currency.upper() if asked.currency else None,
        user=here.visitor.user, check_iban=checked_iban, meanings=french(here.house.contracts), now=here.now,
    )  # fmt: skip
    if found[0].cause == _INVALID:
        problem = iban_fault(here.language, asked.iban)
        return page(request, here, "diagnosis.html", status=422, asked=asked, problem=problem, answers=())
    return page(
        request, here, "diagnosis.html", asked=asked, problem="", answers=[_shown(here, one) for one in found]
    )  # fmt: skip


def _shown(here: Here, found: Diagnosis) -> Shown:
    lines = lines_of(found, here.language, operator=here.visitor.operator)
    first = decisive(found)
    return Shown(found=found, lines=lines, first=None if first is None else lines[first])
