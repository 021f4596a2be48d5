"""*Fiche IBAN*: one account, its mandate and its connector step by step, and where each of its statements went (A9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.balance_chain import Link, chained
from sobank.domain.day import BANK_ZONE
from sobank.domain.registry import ENDED_STEPS, MandateStep
from sobank.domain.roles import Action
from sobank.errors import NotAllowed, NotFound, RegistryError
from sobank.services.step_mandate import FIRST_DAY, following_steps, step_mandate
from sobank.store.account_history import association_history, mandate_history
from sobank.store.account_list import AccountRow
from sobank.store.account_sheet import AccountSheet, StatementOfAccount, account_sheet
from sobank.store.choices import connectors_to_choose
from sobank.store.registry_edit import RegistryEditor
from sobank.web.balance_chart import chart
from sobank.web.fields import Blank, Fields, Leaf
from sobank.web.path_account import account_of
from sobank.web.rendering import page, redirect
from sobank.web.rights import Here, Needs
from sobank.web.rule_words import meaning_of
from sobank.web.statement_words import FORMATS, foreseen

router = APIRouter()
_SIZE: Final = 50


class MandateForm(Fields):
    """The step that was taken, and on which Paris day; why, where the mandate ends by it."""

    step: Blank[MandateStep] = None
    on: Blank[date] = None
    reason: Blank[str] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    """What was typed into a form that is shown again, and what is wrong with it. place: the form."""

    place: str
    values: dict[str, Any]
    problem: str


@router.get("/accounts/{account}")
def sheet(
    request: Request,
    account: int,
    wanted: Annotated[Leaf, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """Everything about one account."""
    return shown(request, here, account, page_number=wanted.page or 1)


@router.post("/accounts/{account}/mandate")
def mandate(
    request: Request,
    account: int,
    form: Annotated[MandateForm, Form()],
    here: Annotated[Here, Depends(Needs(Action.SET_MANDATE))],
) -> Response:
    """Take a step of the mandate; what is refused is said in its place, and what was typed stays."""
    row = account_of(here, account)
    today = here.now.astimezone(BANK_ZONE).date()
    problem, status = _incomplete(here, form), 422
    if not problem and form.step is not None:
        try:
            step_mandate(
                RegistryEditor(here.house.database), iban=row.iban, step=form.step, on=form.on or today,
                actor=here.visitor.actor, now=here.now, cabinet=row.cabinet, currency=row.currency, reason=form.reason,
            )  # fmt: skip
        except (NotAllowed, NotFound):
            raise
        except RegistryError:
            problem, status = _refused(here, row, form.step, form.on or today, today), 409
    if not problem:
        return redirect(request, f"/accounts/{account}", note="mandate_stepped")
    typed = Typed(place="mandate", values=form.model_dump(), problem=problem)
    return shown(request, here, account, typed=typed, status=status)


def shown(
    request: Request,
    here: Here,
    account: int,
    *,
    page_number: int = 1,
    typed: Typed | None = None,
    status: int = 200,
) -> HTMLResponse:
    """The sheet, with a form as it was typed where it could not be carried out."""
    database, user, row = here.house.database, here.visitor.user, account_of(here, account)
    found = account_sheet(database, account, user=user, page=page_number, size=_SIZE)
    links = _links(found)
    taken = mandate_history(database, account, user=user)
    return page(
        request, here, "account_sheet.html", status=status,
        account=row,
        since=_paris_day(row.mandate_since),
        steps=[(step, _paris_day(datetime.fromisoformat(step.since))) for step in taken],
        following=[step for step in MandateStep if step in following_steps(row.mandate)],
        ended=ENDED_STEPS,
        today=here.now.astimezone(BANK_ZONE).date(),
        associations=association_history(database, account, user=user),
        offered=connectors_to_choose(database, [row.cabinet], user=user)[row.cabinet],
        found=found.page,
        links=links,
        picture=chart(list(links.values())),
        meanings=meanings(here, found.page.rows),
        next_run=foreseen(row.mandate, closed=row.closed),
        formats=FORMATS,
        actions=Action,
        typed=typed,
    )  # fmt: skip


def meanings(here: Here, rows: tuple[StatementOfAccount, ...]) -> dict[str, str]:
    """What the reasons and warnings of some statements mean, by their code."""
    codes = {code for row in rows for code in (*row.reasons, *row.warnings)}
    return {code: meaning_of(code, here.house.contracts, here.language) for code in sorted(codes)}


def _links(found: AccountSheet) -> dict[int, Link]:
    """The statements of the page that have a place in the chain, in its order."""
    mine = {row.id for row in found.page.rows}
    balances = [*found.older, *(row.balances for row in found.page.rows if row.balances)]
    return {link.balances.id: link for link in chained(balances) if link.balances.id in mine}


def _paris_day(at: datetime | None) -> date | None:
    return at.astimezone(BANK_ZONE).date() if at else None


def _incomplete(here: Here, form: MandateForm) -> str:
    if form.step is None:
        return here.language.say("Choisissez l'étape.")
    if form.step in ENDED_STEPS and not form.reason:
        return here.language.say("Indiquez le motif : un mandat qui prend fin arrête la collecte du compte.")
    return ""


def _refused(here: Here, row: AccountRow, step: MandateStep, on: date, today: date) -> str:
    """Why the service refused, in the words of the page."""
    if on > today:
        return here.language.say("Cette date est à venir : une étape se note le jour où elle est franchie, ou après.")
    if on < FIRST_DAY:
        return here.language.say("Cette date est trop ancienne : aucun mandat n'est d'avant 1990.")
    if step is row.mandate:
        return here.language.say("Cette date précède celle de l'étape précédente du mandat.")
    if step not in following_steps(row.mandate):
        return here.language.say("Cette étape ne suit pas l'étape actuelle : la page a pu changer entre-temps.")
    return here.language.say("Cette date précède celle de l'étape actuelle : corrigez d'abord cette dernière.")
