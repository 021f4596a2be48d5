"""The stored statements of one account, for a copy that changes nothing in the delivery ledger (A11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from sobank.domain.iban import masked
from sobank.domain.registry import Profile
from sobank.domain.roles import Action
from sobank.errors import NotFound
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.schema import accounts, memberships, statements
from sobank.store.standing import is_accepted


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """An account to copy, and the profile of the one who asks on its cabinet; None for the operator."""

    id: int
    cabinet_id: int
    profile: Profile | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """What is copied: accounts of the IBAN, and the days asked for."""

    iban: str
    accounts: tuple[Copied, ...]
    first: date | None
    last: date | None


class AccountStatements:
    """Copies of an account's statements, associated or not, in order of date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, iban: str, *, first: date | None, last: date | None, user: str | None) -> Copy:
        """The accounts of an IBAN (spaces allowed), in every currency, on the cabinets of `user`.

        Args:
            first, last: business days, included; None is from the beginning, or to the end. user: None is the operator.
        Raises:
            NotFound: none of these cabinets has registered it.
        """
        number = iban.replace(" ", "").upper()
        member = sa.and_(memberships.c.cabinet_id == accounts.c.cabinet_id, memberships.c.user == user)
        query = (
            sa.select(accounts.c.id, accounts.c.cabinet_id, memberships.c.profile)
            .select_from(accounts.outerjoin(memberships, member))
            .where(accounts.c.bban == number[4:])
            .order_by(accounts.c.id)
        )
        if user is not None:
            query = query.where(memberships.c.profile.is_not(None))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        if not rows:
            raise NotFound(
                "no cabinet that you may see has registered this IBAN",
                subject=masked(number),
                remedy="check it with `sobank accounts list`",
            )
        found = tuple(
            Copied(id=row.id, cabinet_id=row.cabinet_id, profile=Profile(row.profile) if row.profile else None)
            for row in rows
        )
        return Copy(iban=number, accounts=found, first=first, last=last)

    def records(self, copy: Copy) -> Iterator[bytes]:
        """Canonical records of each statement; those that are set aside or rejected are left out."""
        c = statements.c
        query = (
            sa.select(c.records)
            .where(c.account_id.in_([account.id for account in copy.accounts]), is_accepted())
            .order_by(c.closing_date, c.opening_date, c.content_sha256)
        )
        if copy.first:
            query = query.where(c.business_date >= copy.first)
        if copy.last:
            query = query.where(c.business_date <= copy.last)
        with self._database.read() as connection:
            yield from connection.execution_options(yield_per=200).execute(query).scalars()

    def log(self, copy: Copy, roles: Mapping[int, str], *, actor: str, form: str, now: datetime) -> None:
        """Note who takes a copy, of what, in which format: one event on each cabinet (id), in the role there (A13)."""
        days = {
            "from": copy.first.isoformat() if copy.first else None,
            "to": copy.last.isoformat() if copy.last else None,
        }
        with self._database.write() as connection:
            for cabinet_id, role in sorted(roles.items()):
                audit.record(
                    connection,
                    at=now,
                    actor=actor,
                    role=role,
                    action=Action.DOWNLOAD,
                    subject=f"account:{masked(copy.iban)}",
                    before=None,
                    after={"format": form} | days,
                    cabinet_id=cabinet_id,
                )
