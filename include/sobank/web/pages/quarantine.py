"""*Quarantaine*: statements set aside, by reason, and what is decided of many of them at once (S8, S10, D3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import Field

from sobank.domain.roles import Action, may
from sobank.errors import NotFound
from sobank.services.decide_quarantine import QuarantineReport, reject_statements, release_statements
from sobank.store.quarantine import Quarantine
from sobank.store.quarantine_list import (
    QuarantineFilter,
    quarantine_ids,
    quarantine_page,
    quarantine_rows,
    reason_counts,
)
from sobank.store.scope import Thing, place_of
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.choices import Cabinets, cabinets_for
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs
from sobank.web.rule_words import NO_REASON, NONE_CHOSEN, ONE_GONE, meaning_of, remedy_of

router = APIRouter()
_SIZE: Final = 50
#: So many are decided at once; more are decided in several goes, each looked at before.
MOST_AT_ONCE: Final = 500
#: So many of a selection are shown one by one before the decision.
_SHOWN: Final = 100


Numbers = Annotated[tuple[Number, ...], Field(max_length=MOST_AT_ONCE)]


class Verdict(StrEnum):
    """What is decided of statements."""

    RELEASE = "release"
    REJECT = "reject"


class Wanted(Fields):
    """What to look for; an empty field is left out. Days are business dates, both included."""

    reason: Blank[str] = None
    cabinet: Blank[str] = None
    first: Blank[date] = None
    last: Blank[date] = None
    page: Blank[Number] = None

    def filter(self, here: Here, cabinet: str | None) -> QuarantineFilter:
        """The same, for who is there."""
        return QuarantineFilter(
            user=here.visitor.user, reason=self.reason, cabinet=cabinet, first=self.first, last=self.last
        )  # fmt: skip


class Selection(Fields):
    """Statements by their numbers, or every one that a filter finds."""

    statements: Numbers = ()
    every: Blank[bool] = None
    reason_code: Blank[str] = None
    first: Blank[date] = None
    last: Blank[date] = None


class Decision(Fields):
    """What is decided of which statements, and why."""

    statements: Numbers = ()
    verdict: Verdict = Verdict.RELEASE
    reason: Blank[str] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """Statements of one reason: what it means, what to do."""

    reason: str
    count: int
    meaning: str
    remedy: str


@router.get("/quarantine")
def quarantine(
    request: Request, wanted: Annotated[Wanted, Query()], here: Annotated[Here, Depends(Needs(Action.SEE))]
) -> HTMLResponse:
    """Reasons with their counts, and one page of the list."""
    cabinets = cabinets_for(here, wanted.cabinet)
    asked = wanted.filter(here, cabinets.wanted)
    counts = reason_counts(here.house.database, asked)
    return page(
        request,
        here,
        "quarantine.html",
        wanted=wanted,
        cabinets=cabinets,
        groups=[_group(here, reason, count) for reason, count in sorted(counts.items(), key=lambda one: -one[1])],
        found=quarantine_page(here.house.database, asked, page=wanted.page or 1, size=_SIZE),
        meanings=lambda reason: meaning_of(reason, here.house.contracts, here.language),
        where=_where(here, cabinets),
        most=MOST_AT_ONCE,
    )


def _group(here: Here, reason: str, count: int) -> Group:
    return Group(
        reason=reason,
        count=count,
        meaning=meaning_of(reason, here.house.contracts, here.language),
        remedy=remedy_of(reason, here.language),
    )


def _where(here: Here, cabinets: Cabinets) -> str | None:
    """Under which address who is there may decide of what the list shows; None where he may not."""
    if here.visitor.operator:
        return f"/quarantine/of/{cabinets.one}" if cabinets.one else "/quarantine"
    if cabinets.one is None:
        return None
    place = place_of(here.house.database, Thing.CABINET, cabinets.one, user=here.visitor.user)
    return f"/quarantine/of/{cabinets.one}" if place and may(place.profile, Action.DECIDE_QUARANTINE) else None


May = Annotated[Here, Depends(Needs(Action.DECIDE_QUARANTINE))]


@router.post("/quarantine/of/{cabinet}/preview")
def preview_of(request: Request, cabinet: str, chosen: Annotated[Selection, Form()], here: May) -> HTMLResponse:  # noqa: ARG001  resolved by Needs
    """What a decision on statements of one cabinet would concern; changes nothing."""
    return _preview(request, here, chosen, where=f"/quarantine/of/{here.at}")


@router.post("/quarantine/of/{cabinet}/decide")
def decide_of(request: Request, cabinet: str, decision: Annotated[Decision, Form()], here: May) -> Response:  # noqa: ARG001  resolved by Needs
    """Release or reject statements of one cabinet, all or none."""
    return _decide(request, here, decision, where=f"/quarantine/of/{here.at}")


@router.post("/quarantine/preview")
def preview(request: Request, chosen: Annotated[Selection, Form()], here: May) -> HTMLResponse:
    """The same for operators: of any cabinet, and of none."""
    return _preview(request, here, chosen, where="/quarantine")


@router.post("/quarantine/decide")
def decide(request: Request, decision: Annotated[Decision, Form()], here: May) -> Response:
    """The same for operators: of any cabinet, and of none."""
    return _decide(request, here, decision, where="/quarantine")


def _preview(request: Request, here: Here, chosen: Selection, *, where: str) -> HTMLResponse:
    asked = QuarantineFilter(
        user=here.visitor.user, reason=chosen.reason_code, cabinet=here.cabinet, first=chosen.first, last=chosen.last
    )  # fmt: skip
    ids = quarantine_ids(here.house.database, asked)[:MOST_AT_ONCE] if chosen.every else chosen.statements
    return _ask(request, here, Decision(statements=tuple(ids)), where=where)


def _ask(
    request: Request, here: Here, decision: Decision, *, where: str, report: QuarantineReport | None = None,
    problem: str = "", status: int = 200,
) -> HTMLResponse:  # fmt: skip
    """The page on which a decision on many is taken, with what it concerns, or why it was not taken."""
    ids = set(decision.statements)
    mine = QuarantineFilter(user=here.visitor.user, cabinet=here.cabinet)
    rows = quarantine_rows(here.house.database, mine, sorted(ids))
    return page(
        request,
        here,
        "quarantine_decide.html",
        status=status,
        decision=decision.model_copy(update={"statements": tuple(row.statement_id for row in rows)}),
        rows=rows[:_SHOWN],
        total=len(rows),
        gone=len(ids) - len(rows),
        where=where,
        refused=report.refused if report else (),
        problem=problem,
        meanings=lambda reason: meaning_of(reason, here.house.contracts, here.language),
    )


def _decide(request: Request, here: Here, decision: Decision, *, where: str) -> Response:
    if not decision.statements:
        return _ask(request, here, decision, where=where, problem=NONE_CHOSEN, status=422)
    if decision.reason is None:
        return _ask(request, here, decision, where=where, problem=NO_REASON, status=422)
    take = release_statements if decision.verdict is Verdict.RELEASE else reject_statements
    try:
        report = take(
            Quarantine(here.house.database), decision.statements, actor=here.visitor.actor, reason=decision.reason,
            now=here.now,
        )  # fmt: skip
    except NotFound:
        return _ask(request, here, decision, where=where, problem=ONE_GONE, status=409)
    if not report.applied:
        return _ask(request, here, decision, where=where, report=report, status=409)
    note = "statements_released" if decision.verdict is Verdict.RELEASE else "statements_rejected"
    return redirect(request, "/quarantine", note=note, n=len(report.decided))
