"""The stored statements of one account, for a copy that changes nothing in the delivery ledger (A11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from sobank.domain.iban import masked
from sobank.errors import NotFound
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.schema import accounts, cabinets, statements


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """What is copied: account ids of the IBAN, and the days asked for."""

    iban: str
    account_ids: tuple[int, ...]
    first: date | None
    last: date | None


class AccountStatements:
    """Copies of an account's statements, associated or not, in order of date."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, iban: str, *, first: date | None, last: date | None) -> Copy:
        """The account of an IBAN (spaces allowed).

        Raises:
            NotFound: no cabinet has registered it.
        """
        number = iban.replace(" ", "").upper()
        with self._database.read() as connection:
            ids = connection.execute(sa.select(accounts.c.id).where(accounts.c.bban == number[4:])).scalars().all()
        if not ids:
            raise NotFound(
                "no cabinet has registered this IBAN",
                subject=masked(number),
                remedy="check it with `sobank accounts list`",
            )
        return Copy(iban=number, account_ids=tuple(ids), first=first, last=last)

    def records(self, copy: Copy) -> Iterator[bytes]:
        """Canonical records of each statement; those that are set aside or rejected are left out."""
        c = statements.c
        query = (
            sa.select(c.records)
            .where(c.account_id.in_(copy.account_ids), c.status.in_(["pending", "decided"]))
            .order_by(c.closing_date, c.opening_date, c.content_sha256)
        )
        if copy.first:
            query = query.where(c.business_date >= copy.first)
        if copy.last:
            query = query.where(c.business_date <= copy.last)
        with self._database.read() as connection:
            yield from connection.execution_options(yield_per=200).execute(query).scalars()

    def log(self, copy: Copy, *, actor: str, form: str, now: datetime) -> None:
        """Note who took a copy, of what, in which format (A13)."""
        with self._database.write() as connection:
            cabinet_id = connection.execute(
                sa.select(accounts.c.cabinet_id)
                .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
                .where(accounts.c.id == copy.account_ids[0])
            ).scalar_one()
            audit.record(
                connection,
                at=now,
                actor=actor,
                role=None,
                action="account.download",
                subject=f"account:{masked(copy.iban)}",
                before=None,
                after={
                    "format": form,
                    "from": copy.first.isoformat() if copy.first else None,
                    "to": copy.last.isoformat() if copy.last else None,
                },
                cabinet_id=cabinet_id,
            )
