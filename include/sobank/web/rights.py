"""What a route needs: declared on every one, in the words of the one table of rights (A2–A4, DESIGN §8).

`here: Annotated[Here, Depends(Needs(Action.ASSOCIATE))]` is all that a page takes. A path that names a `{cabinet}`, an
`{account}`, a `{batch}` or a `{statement}` is looked up within what the visitor may see; what is not there and what is
not his answer alike.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fastapi import Request

from sobank.domain.registry import Profile
from sobank.domain.roles import Action, may
from sobank.errors import NotAllowed, NotFound
from sobank.store.scope import Place, Thing, place_of
from sobank.web.language import Language
from sobank.web.visitor import Visitor
from sobank.wiring import House

_LARGEST_KEY: Final = 2**63 - 1
_A_NUMBER: Final = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """Where a visitor stands. cabinet and profile: of the path, None where it names no cabinet; now: UTC."""

    visitor: Visitor
    house: House
    language: Language
    now: datetime
    cabinet: str | None = None
    profile: Profile | None = None

    @property
    def at(self) -> str:
        """The cabinet of the path, on a route that has one."""
        assert self.cabinet is not None  # noqa: S101  only routes whose path names a cabinet ask
        return self.cabinet

    def may(self, action: Action) -> bool:
        """Whether the visitor may do it to the cabinet of the path; what a page need not offer otherwise."""
        return self.visitor.operator or may(self.profile, action)


@dataclass(frozen=True)
class Needs:
    """The right that a route takes, as a FastAPI dependency."""

    action: Action

    def __call__(self, request: Request) -> Here:
        """Who is there and where he stands.

        Raises:
            NotFound: the cabinet, account, batch or statement of the path is not there, or not his.
            NotAllowed: his profile on its cabinet has no right to the action, or only an operator has.
        """
        visitor: Visitor = request.state.visitor
        house: House = request.app.state.house()
        place = _place(request, house, visitor)
        profile = place.profile if place else None
        if not visitor.operator and (place or self.action not in _WITHOUT_A_CABINET) and not may(profile, self.action):
            raise NotAllowed(
                f"{visitor.name} may not do this ({self.action})",
                subject=(place.cabinet or "") if place else "",
                remedy="ask a member of the cabinet who may, or an administrator of Airflow",
            )
        return Here(
            visitor=visitor,
            house=house,
            language=Language.of(request.headers.get("accept-language", "")),
            now=datetime.now(UTC),
            cabinet=place.cabinet if place else None,
            profile=profile,
        )


def number_of(key: str) -> int | None:
    """The number of a row as a path names it; None where it is none, or larger than any."""
    number = int(key) if _A_NUMBER.fullmatch(key) else -1
    return number if 0 <= number <= _LARGEST_KEY else None


#: What every signed-in visitor may ask for: it shows of his cabinets only, however many they are.
_WITHOUT_A_CABINET: Final = frozenset({Action.SEE, Action.SEE_AUDIT})


def _place(request: Request, house: House, visitor: Visitor) -> Place | None:
    for thing in Thing:
        if (key := request.path_params.get(thing)) is None:
            continue
        number = key if thing is Thing.CABINET else number_of(key)
        place = None if number is None else place_of(house.database, thing, number, user=visitor.user)
        if place is None:
            raise NotFound(f"no such {thing}", subject=str(key)[:40], remedy="look for it in the list")
        return place
    return None
