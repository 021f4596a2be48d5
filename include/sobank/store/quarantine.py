"""What a decision on statements set aside looks at and writes, in one transaction (S8, S10, D3, A13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.registry import Profile
from sobank.store import audit
from sobank.store.database import Database
from sobank.store.listing import cabinets_of
from sobank.store.registry import in_parts
from sobank.store.schema import accounts, cabinets, memberships, quarantine, statements
from sobank.store.standing import is_accepted, is_unreadable, list_undecided

_LOCK: Final = "quarantine"
#: Who has registered a number so does not claim it any more (D3).
_GIVEN_UP: Final = sa.or_(accounts.c.closed_at.is_not(None), cabinets.c.closed_at.is_not(None))


@dataclass(frozen=True, kw_only=True, slots=True)
class Whose:
    """The cabinet of a statement, None where nobody knows it (S13), and the profile of the one who asks on it."""

    cabinet_id: int | None
    profile: Profile | None


class Quarantine:
    """The quarantine of a database, for decisions; `sobank.store.quarantine_list` reads it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def change(self) -> Iterator[QuarantineChange]:
        """One decision: all of it is committed when the block ends, none of it when the block raises.

        One at a time anywhere: of two statements that contradict each other (S10) each lets only one be released.
        """
        with self._database.exclusive(_LOCK) as connection:
            yield QuarantineChange(connection)


class QuarantineChange:
    """One decision on several statements; every list of ids may be of any length."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def set_aside(self, ids: Sequence[int], *, user: str | None) -> dict[int, Whose]:
        """Which of these are in quarantine and on a cabinet of `user`, and whose they are; they are locked.

        user: None is the operator, who sees every one, also those whose account nobody knows.
        """
        member = sa.and_(memberships.c.cabinet_id == accounts.c.cabinet_id, memberships.c.user == user)
        query = (
            sa.select(statements.c.id, accounts.c.cabinet_id, memberships.c.profile)
            .select_from(
                statements.outerjoin(accounts, accounts.c.id == statements.c.account_id).outerjoin(memberships, member)
            )
            .where(statements.c.status == "quarantined")
            # In one order for everybody: two decisions that overlap wait for one another, none for ever.
            .order_by(statements.c.id)
            .with_for_update(of=statements)
        )
        if user is not None:
            query = query.where(memberships.c.profile.is_not(None))
        return {
            row.id: Whose(cabinet_id=row.cabinet_id, profile=Profile(row.profile) if row.profile else None)
            for row in self._rows(query, sorted(set(ids)))
        }

    def unreadable(self, ids: Sequence[int]) -> list[int]:
        """Those of them that have no readable balance or date, or a piece that is no record."""
        c = statements.c
        return [row.id for row in self._rows(sa.select(c.id).where(is_unreadable()).order_by(c.id), ids)]

    def rivals(self, ids: Sequence[int]) -> dict[int, int]:
        """Of those that may not leave beside another statement of the same identity, that other one's id (S10).

        It is on its way, or it is among `ids` too.
        """
        identities = {
            row.id: row.identity for row in self._rows(sa.select(statements.c.id, statements.c.identity), ids)
        }
        on_their_way: dict[bytes, int] = {}
        for part in in_parts(sorted(set(identities.values()))):
            query = sa.select(statements.c.identity, statements.c.id).where(
                statements.c.identity.in_(part), is_accepted()
            )
            on_their_way |= {row.identity: row.id for row in self._connection.execute(query)}
        found: dict[int, int] = {}
        for id_, identity in sorted(identities.items()):
            if identity in on_their_way:
                found[id_] = on_their_way[identity]
            else:
                on_their_way[identity] = id_
        return found

    def visible(self, ids: Sequence[int], *, user: str | None) -> set[int]:
        """Those of some statements, in quarantine or not, that a person may see; None is the operator, who sees all."""
        query = sa.select(statements.c.id)
        if user is not None:
            query = query.join(accounts, accounts.c.id == statements.c.account_id).where(
                accounts.c.cabinet_id.in_(cabinets_of(user))
            )
        return {row.id for row in self._rows(query, ids)}

    def release(self, ids: Sequence[int], *, rehome: bool) -> dict[int, int | None]:
        """Let them go to the next decision; the cabinet of each now, None where still nobody knows its account.

        A statement without an account gets the one that was registered meanwhile. rehome: so does one whose account or
        cabinet is closed, where an open cabinet has registered the number too: it leaves to that one then.
        """
        self._set(ids, {"status": "accepted"})
        nobodys, own = statements.c.account_id.is_(None), _owners().scalar_subquery()
        taken_over = _owners().where(~_GIVEN_UP).scalar_subquery()
        for part in in_parts(ids):
            chosen = statements.c.id.in_(part)
            self._connection.execute(sa.update(statements).where(chosen, nobodys).values(account_id=own))
            if rehome:
                left = sa.and_(chosen, statements.c.account_id.in_(_given_up()))
                account = sa.func.coalesce(taken_over, statements.c.account_id)
                self._connection.execute(sa.update(statements).where(left).values(account_id=account))
            list_undecided(self._connection, chosen)
        query = sa.select(statements.c.id, accounts.c.cabinet_id).outerjoin(
            accounts, accounts.c.id == statements.c.account_id
        )
        return {row.id: row.cabinet_id for row in self._rows(query, ids)}

    def reject(self, ids: Sequence[int]) -> None:
        """They never leave."""
        self._set(ids, {"status": "rejected"})

    def close(self, ids: Sequence[int], *, resolution: str, actor: str, reason: str, at: datetime) -> None:
        """Note on each open reason who ended it, how (`released` or `rejected`), and why."""
        closed = {"closed_at": at, "resolution": resolution, "resolved_by": actor, "resolution_reason": reason}
        for part in in_parts(ids):
            open_ = sa.and_(quarantine.c.statement_id.in_(part), quarantine.c.closed_at.is_(None))
            self._connection.execute(sa.update(quarantine).where(open_).values(**closed))

    def record(self, events: Sequence[Mapping[str, Any]], *, at: datetime, actor: str, role: str) -> None:
        """Add audit events (A13); see `store.audit.record_many`."""
        audit.record_many(self._connection, events, at=at, actor=actor, role=role)

    def _rows(self, query: sa.Select[Any], ids: Sequence[int]) -> Iterator[sa.Row[Any]]:
        for part in in_parts(ids):
            yield from self._connection.execute(query.where(statements.c.id.in_(part)))

    def _set(self, ids: Sequence[int], values: Mapping[str, Any]) -> None:
        for part in in_parts(ids):
            self._connection.execute(sa.update(statements).where(statements.c.id.in_(part)).values(**values))


def _owners() -> sa.Select[Any]:
    """Of the accounts of a statement's number the one that is its own: an open one of an open cabinet, if there is."""
    return (
        sa.select(accounts.c.id)
        .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        .where(accounts.c.bban == statements.c.bban, accounts.c.currency == statements.c.currency)
        .order_by(_GIVEN_UP, accounts.c.id)
        .limit(1)
    )


def _given_up() -> sa.Select[Any]:
    """Accounts that their cabinets do not claim any more."""
    return sa.select(accounts.c.id).join(cabinets, cabinets.c.id == accounts.c.cabinet_id).where(_GIVEN_UP)
