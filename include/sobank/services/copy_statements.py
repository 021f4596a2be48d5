"""A copy of an account's statements, associated or not: who may take one, and that it is kept who did (A11)."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sobank.domain.iban import masked
from sobank.domain.roles import Action, scope_of
from sobank.services.allow import role_of

if TYPE_CHECKING:
    from sobank.store.account_statements import AccountStatements, Copy


def choose_copy(statements: AccountStatements, iban: str, *, first: date | None, last: date | None, actor: str) -> Copy:
    """What `actor` would copy of an IBAN (spaces allowed): its accounts on the cabinets that are the actor's.

    Raises:
        NotFound: none of these cabinets has registered it. NotAllowed: no right to a copy on one of them.
    """
    copy = statements.find(iban, first=first, last=last, user=scope_of(actor))
    _roles(copy, actor)
    return copy


def note_copy(statements: AccountStatements, copy: Copy, *, actor: str, form: str, now: datetime) -> None:
    """Keep in the audit trail that `actor` takes the copy, before it is handed out (A13).

    Raises:
        NotAllowed: no right to a copy on one of its cabinets.
    """
    statements.log(copy, _roles(copy, actor), actor=actor, form=form, now=now)


def _roles(copy: Copy, actor: str) -> dict[int, str]:
    subject = masked(copy.iban)
    return {one.cabinet_id: role_of(actor, one.profile, Action.DOWNLOAD, subject=subject) for one in copy.accounts}
