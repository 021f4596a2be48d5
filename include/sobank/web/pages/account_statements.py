"""The statements of one account: each with its movements, and a copy of as many as are asked for (A11)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from sobank.domain.roles import Action
from sobank.errors import NotFound
from sobank.store.account_sheet import statement_of_account
from sobank.store.statement_sheet import MOST_ENTRIES, statement_sheet
from sobank.web.account_copy import copied
from sobank.web.fields import Blank, Fields, Leaf
from sobank.web.pages.account_sheet import Typed, meanings, shown
from sobank.web.path_account import account_of
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs, number_of
from sobank.web.statement_words import FORMATS, foreseen

router = APIRouter()
_SIZE: Final = 100


class DownloadForm(Fields):
    """Days of the statements, both included, and the format of the copy."""

    first: Blank[date] = None
    last: Blank[date] = None
    form: Blank[str] = None


@router.get("/accounts/{account}/statements/{statement}")
def statement(
    request: Request,
    account: int,
    statement: str,
    wanted: Annotated[Leaf, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """One statement with its movements: the path names the account, so it must be the account's."""
    database, user = here.house.database, here.visitor.user
    row = account_of(here, account)
    key = number_of(statement)
    one = None if key is None else statement_of_account(database, account, key, user=user)
    if one is None:
        raise NotFound("no such statement", subject=statement[:40], remedy="look for it in the list")
    whole = statement_sheet(database, one.id, user=user)
    number = wanted.page or 1
    entries = whole.entries[(number - 1) * _SIZE : number * _SIZE]
    return page(
        request, here, "account_statement.html", account=row, one=one, whole=whole, entries=entries,
        number=number, size=_SIZE, more=number * _SIZE < len(whole.entries), most=MOST_ENTRIES,
        meanings=meanings(here, (one,)), next_run=foreseen(row.mandate, closed=row.closed),
    )  # fmt: skip


@router.post("/accounts/{account}/download")
def download(
    request: Request,
    account: int,
    form: Annotated[DownloadForm, Form()],
    here: Annotated[Here, Depends(Needs(Action.DOWNLOAD))],
) -> Response:
    """A copy of the account's statements, associated or not; noted, and nothing in the delivery ledger changes."""
    row = account_of(here, account)
    kind = form.form if form.form in FORMATS else ""
    problem = _incomplete(here, form, kind)
    if not problem:
        if copy := copied(here, row, kind, first=form.first, last=form.last):
            return copy
        problem = here.language.say("Aucun relevé de ce compte sur cette période.")
    typed = Typed(place="download", values=form.model_dump(), problem=problem)
    return shown(request, here, account, typed=typed, status=422)


def _incomplete(here: Here, form: DownloadForm, kind: str) -> str:
    if not kind:
        return here.language.say("Choisissez un format.")
    if form.first and form.last and form.first > form.last:
        return here.language.say("La période finit avant de commencer.")
    return ""
