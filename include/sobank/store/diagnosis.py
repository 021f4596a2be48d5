"""What support looks at for one account, read in one snapshot through indexes only (A12)."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.diagnosis import AccountFacts, AssociationFacts, BatchFacts, Facts, ReceivedFacts, SetAsideFacts
from sobank.domain.registry import MandateStep
from sobank.domain.routing import Reason
from sobank.store.circuits import circuit_of
from sobank.store.database import Database
from sobank.store.ledger_rows import OPEN
from sobank.store.schema import (
    accounts,
    allocations,
    associations,
    attempts,
    bank_files,
    batches,
    cabinets,
    circuits,
    connectors,
    dossiers,
    mandates,
    memberships,
    quarantine,
    statements,
)
from sobank.store.standing import status

#: A diagnosis is read by a person: so many statements in quarantine, and batches under way, are named.
_SHOWN: Final = 20


class DiagnosisReader:
    """The facts of diagnoses in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def facts(self, bban: str, *, currency: str | None, user: str | None) -> tuple[Facts, ...]:
        """Facts of each account of that number, by cabinet and currency; of one without account if there is none.

        Args:
            bban: 23 characters. currency: None takes every currency.
            user: only accounts of his cabinets are told; None is the operator, who sees every cabinet, and also what
                came for an account that nobody has registered.
        """
        with self._database.read() as connection:
            found = connection.execute(_accounts(bban, currency, user)).all()
            if found:
                return tuple(_Reading(connection, bban, row.currency, row).facts() for row in found)
            if user is not None:
                return (Facts(account=None, received=ReceivedFacts()),)
            return (_Reading(connection, bban, currency, None).facts(),)


class _Reading:
    """The statements of one account: its own, and those that came before it was registered."""

    def __init__(self, connection: sa.Connection, bban: str, currency: str | None, row: Any) -> None:
        self._connection = connection
        self._row = row
        s = statements.c
        ours = s.account_id.is_(None) if row is None else sa.or_(s.account_id == row.id, s.account_id.is_(None))
        in_currency = sa.true() if currency is None else s.currency == currency
        self._mine = sa.and_(s.bban == bban, in_currency, ours)

    def facts(self) -> Facts:
        account = None if self._row is None else self._account()
        return Facts(
            account=account, received=self._received(), set_aside=self._set_aside(), batches=self._batches()
        )  # fmt: skip

    def _account(self) -> AccountFacts:
        row, connection = self._row, self._connection
        there = connection.scalars(
            sa.select(connectors.c.name)
            .where(connectors.c.cabinet_id == row.cabinet_id, connectors.c.deleted_at.is_(None))
            .order_by(connectors.c.name)
        )
        claims = (
            sa.select(sa.func.count(accounts.c.cabinet_id.distinct()))
            .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
            .where(accounts.c.bban == row.bban, accounts.c.currency == row.currency)
            .where(accounts.c.closed_at.is_(None), cabinets.c.closed_at.is_(None))
        )
        former = connection.execute(
            sa.select(connectors.c.name, associations.c.until)
            .join(connectors, connectors.c.id == associations.c.connector_id)
            .where(associations.c.account_id == row.id, associations.c.until.is_not(None))
            .order_by(associations.c.until.desc(), associations.c.id.desc())
            .limit(1)
        ).one_or_none()
        return AccountFacts(
            id=row.id,
            iban=row.iban,
            currency=row.currency,
            cabinet=row.cabinet,
            dossier=row.dossier,
            closed_at=row.closed_at,
            cabinet_closed_at=row.cabinet_closed_at,
            claims=connection.scalar(claims) or 0,
            connectors=tuple(there),
            association=self._association(),
            former=None if former is None else (former.name, former.until),
            mandate=MandateStep(row.step) if row.step else None,
            mandate_since=row.step_since,
        )

    def _association(self) -> AssociationFacts | None:
        query = (
            sa.select(connectors, associations.c.since, associations.c.decided_by)
            .join(connectors, connectors.c.id == associations.c.connector_id)
            .where(associations.c.account_id == self._row.id, associations.c.until.is_(None))
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        standing = sa.select(circuits).where(circuits.c.connector_id == row.id)
        circuit = self._connection.execute(standing).one_or_none()
        return AssociationFacts(
            connector=row.name,
            partner=row.partner,
            since=row.since,
            decided_by=row.decided_by,
            on_cabinet=row.deleted_at is None and row.cabinet_id == self._row.cabinet_id,
            circuit=None if circuit is None else circuit_of(circuit),
        )

    def _received(self) -> ReceivedFacts:
        s = statements.c
        counts = self._connection.execute(
            sa.select(status(), sa.func.count(), sa.func.min(s.business_date)).where(self._mine).group_by(status())
        ).all()
        last = self._connection.execute(
            sa.select(s.business_date, bank_files.c.name, bank_files.c.ingested_at)
            .join(bank_files, bank_files.c.id == s.bank_file_id)
            .where(self._mine)
            .order_by(s.business_date.desc(), s.id.desc())
            .limit(1)
        ).one_or_none()
        return ReceivedFacts(
            by_status={name: count for name, count, _ in counts},
            last_date=last and last.business_date,
            last_file=last.name if last else "",
            last_ingested=last and last.ingested_at,
            first_pending=next((oldest for name, _, oldest in counts if name == "pending"), None),
        )

    def _set_aside(self) -> tuple[SetAsideFacts, ...]:
        s, q = statements.c, quarantine.c
        newest = (
            sa.select(s.id, s.business_date, bank_files.c.name)
            .join(bank_files, bank_files.c.id == s.bank_file_id)
            .where(self._mine, s.status == "quarantined")
            .order_by(s.business_date.desc(), s.id.desc())
            .limit(_SHOWN)
        )
        found = []
        for row in self._connection.execute(newest).all():
            open_rows = self._connection.execute(
                sa.select(q.reason, q.opened_at).where(q.statement_id == row.id, q.closed_at.is_(None)).order_by(q.id)
            ).all()
            reasons = tuple(reason for reason, _ in open_rows)
            refused = Reason.REJECTED_BY_PARTNER in reasons and self._row is not None
            found.append(
                SetAsideFacts(
                    statement_id=row.id,
                    business_date=row.business_date,
                    since=min(since for _, since in open_rows),
                    reasons=reasons,
                    bank_file=row.name,
                    partner_said=self._refusal(row.business_date) if refused else "",
                )
            )
        return tuple(found)

    def _refusal(self, business_date: Any) -> str:
        """What the partner said of the newest file of that day that he refused; "" where it is not known."""
        b = batches.c
        of_account = sa.select(associations.c.connector_id).where(associations.c.account_id == self._row.id)
        query = (
            sa.select(b.object_name, b.reason)
            .where(b.connector_id.in_(of_account), b.business_date == business_date)
            .where(b.state == BatchState.REJECTED)
            .order_by(b.seq.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return f"{row.object_name} : {row.reason}" if row and row.reason else ""

    def _batches(self) -> tuple[BatchFacts, ...]:
        of_mine = (
            sa.select(allocations.c.batch_id).join(statements, statements.c.id == allocations.c.statement_id)
            .where(self._mine)
        )  # fmt: skip
        mine = sa.select(batches).where(batches.c.id.in_(of_mine))
        under_way = mine.where(OPEN).order_by(batches.c.business_date, batches.c.seq).limit(_SHOWN)
        newest = (
            mine.where(batches.c.state == BatchState.DELIVERED)
            .order_by(batches.c.business_date.desc(), batches.c.seq.desc())
            .limit(1)
        )
        rows = [*self._connection.execute(under_way), *self._connection.execute(newest)]
        return tuple(self._batch(row) for row in rows)

    def _batch(self, row: sa.Row[Any]) -> BatchFacts:
        message = (
            sa.select(attempts.c.message)
            .where(attempts.c.batch_id == row.id)
            .order_by(attempts.c.fence.desc())
            .limit(1)
        )
        b = batches.c
        place = sa.tuple_(b.business_date, b.seq) < sa.tuple_(
            sa.literal(row.business_date, sa.Date), sa.literal(row.seq)
        )
        earlier = (
            sa.select(b.id, b.state)
            .where(b.destination == row.destination, OPEN, place)
            .order_by(b.business_date, b.seq)
            .limit(1)
        )
        behind = None
        if row.state != BatchState.DELIVERED:
            behind = self._connection.execute(earlier).one_or_none()
        return BatchFacts(
            id=row.id,
            destination=row.destination,
            state=BatchState(row.state),
            business_date=row.business_date,
            object_name=row.object_name,
            attempts=row.fence,
            sealed_at=row.sealed_at,
            lease_until=row.lease_until,
            reason=row.reason,
            receipt=row.receipt,
            last_message=self._connection.scalar(message),
            behind=None if behind is None else (behind.id, BatchState(behind.state)),
        )


def _accounts(bban: str, currency: str | None, user: str | None) -> sa.Select[Any]:
    query = (
        sa.select(
            accounts,
            cabinets.c.code.label("cabinet"),
            cabinets.c.closed_at.label("cabinet_closed_at"),
            dossiers.c.reference.label("dossier"),
            mandates.c.step,
            mandates.c.step_since,
        )
        .join(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        .join(dossiers, dossiers.c.id == accounts.c.dossier_id)
        .outerjoin(mandates, sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current))
        .where(accounts.c.bban == bban)
        .order_by(cabinets.c.code, accounts.c.currency)
    )
    if currency is not None:
        query = query.where(accounts.c.currency == currency)
    if user is not None:
        theirs = sa.select(memberships.c.cabinet_id).where(memberships.c.user == user)
        query = query.where(accounts.c.cabinet_id.in_(theirs))
    return query
