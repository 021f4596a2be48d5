"""The file of a specific download, for the pages and the API: made, noted, and sent from its beginning (A11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final, cast

from fastapi.responses import Response, StreamingResponse

from sobank.formats.account_copy import write_copy
from sobank.services.copy_statements import choose_copy, note_copy
from sobank.store.account_list import AccountRow
from sobank.store.account_statements import AccountStatements
from sobank.web.rights import Here
from sobank.web.statement_words import FORMATS

_IN_MEMORY: Final = 4 << 20
_PIECE: Final = 1 << 16


def copied(here: Here, account: AccountRow, form: str, *, first: date | None, last: date | None) -> Response | None:
    """A copy of the account's statements as a download, noted; None where it has none in these days, both included.

    Nothing in the delivery ledger changes. Its name says which days were asked for, and of the IBAN the end alone (O3).
    """
    statements = AccountStatements(here.house.database)
    chosen = choose_copy(statements, account.iban, first=first, last=last, actor=here.visitor.actor)
    chosen = replace(chosen, accounts=tuple(one for one in chosen.accounts if one.id == account.id))
    copy = cast("IO[bytes]", SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115  closed when it was sent
    if not write_copy(statements.records(chosen), form, cast("Any", copy), country=chosen.iban[:2]):
        copy.close()
        return None
    note_copy(statements, chosen, actor=here.visitor.actor, form=form, now=here.now)
    _, suffix, media = FORMATS[form]
    days = "".join(f"-{at:%Y%m%d}" for at in (first, last) if at)
    headers = {"Content-Disposition": f'attachment; filename="releves-{account.iban[-4:]}{days}.{suffix}"'}
    return StreamingResponse(_pieces(copy), headers=headers, media_type=media)


def _pieces(copy: IO[bytes]) -> Iterator[bytes]:
    with copy:
        copy.seek(0)
        while piece := copy.read(_PIECE):
            yield piece
