"""Statements set aside: list them, show one, and carry out what a named person decides (S8, S10, D3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from sobank.domain.iban import masked
from sobank.errors import NotFound, RegistryError
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.schema import accounts, bank_files, cabinets, entries, quarantine, statements

_PAGE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """A statement in quarantine. `iban` is masked; amounts in minor units; `reasons` in the order they were found."""

    statement_id: int
    iban: str
    cabinet: str | None
    bank_file: str
    position: int
    business_date: date
    currency: str
    decimals: int
    opening: int | None
    closing: int | None
    n_entries: int
    sum: int
    reasons: tuple[str, ...]
    since: datetime


class Quarantine:
    """The quarantine of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, *, reason: str | None = None, cabinet: str | None = None, after: int = 0) -> list[SetAside]:
        """Up to 500 statements set aside, in order of id from `after` on; of one reason or cabinet if asked."""
        wanted = sa.select(quarantine.c.statement_id).where(quarantine.c.closed_at.is_(None))
        if reason:
            wanted = wanted.where(quarantine.c.reason == reason)
        query = (
            sa.select(statements, accounts.c.iban, cabinets.c.code, bank_files.c.name.label("bank_file"))
            .select_from(
                statements.join(bank_files, bank_files.c.id == statements.c.bank_file_id)
                .outerjoin(accounts, accounts.c.id == statements.c.account_id)
                .outerjoin(cabinets, cabinets.c.id == accounts.c.cabinet_id)
            )
            .where(statements.c.status == "quarantined", statements.c.id.in_(wanted), statements.c.id > after)
            .order_by(statements.c.id)
            .limit(_PAGE)
        )
        if cabinet:
            query = query.where(cabinets.c.code == cabinet)
        with self._database.read() as connection:
            rows = connection.execute(query).mappings().all()
            open_rows = connection.execute(
                sa.select(quarantine.c.statement_id, quarantine.c.reason, quarantine.c.opened_at)
                .where(quarantine.c.statement_id.in_([r["id"] for r in rows]), quarantine.c.closed_at.is_(None))
                .order_by(quarantine.c.id)
            ).all()
        reasons: dict[int, list[tuple[str, datetime]]] = {}
        for statement_id, why, since in open_rows:
            reasons.setdefault(statement_id, []).append((why, since))
        return [_set_aside(row, reasons[row["id"]]) for row in rows]

    def shown(self, statement_id: int) -> SetAside:
        """One statement that is set aside.

        Raises:
            NotFound: there is no such statement in quarantine.
        """
        found = [row for row in self.listed(after=statement_id - 1) if row.statement_id == statement_id]
        if not found:
            raise NotFound(
                "no such statement in quarantine",
                subject=f"statement {statement_id}",
                remedy="`sobank quarantine list` shows those there are; it may have been decided meanwhile",
            )
        return found[0]

    def amounts(self, statement_id: int) -> list[tuple[int, date, date | None, int]]:
        """Entries of a statement without their labels: seq, booking date, value date, amount in minor units."""
        c = entries.c
        query = sa.select(c.seq, c.booking_date, c.value_date, c.amount).where(c.statement_id == statement_id)
        with self._database.read() as connection:
            return [
                (seq, booked, valued, amount)
                for seq, booked, valued, amount in connection.execute(query.order_by(c.seq))
            ]

    def release(self, ids: Sequence[int], *, actor: str, why: str, now: datetime) -> int:
        """Let statements go to the next decision, their reasons waived; all or none. Returns how many.

        Raises:
            NotFound: one is not in quarantine.
            RegistryError: one cannot be read whole, or the same statement with other content is already on its way.
        """
        with self._database.write() as connection:
            self._require(connection, ids)
            self._refuse_unreadable(connection, ids)
            self._refuse_conflicting(connection, ids)
            self._close(connection, ids, "released", actor, why, now)
            number = (
                sa.select(accounts.c.id)
                .where(accounts.c.bban == statements.c.bban, accounts.c.currency == statements.c.currency)
                .order_by(accounts.c.closed_at.is_not(None), accounts.c.id)
                .limit(1)
                .scalar_subquery()
            )
            connection.execute(
                statements.update().where(statements.c.id.in_(ids)).values(status="pending", account_id=number)
            )
        return len(ids)

    def reject(self, ids: Sequence[int], *, actor: str, why: str, now: datetime) -> int:
        """Decide that statements never leave; all or none. Returns how many.

        Raises:
            NotFound: one is not in quarantine.
        """
        with self._database.write() as connection:
            self._require(connection, ids)
            self._close(connection, ids, "rejected", actor, why, now)
            connection.execute(statements.update().where(statements.c.id.in_(ids)).values(status="rejected"))
        return len(ids)

    def _require(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        query = sa.select(statements.c.id).where(statements.c.id.in_(ids), statements.c.status == "quarantined")
        if not self._database.is_sqlite:
            query = query.with_for_update()
        missing = sorted(set(ids) - set(connection.execute(query).scalars()))
        if missing or not ids:
            raise NotFound(
                "not in quarantine; nothing was changed",
                subject="statements " + ", ".join(str(i) for i in missing[:10]),
                remedy="`sobank quarantine list` shows those there are",
            )

    def _refuse_unreadable(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        c = statements.c
        unread = (c.opening.is_(None), c.opening_date.is_(None), c.closing.is_(None), c.closing_date.is_(None))
        query = sa.select(c.id).where(c.id.in_(ids), sa.or_(*unread))
        if found := connection.execute(query).scalars().all():
            raise RegistryError(
                "has no readable balance or date, so no partner could take it",
                subject="statements " + ", ".join(str(i) for i in found[:10]),
                remedy="ask the bank to send it again, then reject this one",
            )

    def _refuse_conflicting(self, connection: sa.Connection, ids: Sequence[int]) -> None:
        other = statements.alias()
        query = (
            sa.select(statements.c.id, other.c.id)
            .where(
                statements.c.id.in_(ids),
                other.c.identity == statements.c.identity,
                other.c.id != statements.c.id,
                sa.or_(other.c.status.in_(["pending", "decided"]), other.c.id.in_(ids)),
            )
            .limit(1)
        )
        if found := connection.execute(query).first():
            raise RegistryError(
                f"the same statement with other content (statement {found[1]}) is already on its way or delivered",
                subject=f"statement {found[0]}",
                remedy="reject this one; if it is the right one, agree the correction with the partner by hand",
            )

    def _close(
        self, connection: sa.Connection, ids: Sequence[int], resolution: str, actor: str, why: str, now: datetime
    ) -> None:
        if not actor.strip() or not why.strip():
            raise RegistryError("a decision needs a name and a reason", remedy="give --by NAME and --why TEXT")
        connection.execute(
            quarantine.update()
            .where(quarantine.c.statement_id.in_(ids), quarantine.c.closed_at.is_(None))
            .values(closed_at=now, resolution=resolution, resolved_by=actor, resolution_reason=why)
        )
        events = [
            {
                "action": f"quarantine.{resolution}",
                "subject": f"statement:{statement_id}",
                "before": {"status": "quarantined"},
                "after": {"status": "pending" if resolution == "released" else "rejected"},
                "cabinet_id": None,
                "reason": why,
            }
            for statement_id in ids
        ]
        audit.record_many(connection, events, at=now, actor=actor, role=None)


def _set_aside(row: sa.RowMapping, reasons: list[tuple[str, datetime]]) -> SetAside:
    return SetAside(
        statement_id=row["id"],
        iban=masked(row["iban"] or row["bban"]),
        cabinet=row["code"],
        bank_file=row["bank_file"],
        position=row["position"],
        business_date=row["business_date"],
        currency=row["currency"],
        decimals=row["decimals"],
        opening=row["opening"],
        closing=row["closing"],
        n_entries=row["n_entries"],
        sum=row["credit"] + row["debit"],
        reasons=tuple(reason for reason, _ in reasons),
        since=min(since for _, since in reasons),
    )
