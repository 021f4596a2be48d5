"""The statements of one account: each with its movements, and a copy of as many as are asked for (A11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse

from sobank.domain.roles import Action
from sobank.errors import NotFound
from sobank.formats.account_copy import write_copy
from sobank.services.copy_statements import choose_copy, note_copy
from sobank.store.account_sheet import statement_of_account
from sobank.store.account_statements import AccountStatements
from sobank.store.statement_sheet import MOST_ENTRIES, statement_sheet
from sobank.web.fields import Blank, Fields, Number
from sobank.web.pages.account_sheet import Typed, account_of, meanings, shown
from sobank.web.rendering import page
from sobank.web.rights import Here, Needs
from sobank.web.statement_words import FORMATS, foreseen

router = APIRouter()
_SIZE: Final = 100
_IN_MEMORY: Final = 4 << 20
_PIECE: Final = 1 << 16


class Wanted(Fields):
    """Which page of the movements."""

    page: Blank[Number] = None


class DownloadForm(Fields):
    """Days of the statements, both included, and the format of the copy."""

    first: Blank[date] = None
    last: Blank[date] = None
    form: Blank[str] = None


@router.get("/accounts/{account}/statements/{statement}")
def statement(
    request: Request,
    account: int,
    statement: int,
    wanted: Annotated[Wanted, Query()],
    here: Annotated[Here, Depends(Needs(Action.SEE))],
) -> HTMLResponse:
    """One statement with its movements: the path names the account, so it must be the account's."""
    database, user = here.house.database, here.visitor.user
    row = account_of(here, account)
    one = statement_of_account(database, account, statement, user=user)
    if one is None:
        raise NotFound("no such statement", subject=str(statement), remedy="look for it in the list")
    whole = statement_sheet(database, statement, user=user)
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
        statements = AccountStatements(here.house.database)
        chosen = choose_copy(statements, row.iban, first=form.first, last=form.last, actor=here.visitor.actor)
        chosen = replace(chosen, accounts=tuple(one for one in chosen.accounts if one.id == account))
        copy = cast("IO[bytes]", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  closed when it was sent
        if write_copy(statements.records(chosen), kind, cast("Any", copy)):
            note_copy(statements, chosen, actor=here.visitor.actor, form=kind, now=here.now)
            return _sent(copy, kind, f"releves-{row.iban[-4:]}", form)
        copy.close()
        problem = here.language.say("Aucun relevé de ce compte sur cette période.")
    typed = Typed(place="download", values=form.model_dump(), problem=problem)
    return shown(request, here, account, typed=typed, status=422)


def _incomplete(here: Here, form: DownloadForm, kind: str) -> str:
    if not kind:
        return here.language.say("Choisissez un format.")
    if form.first and form.last and form.first > form.last:
        return here.language.say("La période finit avant de commencer.")
    return ""


def _sent(copy: IO[bytes], kind: str, name: str, form: DownloadForm) -> Response:
    """The file from its beginning. Its name says which days were asked for, and of the IBAN the end alone (O3)."""
    _, suffix, media = FORMATS[kind]
    days = "".join(f"-{at:%Y%m%d}" for at in (form.first, form.last) if at)
    headers = {"Content-Disposition": f'attachment; filename="{name}{days}.{suffix}"'}
    return StreamingResponse(_pieces(copy), headers=headers, media_type=media)


def _pieces(copy: IO[bytes]) -> Iterator[bytes]:
    with copy:
        copy.seek(0)
        while piece := copy.read(_PIECE):
            yield piece
