"""One statement of *Quarantaine*: the rule that it fails shown on it, and the decision (S6–S10, S13)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.roles import Action
from sobank.domain.routing import Reason
from sobank.errors import NotFound
from sobank.services.decide_quarantine import reject_statements, release_statements
from sobank.store.quarantine import Quarantine
from sobank.store.statement_sheet import EntryRow, StatementSheet, statement_sheet
from sobank.web.failing_rules import failing_rules
from sobank.web.fields import Decision
from sobank.web.pages.quarantine import Verdict
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs
from sobank.web.rule_words import GONE, NO_REASON, ON_ITS_WAY, STATUSES, UNREADABLE, meaning_of, remedy_of

router = APIRouter()
#: Other versions that are shown beside it, and movements of each.
_VERSIONS, _COMPARED = 3, 200
#: Zones of a CFONB 120 record: its code, the currency, the account.
_CODE, _CURRENCY, _ACCOUNT = slice(0, 2), slice(16, 19), slice(21, 32)
_MOVEMENTS: Final = frozenset({"03", "04"})
May = Annotated[Here, Depends(Needs(Action.DECIDE_QUARANTINE))]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a decision was not taken. verdict: which one. typed: the reason given."""

    status: int
    title: str
    verdict: Verdict
    typed: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A canonical record as it is shown. odd: what differs in it from the first one. entry: seq of its movement."""

    number: int
    text: str
    odd: tuple[str, ...]
    entry: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """Another statement of the same identity, and the movements of both side by side, with whether they differ."""

    other: StatementSheet
    pairs: tuple[tuple[EntryRow | None, EntryRow | None, bool], ...]
    cut: bool


@router.get("/quarantine/{statement}")
def statement(request: Request, statement: str, here: Annotated[Here, Depends(Needs(Action.SEE))]) -> HTMLResponse:
    """The sheet of a statement that is, or was, set aside."""
    return _sheet(request, here, int(statement))


@router.post("/quarantine/{statement}/release")
def release(request: Request, statement: str, decision: Annotated[Decision, Form()], here: May) -> Response:
    """Let it go to the next run."""
    return _decide(request, here, int(statement), Verdict.RELEASE, decision)


@router.post("/quarantine/{statement}/reject")
def reject(request: Request, statement: str, decision: Annotated[Decision, Form()], here: May) -> Response:
    """It never leaves."""
    return _decide(request, here, int(statement), Verdict.REJECT, decision)


def _decide(request: Request, here: Here, number: int, verdict: Verdict, decision: Decision) -> Response:
    if decision.reason is None:
        return _sheet(request, here, number, Problem(status=422, title=NO_REASON, verdict=verdict))
    take = release_statements if verdict is Verdict.RELEASE else reject_statements
    chosen = Quarantine(here.house.database)
    try:
        report = take(chosen, [number], actor=here.visitor.actor, reason=decision.reason, now=here.now)
    except NotFound:
        return _sheet(request, here, number, Problem(status=409, title=GONE, verdict=verdict))
    if not report.applied:
        title = UNREADABLE if any(one.unreadable for one in report.refused) else ON_ITS_WAY
        problem = Problem(status=409, title=title, verdict=verdict, typed=decision.reason)
        return _sheet(request, here, number, problem)
    note = "statements_released" if verdict is Verdict.RELEASE else "statements_rejected"
    return redirect(request, f"/quarantine/{number}", note=note, n=1)


def _sheet(request: Request, here: Here, number: int, problem: Problem | None = None) -> HTMLResponse:
    sheet = statement_sheet(here.house.database, number, user=here.visitor.user)
    rules, contracts = failing_rules(sheet, here.house.contracts), here.house.contracts
    return page(
        request,
        here,
        "quarantine_statement.html",
        status=problem.status if problem else 200,
        sheet=sheet,
        rules=rules,
        failing={seq for rule in rules or () if rule.error or rule.code in sheet.reasons for seq in rule.entries},
        noted={seq for rule in rules or () for seq in rule.entries},
        records=_records(sheet),
        versions=[_version(here, sheet, other) for other in sheet.rivals[:_VERSIONS]],
        meanings=lambda reason: meaning_of(reason, contracts, here.language),
        remedies=lambda reason: remedy_of(reason, here.language),
        statuses=STATUSES,
        decides=sheet.status == "quarantined" and here.may(Action.DECIDE_QUARANTINE),
        problem=problem,
        Reason=Reason,
    )


def _records(sheet: StatementSheet) -> list[Record]:
    """Its records, those that carry another account or currency than the first marked (S6)."""
    found, entry = [], -1
    first = sheet.records[0] if sheet.records else ""
    for number, text in enumerate(sheet.records, start=1):
        movement = text[_CODE] in _MOVEMENTS
        entry += movement
        differs = {"compte": text[_ACCOUNT] != first[_ACCOUNT], "devise": text[_CURRENCY] != first[_CURRENCY]}
        odd = tuple(name for name, yes in differs.items() if yes)
        found.append(Record(number=number, text=text, odd=odd, entry=entry if movement else None))
    return found


def _version(here: Here, sheet: StatementSheet, other: int) -> Version:
    theirs = statement_sheet(here.house.database, other, user=here.visitor.user)
    both = zip_longest(sheet.entries, theirs.entries)
    pairs = tuple((mine, his, mine != his) for mine, his in both)
    return Version(other=theirs, pairs=pairs[:_COMPARED], cut=len(pairs) > _COMPARED)
