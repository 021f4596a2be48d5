"""What changes of one thing of the registry look at and write, from cabinets to members (A2, A9, A13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sobank.domain.registry import MandateStep, Profile
from sobank.store.database import Database
from sobank.store.registry import REGISTRY_LOCK, RegistryChange, in_parts
from sobank.store.schema import accounts, audit_events, cabinets, dossiers, mandates, memberships


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountOfIban:
    """An account with its current mandate; `step` and `since` are None where none was ever started."""

    id: int
    iban: str
    currency: str
    cabinet: str
    dossier: str
    closed: bool
    mandate_id: int | None
    step: MandateStep | None
    since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StepTaken:
    """One step of a mandate as the audit trail has it: since when it holds, who noted it, when, and why."""

    step: str
    since: str
    actor: str
    at: datetime
    reason: str | None


class RegistryEditor:
    """The registry of one database, for changes of one thing at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def change(self) -> Iterator[RegistryEdit]:
        """One change: all of it is committed when the block ends, none of it when the block raises."""
        with self._database.exclusive(REGISTRY_LOCK) as connection:
            yield RegistryEdit(connection)

    @contextmanager
    def look(self) -> Iterator[RegistryEdit]:
        """One snapshot: nothing can be changed, nobody is kept waiting."""
        with self._database.read() as connection:
            yield RegistryEdit(connection)


class RegistryEdit(RegistryChange):
    """What a service reads and writes within one transaction."""

    def dossier(self, cabinet_id: int, reference: str) -> int | None:
        """Id of the dossier of that reference on a cabinet."""
        query = sa.select(dossiers.c.id).where(dossiers.c.cabinet_id == cabinet_id, dossiers.c.reference == reference)
        return self.connection.scalar(query)

    def add_dossier(self, cabinet_id: int, reference: str, fields: Mapping[str, Any]) -> int:
        """Register a dossier; its id."""
        values = {"cabinet_id": cabinet_id, "reference": reference} | dict(fields)
        id_: int = self.connection.execute(sa.insert(dossiers).returning(dossiers.c.id), values).scalar_one()
        return id_

    def add_cabinet(self, code: str, fields: Mapping[str, Any]) -> int:
        """Register a cabinet; its id."""
        added = sa.insert(cabinets).returning(cabinets.c.id)
        id_: int = self.connection.execute(added, {"code": code} | dict(fields)).scalar_one()
        return id_

    def identity(self, cabinet_id: int) -> dict[str, Any]:
        """What is told of a cabinet, by column."""
        c = cabinets.c
        query = sa.select(c.name, c.siret, c.address, c.production_software).where(c.id == cabinet_id)
        return dict(self.connection.execute(query).one()._mapping)

    def set_identity(self, cabinet_id: int, fields: Mapping[str, Any]) -> None:
        """Change what is told of a cabinet."""
        self.connection.execute(sa.update(cabinets).where(cabinets.c.id == cabinet_id).values(**fields))

    def accounts_of_iban(
        self, bban: str, *, user: str | None, cabinet: str | None = None, currency: str | None = None
    ) -> list[AccountOfIban]:
        """Accounts of that number, those of the cabinets of `user` only; None is the operator, who sees all."""
        query = (
            sa.select(
                accounts.c.id,
                accounts.c.iban,
                accounts.c.currency,
                cabinets.c.code.label("cabinet"),
                dossiers.c.reference.label("dossier"),
                accounts.c.closed_at.is_not(None).label("closed"),
                mandates.c.id.label("mandate_id"),
                mandates.c.step,
                mandates.c.step_since.label("since"),
            )
            .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
            .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
            .outerjoin(mandates, sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current))
            .where(accounts.c.bban == bban)
            .order_by(cabinets.c.code, accounts.c.currency)
        )
        if user is not None:
            theirs = sa.select(memberships.c.cabinet_id).where(memberships.c.user == user)
            query = query.where(accounts.c.cabinet_id.in_(theirs))
        if cabinet is not None:
            query = query.where(cabinets.c.code == cabinet)
        if currency is not None:
            query = query.where(accounts.c.currency == currency)
        return [
            AccountOfIban(**(dict(row._mapping) | {"step": MandateStep(row.step) if row.step else None}))
            for row in self.connection.execute(query)
        ]

    def ids_of(self, cabinet_id: int, bbans: Sequence[str]) -> dict[str, list[int]]:
        """Ids of a cabinet's accounts by their number, in every currency; numbers that it does not have are absent."""
        found: dict[str, list[int]] = {}
        for part in in_parts(bbans):
            query = sa.select(accounts.c.bban, accounts.c.id).where(
                accounts.c.cabinet_id == cabinet_id, accounts.c.bban.in_(part)
            )
            for bban, id_ in self.connection.execute(query.order_by(accounts.c.id)):
                found.setdefault(bban, []).append(id_)
        return found

    def not_approved(self, account_ids: Sequence[int]) -> int:
        """How many of these accounts have no approved mandate."""
        approved = 0
        for part in in_parts(account_ids):
            query = sa.select(sa.func.count()).where(
                mandates.c.account_id.in_(part), mandates.c.current, mandates.c.step == MandateStep.APPROVED
            )
            approved += self.connection.scalar(query) or 0
        return len(account_ids) - approved

    def claims(self, bban: str, currency: str) -> int:
        """How many open cabinets have registered the account, and not closed it."""
        query = (
            sa.select(sa.func.count(accounts.c.cabinet_id.distinct()))
            .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
            .where(accounts.c.bban == bban, accounts.c.currency == currency)
            .where(accounts.c.closed_at.is_(None), cabinets.c.closed_at.is_(None))
        )
        return self.connection.scalar(query) or 0

    def add_account(
        self, cabinet_id: int, dossier_id: int, *, iban: str, bban: str, currency: str, bank_name: str | None
    ) -> int:
        """Register an account; its id."""
        values: dict[str, str | int | None] = {"cabinet_id": cabinet_id, "dossier_id": dossier_id}
        values |= {"iban": iban, "bban": bban, "currency": currency, "bank_name": bank_name}
        id_: int = self.connection.execute(sa.insert(accounts).returning(accounts.c.id), values).scalar_one()
        return id_

    def start_mandate(self, account_id: int, step: MandateStep, *, since: datetime) -> None:
        """Start a mandate of an account; the one before, which has ended, stays as it ended."""
        of_account = sa.and_(mandates.c.account_id == account_id, mandates.c.current)
        self.connection.execute(sa.update(mandates).where(of_account).values(current=False))
        values = {"account_id": account_id, "step": step, "step_since": since, "current": True}
        self.connection.execute(sa.insert(mandates), [values])

    def step_mandate(self, mandate_id: int, step: MandateStep, *, since: datetime) -> None:
        """Move a mandate to a step."""
        self.connection.execute(
            sa.update(mandates).where(mandates.c.id == mandate_id).values(step=step, step_since=since)
        )

    def steps_taken(self, account_id: int) -> list[StepTaken]:
        """Steps of the mandates of an account, oldest first, as the audit trail has them."""
        e = audit_events.c
        of_cabinet = sa.select(accounts.c.cabinet_id).where(accounts.c.id == account_id).scalar_subquery()
        query = (
            sa.select(e.at, e.actor, e.after, e.reason)
            .where(e.cabinet_id == of_cabinet, e.action == "mandate.step")
            .where(e.subject.startswith(f"account:{account_id} ", autoescape=True))
            .order_by(e.id)
        )
        return [
            StepTaken(step=row.after["step"], since=row.after["since"], actor=row.actor, at=row.at, reason=row.reason)
            for row in self.connection.execute(query)
        ]

    def members(self, cabinet_id: int) -> dict[str, Profile]:
        """Profile of every member of a cabinet, by user name."""
        query = sa.select(memberships.c.user, memberships.c.profile).where(memberships.c.cabinet_id == cabinet_id)
        return {user: Profile(profile) for user, profile in self.connection.execute(query.order_by("user"))}

    def set_member(self, cabinet_id: int, user: str, profile: Profile | None) -> None:
        """Give a user a profile on a cabinet in place of the one before; None takes it away."""
        one = sa.and_(memberships.c.cabinet_id == cabinet_id, memberships.c.user == user)
        self.connection.execute(sa.delete(memberships).where(one))
        if profile is not None:
            values = {"cabinet_id": cabinet_id, "user": user, "profile": profile}
            self.connection.execute(sa.insert(memberships), [values])
