"""The global files of cabinets by day, and the figures that say why a cabinet has none (A10, O1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import BatchState
from sobank.domain.global_file_day import DayFigures
from sobank.domain.registry import MandateStep
from sobank.domain.routing import ConnectorFact, Facts, Kind, route
from sobank.store.batch_sums import Sum, sums_of_batches
from sobank.store.database import Database
from sobank.store.listing import cabinets_of, looking
from sobank.store.schema import accounts, allocations, associations, batches, cabinets, mandates, statements
from sobank.store.standing import is_undecided, status

#: Rows of one page: cabinets times days.
ROWS: Final = 100
#: So many days are listed at most; days between two of them are filled in where they are no further apart than this.
DAYS: Final = 30
_NEAR: Final = timedelta(days=7)
_GONE: Final = (BatchState.CANCELLED, BatchState.REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class GlobalFile:
    """A global file as it was sealed: what its manifest says, its sums by currency. id: of its batch."""

    id: int
    seq: int
    state: BatchState
    object_name: str
    n_statements: int
    n_entries: int
    n_records: int
    size: int
    sha256: str
    first_date: date
    last_date: date
    sums: tuple[Sum, ...]

    @property
    def written(self) -> bool:
        """Whether it lies in the folder of its cabinet."""
        return self.state is BatchState.DELIVERED


@dataclass(frozen=True, kw_only=True, slots=True)
class CabinetDay:
    """One cabinet and day: its global files in the order of their numbers, none where `figures.absent` says why."""

    cabinet: str
    name: str
    day: date
    figures: DayFigures
    files: tuple[GlobalFile, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Cabinet:
    id: int
    code: str
    name: str


class GlobalFiles:
    """Global files of the cabinets that one person may see. user: None is the operator, who sees every cabinet."""

    def __init__(self, database: Database, *, user: str | None) -> None:
        self._database = database
        self._user = user

    def days(self, codes: Collection[str] | None, *, until: date | None, limit: int = DAYS) -> list[date]:
        """Days of statements of these cabinets (None: every one), newest first, with the working days between them."""
        s = statements.c
        query = sa.select(s.business_date).distinct().order_by(s.business_date.desc()).limit(limit)
        if codes is not None or self._user is not None:
            theirs = sa.select(accounts.c.id).where(accounts.c.cabinet_id.in_(self._ids(codes)))
            query = query.where(s.account_id.in_(theirs))
        if until is not None:
            query = query.where(s.business_date <= until)
        with looking(self._database) as connection:
            return _filled(list(connection.scalars(query)))[:limit]

    def listed(self, days: Sequence[date], codes: Collection[str] | None, *, page: int = 1) -> list[CabinetDay]:
        """Every cabinet of each day, the newest day first, cabinets by code; ROWS of them at most, from a page on.

        codes: None is every cabinet that this person may see. page: of cabinets, 1-based.
        """
        at_once = max(1, ROWS // max(1, len(days)))
        query = sa.select(cabinets.c.id, cabinets.c.code, cabinets.c.name).where(cabinets.c.id.in_(self._ids(codes)))
        query = query.order_by(cabinets.c.code).limit(at_once).offset((page - 1) * at_once)
        with looking(self._database) as connection:
            chosen = [_Cabinet(**row._mapping) for row in connection.execute(query)]
            reading = _Reading(connection, [one.id for one in chosen], days)
            return [reading.day(one, day) for day in sorted(days, reverse=True) for one in chosen]

    def _ids(self, codes: Collection[str] | None) -> sa.Select[Any]:
        mine = cabinets_of(self._user)
        return (
            mine
            if codes is None
            else sa.select(cabinets.c.id).where(cabinets.c.code.in_(codes), cabinets.c.id.in_(mine))
        )


class _Reading:
    """Everything that a page shows of some cabinets on some days, read at once."""

    def __init__(self, connection: sa.Connection, ids: Sequence[int], days: Sequence[date]) -> None:
        self._connection = connection
        self._ids = ids
        self._days = days
        self._accounts = self._counted_accounts()
        self._figures = self._counted_statements()
        self._files = self._sealed()

    def day(self, cabinet: _Cabinet, day: date) -> CabinetDay:
        """What was read of one of them."""
        figures = self._accounts.get(cabinet.id, {}) | self._figures.get((cabinet.id, day), {})
        return CabinetDay(
            cabinet=cabinet.code, name=cabinet.name, day=day, figures=DayFigures(**figures),
            files=tuple(self._files.get((cabinet.id, day), ())),
        )  # fmt: skip

    def _counted_accounts(self) -> dict[int, dict[str, int]]:
        in_force = sa.and_(associations.c.account_id == accounts.c.id, associations.c.until.is_(None))
        query = (
            sa.select(accounts.c.cabinet_id, sa.func.count(), sa.func.count(associations.c.id))
            .select_from(accounts.outerjoin(associations, in_force))
            .where(accounts.c.cabinet_id.in_(self._ids), accounts.c.closed_at.is_(None))
            .group_by(accounts.c.cabinet_id)
        )
        return {id_: {"accounts": n, "associated": k} for id_, n, k in self._connection.execute(query)}

    def _counted_statements(self) -> dict[tuple[int, date], dict[str, int]]:
        """By cabinet and day: of what is decided the kind of its batch tells, of what is pending its mandate."""
        s = statements.c
        current = sa.and_(mandates.c.account_id == accounts.c.id, mandates.c.current, is_undecided())
        keys = (accounts.c.cabinet_id, s.business_date, status(), batches.c.kind, mandates.c.step)
        query = (
            sa.select(*keys, sa.func.count())
            .select_from(
                accounts.join(statements, s.account_id == accounts.c.id)
                .outerjoin(allocations, allocations.c.statement_id == s.id)
                .outerjoin(batches, batches.c.id == allocations.c.batch_id)
                .outerjoin(mandates, current)
            )
            .where(accounts.c.cabinet_id.in_(self._ids), s.business_date.in_(self._days))
            .group_by(*keys)
        )
        found: dict[tuple[int, date], dict[str, int]] = {}
        for cabinet_id, day, standing, kind, step, n in self._connection.execute(query):
            figures, name = found.setdefault((cabinet_id, day), {}), _figure(standing, kind, step)
            figures[name] = figures.get(name, 0) + n
        return found

    def _sealed(self) -> dict[tuple[int, date], list[GlobalFile]]:
        b = batches.c
        query = sa.select(batches).where(
            b.kind == Kind.GLOBAL_FILE,
            b.cabinet_id.in_(self._ids),
            b.business_date.in_(self._days),
            b.state.not_in(_GONE),
        )
        rows = self._connection.execute(query.order_by(b.business_date, b.seq)).all()
        sums = sums_of_batches(self._connection, [row.id for row in rows])
        found: dict[tuple[int, date], list[GlobalFile]] = {}
        for row in rows:
            found.setdefault((row.cabinet_id, row.business_date), []).append(_file(row, sums.get(row.id, ())))
        return found


def _file(row: Any, sums: Sequence[Sum]) -> GlobalFile:
    return GlobalFile(
        id=row.id, seq=row.seq, state=BatchState(row.state), object_name=row.object_name, n_statements=row.n_statements,
        n_entries=row.n_entries, n_records=row.n_records, size=row.payload_size, sha256=row.payload_sha256.hex(),
        first_date=row.first_date, last_date=row.last_date, sums=tuple(sums),
    )  # fmt: skip


def _figure(status: str, kind: str | None, step: str | None) -> str:
    """The figure of `DayFigures` that counts such a statement."""
    if status == "decided":
        return "to_global" if kind == Kind.GLOBAL_FILE else "to_partners"
    if status == "pending":
        mandate = MandateStep(step) if step else None
        waits = route(Facts(mandate=mandate, connector=ConnectorFact.NONE)).kind is Kind.WAIT
        return "waiting" if waits else "undecided"
    return "set_aside" if status == "quarantined" else "rejected"


def _filled(days: list[date]) -> list[date]:
    """Days, newest first, with the Mondays to Fridays between two that are near each other."""
    found: list[date] = []
    for day in days:
        if found and found[-1] - day <= _NEAR:
            between = (found[-1] - timedelta(days=n) for n in range(1, (found[-1] - day).days))
            found += [one for one in between if one.weekday() < 5]
        found.append(day)
    return found
