"""Why a cabinet has no global file for a day: an absence is shown with its figures, never as an empty file (A10)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Absent(StrEnum):
    """The first of these that is true is the reason."""

    NO_ACCOUNT = "no_account"
    ALL_ASSOCIATED = "all_associated"
    NO_STATEMENT = "no_statement"
    NOT_YET_RUN = "not_yet_run"
    WAITING = "waiting"
    SET_ASIDE = "set_aside"
    TO_PARTNERS = "to_partners"


@dataclass(frozen=True, kw_only=True, slots=True)
class DayFigures:
    """Statements that one cabinet received of one day, by what became of them; and its open accounts as they are now.

    associated: accounts with a connector. to_partners, to_global: in batches that were not given up. waiting: for their
    mandate. undecided: no run took them yet. set_aside: in quarantine. rejected: a person gave them up.
    """

    accounts: int = 0
    associated: int = 0
    to_partners: int = 0
    to_global: int = 0
    waiting: int = 0
    undecided: int = 0
    set_aside: int = 0
    rejected: int = 0

    @property
    def received(self) -> int:
        """All statements of the day: each is in exactly one of the figures."""
        return self.to_partners + self.to_global + self.waiting + self.undecided + self.set_aside + self.rejected

    @property
    def absent(self) -> Absent | None:
        """Why there is no global file; None where there is one."""
        if self.to_global:
            return None
        if not self.accounts and not self.received:
            return Absent.NO_ACCOUNT
        if self.accounts and self.associated == self.accounts:
            return Absent.ALL_ASSOCIATED
        left = {
            Absent.NOT_YET_RUN: self.undecided,
            Absent.WAITING: self.waiting,
            Absent.SET_ASIDE: self.set_aside + self.rejected,
            Absent.TO_PARTNERS: self.to_partners,
        }
        return next((reason for reason, n in left.items() if n), Absent.NO_STATEMENT)
