"""One statement with all that explains it: balances, movements, records, why it was set aside, who decided (S8–S10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.routing import Reason
from sobank.errors import NotFound
from sobank.store.database import Database
from sobank.store.listing import cabinets_of, looking
from sobank.store.schema import (
    accounts,
    allocations,
    associations,
    bank_files,
    batches,
    cabinets,
    dossiers,
    entries,
    quarantine,
    refusals,
    statements,
)
from sobank.store.standing import is_unreadable, status

#: So many movements, records and refused records of one statement are read; nobody looks through more of them.
MOST_ENTRIES: Final = 2_000
_MOST_RECORDS: Final = 2_000
_MOST_REFUSALS: Final = 50
_MOST_RIVALS: Final = 50
_RECORD: Final = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryRow:
    """One movement; `amount` in minor units. Labels are for who may see the account, and for nothing that is kept."""

    seq: int
    amount: int
    booking_date: date
    value_date: date | None
    label: str
    details: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Why it was set aside, since when, and if it is over how (`released`, `rejected`), by whom and why."""

    reason: str
    opened_at: datetime
    closed_at: datetime | None
    resolution: str | None
    resolved_by: str | None
    resolution_reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StatementSheet:
    """A statement whole. Amounts in minor units; what cannot be read is None.

    status: `pending`, `decided`, `quarantined` or `rejected`. iban, cabinet, dossier: None where nobody registered the
    account. previous_closing: closing balance before it on its account, rivals: other statements of its identity; both
    of what this person may see. unreadable: it cannot be released. records: 120 characters each. entries, records: the
    first ones. refused: number and reason of records of its file that could not be read, for operators. partner_said:
    of the file that the partner refused.
    """

    id: int
    status: str
    account_id: int | None
    iban: str | None
    bban: str
    account: str
    cabinet: str | None
    dossier: str | None
    bank_file: str
    position: int
    business_date: date
    due_date: date
    currency: str
    decimals: int
    opening_date: date | None
    opening: int | None
    closing_date: date | None
    closing: int | None
    credit: int
    debit: int
    n_entries: int
    n_records: int
    previous_closing: int | None
    unreadable: bool
    warnings: tuple[str, ...]
    entries: tuple[EntryRow, ...]
    records: tuple[str, ...]
    records_length: int
    findings: tuple[Finding, ...]
    rivals: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]
    partner_said: str
    batch: int | None

    @property
    def sum(self) -> int:
        """Σ of the movements."""
        return self.credit + self.debit

    @property
    def expected(self) -> int | None:
        """What the closing balance should be; None where the opening balance cannot be read."""
        return None if self.opening is None else self.opening + self.sum

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is in quarantine now, in the order in which it was found."""
        return tuple(found.reason for found in self.findings if found.closed_at is None)


def statement_sheet(database: Database, statement_id: int, *, user: str | None) -> StatementSheet:
    """One statement, set aside or not.

    user: only of a cabinet of this person; None is the operator, who also sees what is nobody's.

    Raises:
        NotFound: there is none of that id, or it is not his.
    """
    with looking(database) as connection:
        row = connection.execute(_one(statement_id, user)).mappings().one_or_none()
        if row is None:
            raise NotFound("there is no such statement", subject=f"statement:{statement_id}", remedy="look in the list")
        findings = _findings(connection, statement_id)
        refused_by_partner = any(found.reason == Reason.REJECTED_BY_PARTNER for found in findings)
        kept = {name: row[name] for name in _KEPT}
        return StatementSheet(
            **kept,
            warnings=tuple(row["warnings"].split()),
            entries=_entries(connection, statement_id),
            records=_cut(row["head"]),
            findings=findings,
            rivals=tuple(connection.scalars(rivals_of(row["identity"], statement_id, user=user).limit(_MOST_RIVALS))),
            refused=_refused(connection, row) if user is None else (),
            partner_said=_refusal(connection, row) if refused_by_partner and row["account_id"] else "",
            batch=connection.scalar(
                sa.select(allocations.c.batch_id).where(allocations.c.statement_id == statement_id)
            ),
        )


def rivals_of(identity: bytes, statement_id: int, *, user: str | None) -> sa.Select[Any]:
    """Other statements of the identity of one (S10), in the order in which they came: statement_id, bank_file, status.

    user: only of a cabinet of this person: an account may be registered by two cabinets or, when the other statement
    came, by none, and one does not see what went to the other; None is the operator.
    """
    s = statements.c
    query = (
        sa.select(s.id.label("statement_id"), bank_files.c.name.label("bank_file"), status())
        .join(bank_files, bank_files.c.id == s.bank_file_id)
        .where(s.identity == identity, s.id != statement_id)
        .order_by(s.id)
    )
    if user is None:
        return query
    return query.join(accounts, accounts.c.id == s.account_id).where(accounts.c.cabinet_id.in_(cabinets_of(user)))


_KEPT: Final = (
    "id", "status", "account_id", "iban", "bban", "account", "cabinet", "dossier", "bank_file", "position",
    "business_date", "due_date", "currency", "decimals", "opening_date", "opening", "closing_date", "closing",
    "credit", "debit", "n_entries", "n_records", "records_length", "previous_closing",
    "unreadable",
)  # fmt: skip


def _one(statement_id: int, user: str | None) -> sa.Select[Any]:
    s, before = statements.c, statements.alias("before")
    # As the extract has it: of two that close on one day, the one stored last is the later.
    previous = (
        sa.select(before.c.closing)
        .where(before.c.bban == s.bban, before.c.currency == s.currency, before.c.closing_date <= s.opening_date)
        .where(before.c.id != s.id, before.c.status != "rejected")
        .order_by(before.c.closing_date.desc(), before.c.id.desc())
        .limit(1)
    )
    if user is not None:
        # The account may have been another cabinet's before: its balances are nothing to the next one.
        theirs = accounts.alias("theirs")
        previous = previous.join(theirs, theirs.c.id == before.c.account_id)
        previous = previous.where(theirs.c.cabinet_id.in_(cabinets_of(user)))
    query = (
        sa.select(
            *(column for column in s if column.name != "status"),
            status(),
            accounts.c.iban,
            cabinets.c.code.label("cabinet"),
            dossiers.c.name.label("dossier"),
            bank_files.c.name.label("bank_file"),
            previous.scalar_subquery().label("previous_closing"),
            is_unreadable().label("unreadable"),
            sa.func.length(s.records).label("records_length"),
            sa.func.substr(s.records, 1, _RECORD * _MOST_RECORDS).label("head"),
        )
        .select_from(
            statements.join(bank_files, bank_files.c.id == s.bank_file_id)
            .outerjoin(accounts, accounts.c.id == s.account_id)
            .outerjoin(dossiers, dossiers.c.id == accounts.c.dossier_id)
            .outerjoin(cabinets, cabinets.c.id == accounts.c.cabinet_id)
        )
        .where(s.id == statement_id)
    )
    return query if user is None else query.where(accounts.c.cabinet_id.in_(cabinets_of(user)))


def _entries(connection: sa.Connection, statement_id: int) -> tuple[EntryRow, ...]:
    e = entries.c
    query = sa.select(e.seq, e.amount, e.booking_date, e.value_date, e.label, e.details)
    query = query.where(e.statement_id == statement_id).order_by(e.seq).limit(MOST_ENTRIES)
    return tuple(EntryRow(**row._mapping) for row in connection.execute(query))


def _cut(records: bytes) -> tuple[str, ...]:
    text = records.decode("latin-1")
    return tuple(text[at : at + _RECORD] for at in range(0, len(text), _RECORD))


def _findings(connection: sa.Connection, statement_id: int) -> tuple[Finding, ...]:
    q = quarantine.c
    query = sa.select(
        q.reason, q.opened_at, q.closed_at, q.resolution, q.resolved_by, q.resolution_reason
    ).where(q.statement_id == statement_id)  # fmt: skip
    return tuple(Finding(**row._mapping) for row in connection.execute(query.order_by(q.id)))


def _refused(connection: sa.Connection, row: Any) -> tuple[tuple[int, str], ...]:
    """Records of its file that were refused for what the statement is charged with; which are its own is not kept."""
    r = refusals.c
    query = sa.select(r.record, r.reason).where(
        r.bank_file_id == row["bank_file_id"], r.reason.in_(row["errors"].split())
    )
    return tuple(
        (record, reason) for record, reason in connection.execute(query.order_by(r.record).limit(_MOST_REFUSALS))
    )


def _refusal(connection: sa.Connection, row: Any) -> str:
    """What the partner said of the newest file of that day that he refused; "" where it is not known."""
    b = batches.c
    of_account = sa.select(associations.c.connector_id).where(associations.c.account_id == row["account_id"])
    query = (
        sa.select(b.object_name, b.reason)
        .where(b.connector_id.in_(of_account), b.business_date == row["business_date"])
        .where(b.state == BatchState.REJECTED)
        .order_by(b.seq.desc())
        .limit(1)
    )
    found = connection.execute(query).one_or_none()
    return f"{found.object_name} : {found.reason}" if found and found.reason else ""
