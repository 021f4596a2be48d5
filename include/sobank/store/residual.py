"""Cabinets that have no global file for a day, and why: an absence is shown, never an empty file written (A10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlalchemy as sa

from sobank.store.database import Database


class AbsenceReason(StrEnum):
    """Why a cabinet has no global file."""

    ALL_ASSOCIATED = "all_associated"
    NO_ACCOUNT = "no_account"
    NO_STATEMENT = "no_statement"


@dataclass(frozen=True, kw_only=True, slots=True)
class Absence:
    """A cabinet (its code) without a global file."""

    cabinet: str
    reason: AbsenceReason


_SQL = """
    SELECT c.code, count(a.id) AS accounts, count(x.id) AS associated
      FROM cabinets c
      LEFT JOIN accounts a ON a.cabinet_id = c.id AND a.closed_at IS NULL
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
     WHERE c.closed_at IS NULL
       AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.cabinet_id = c.id AND b.kind = 'global'
                          AND b.business_date = :day AND b.state NOT IN ('cancelled', 'rejected'))
     GROUP BY c.code ORDER BY c.code
"""


def absences(database: Database, day: date) -> list[Absence]:
    """Open cabinets without a global file for the business day, in order of code, each with the reason."""
    query = sa.text(_SQL).bindparams(sa.bindparam("day", day, sa.Date))
    with database.read() as connection:
        return [
            Absence(cabinet=code, reason=_reason(accounts, associated))
            for code, accounts, associated in connection.execute(query)
        ]


def _reason(accounts: int, associated: int) -> AbsenceReason:
    if accounts == 0:
        return AbsenceReason.NO_ACCOUNT
    return AbsenceReason.ALL_ASSOCIATED if associated == accounts else AbsenceReason.NO_STATEMENT
