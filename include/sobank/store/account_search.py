"""Which accounts a page of the list shows, found without looking at more of a million than it must (A9).

Few matches are found through an index, whatever it is, and sorted. Many are met on a walk through the list in its
order, which ends with the page: cabinet by cabinet, dossier by dossier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sobank.store.listing import COUNTED
from sobank.store.schema import accounts, cabinets, dossiers
from sobank.store.text_search import folded_company, has_digits, has_part

#: The order of the list; within one cabinet without the first.
ORDER: Final = (cabinets.c.code, dossiers.c.reference, accounts.c.iban, accounts.c.id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an account is in the list."""

    cabinet_id: int
    cabinet: str
    dossier: str
    iban: str
    id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSearch:
    """The accounts of `scope` that meet all conditions and hold `text` in their IBAN, company or siret.

    scope: ids of cabinets, None for all. conditions: on accounts.
    """

    scope: Sequence[int] | None
    conditions: Sequence[sa.ColumnElement[bool]]
    text: str
    sqlite: bool

    def ids(self) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        """Ids of the accounts, in no order."""
        found = sa.select(accounts.c.id).where(*self._in_scope(accounts.c.cabinet_id), *self.conditions)
        if not self.text:
            return found
        # An OR over two tables uses the index of neither.
        parts = (found.where(self._in_iban()), found.join(dossiers, _OWNED).where(self._in_dossier()))
        bounded = [part.limit(COUNTED + 1).subquery() for part in parts]
        return sa.union(*(sa.select(part.c.id) for part in bounded))

    def sorted(self, ids: Sequence[int], *, offset: int, size: int, after: Place | None) -> sa.Select[Any]:
        """Ids of a page of few accounts that are known."""
        chosen: sa.ColumnElement[bool] = accounts.c.id.in_(ids)
        if not self.sqlite:  # one parameter in place of thousands
            chosen = accounts.c.id == sa.any_(sa.literal(ids, postgresql.ARRAY(sa.Integer)))
        keys = sa.select(*(column.label(f"key{n}") for n, column in enumerate(ORDER)))
        keys = keys.select_from(accounts.join(dossiers, _OWNED).join(cabinets, cabinets.c.id == accounts.c.cabinet_id))
        # The limit keeps the database from a walk through all cabinets in the hope of meeting the few on its way.
        found = keys.where(chosen).limit(COUNTED + 1).subquery()
        page = sa.select(found.c.key3.label("id")).order_by(*found.c).limit(size).offset(offset)
        if after is None:
            return page
        return page.where(sa.tuple_(*found.c) > _values(after.cabinet, after.dossier, after.iban, after.id))

    def in_order(self, *, offset: int, size: int) -> sa.Select[Any]:
        """Ids of a page, met on a walk through every cabinet in scope."""
        if self.scope is not None and len(self.scope) == 1:
            within = self._walk().where(dossiers.c.cabinet_id == self.scope[0])
            return within.order_by(*ORDER[1:]).limit(size).offset(offset)
        return self._cabinet_by_cabinet(sa.true(), offset=offset, size=size)

    def after_in_cabinet(self, place: Place, *, size: int) -> sa.Select[Any]:
        """Ids of the accounts that follow a place within its cabinet."""
        later = sa.tuple_(*ORDER[1:]) > _values(place.dossier, place.iban, place.id)
        # The first alone is what an index can start at.
        within = self._walk().where(dossiers.c.cabinet_id == place.cabinet_id, dossiers.c.reference >= place.dossier)
        return within.where(later).order_by(*ORDER[1:]).limit(size)

    def after_cabinet(self, place: Place, *, size: int) -> sa.Select[Any]:
        """Ids of the first accounts of the cabinets that follow that of a place."""
        return self._cabinet_by_cabinet(cabinets.c.code > place.cabinet, offset=0, size=size)

    def _cabinet_by_cabinet(self, which: sa.ColumnElement[bool], *, offset: int, size: int) -> sa.Select[Any]:
        chosen = (which, *self._in_scope(cabinets.c.id))
        if self.sqlite:
            walk = self._walk().join(cabinets, cabinets.c.id == dossiers.c.cabinet_id).where(*chosen)
            return walk.order_by(*ORDER).limit(size).offset(offset)
        # Of each cabinet no more is sorted than the page can hold: the largest has one account in twenty.
        first = self._walk(*ORDER[1:3]).where(dossiers.c.cabinet_id == cabinets.c.id)
        each = first.order_by(*ORDER[1:]).limit(offset + size).correlate(cabinets).lateral("each")
        walk = sa.select(each.c.id).select_from(cabinets.join(each, sa.true())).where(*chosen)
        order = (cabinets.c.code, each.c.reference, each.c.iban, each.c.id)
        return walk.order_by(*order).limit(size).offset(offset)

    def _walk(self, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
        found = sa.select(accounts.c.id, *columns).select_from(accounts.join(dossiers, _OWNED)).where(*self.conditions)
        return found.where(sa.or_(self._in_iban(), self._in_dossier())) if self.text else found

    def _in_scope(self, column: sa.ColumnElement[int]) -> list[sa.ColumnElement[bool]]:
        return [] if self.scope is None else [column.in_(self.scope)]

    def _in_iban(self) -> sa.ColumnElement[bool]:
        return has_digits(accounts.c.iban, self.text)

    def _in_dossier(self) -> sa.ColumnElement[bool]:
        in_name = has_part(folded_company(sqlite=self.sqlite), self.text)
        return sa.or_(in_name, has_digits(dossiers.c.siret, self.text))


_OWNED: Final = dossiers.c.id == accounts.c.dossier_id


def _values(*values: str | int) -> sa.Tuple:
    return sa.tuple_(*(sa.literal(value) for value in values))
