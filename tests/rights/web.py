"""The pages and the JSON API as surfaces: every way in which they offer an action, asked as the real app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from sobank.domain.roles import Action
from sobank.store import schema
from sobank.web.api.shapes import PREFIX
from tests.builders import iban_of
from tests.rights.world import CUT, DRAFT, FREE, GUEST, HERE, UNREGISTERED, World
from tests.web.site import over

_REFUSED = {403, 404}

_WHY = {"reason": "asked the partner"}


@dataclass(frozen=True)
class Asked:
    """One request. shows: what an answer holds where it is allowed, of a list that refuses nobody."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    shows: str | None = None


class _Web:
    """What both have in common: an answer is yes, a proper no, or a fault."""

    name: ClassVar[str]
    absent: ClassVar[Mapping[Action, str]] = {
        Action.RECONCILE: "whoever restores a database has stopped the pages: `sobank reconcile`",
        Action.START_BACKFILL: "Airflow itself starts it: `tests/web/test_dashboard.py` tries it with one",
    }
    as_json: ClassVar[bool]

    def __init__(self, world: World) -> None:
        self._site = over(world.house)
        self._ways = self.ways(world)

    def attempt(self, action: Action, user: str) -> bool:
        """See `Surface.attempt`."""
        if action not in self._ways:
            raise LookupError(f"{self.name} has no way to {action}")
        answers = {f"{one.method} {one.path}": self._allowed(one, user) for one in self._ways[action]}
        assert len(set(answers.values())) == 1, answers
        return next(iter(answers.values()))

    def ways(self, world: World) -> dict[Action, tuple[Asked, ...]]:
        """Every way by its action, each to be gone once, in this order."""
        raise NotImplementedError

    def _allowed(self, one: Asked, user: str) -> bool:
        body = {"json" if self.as_json else "data": one.body} if one.body is not None else {}
        answer = self._site.as_(user).request(one.method, one.path, **body)  # type: ignore[arg-type]
        if answer.status_code in _REFUSED:
            return False
        assert answer.status_code < 400, (one, answer.status_code, answer.text[:2000])
        return one.shows is None or one.shows in answer.text


class Api(_Web):
    """`/sobank/api/v1/…`."""

    name = "API"
    as_json = True

    def ways(self, world: World) -> dict[Action, tuple[Asked, ...]]:
        """See `_Web.ways`."""
        n, here = numbers(world), f"{PREFIX}/cabinets/{HERE}"
        first, second, third = world.held
        return {
            Action.SEE: (
                Asked("GET", f"{PREFIX}/accounts", shows=iban_of(FREE)),
                Asked("GET", f"{PREFIX}/accounts/{n[FREE]}"),
                Asked("GET", f"{PREFIX}/cabinets", shows=HERE),
                Asked("GET", here),
                Asked("GET", f"{here}/connectors"),
                Asked("GET", f"{here}/members"),
                Asked("GET", f"{PREFIX}/dossiers", shows="Boulangerie"),
                Asked("GET", f"{PREFIX}/batches", shows=f"connector:{HERE}/fizen"),
                Asked("GET", f"{PREFIX}/batches/{first}"),
                Asked("GET", f"{PREFIX}/quarantine", shows=HERE),
                Asked("GET", f"{PREFIX}/quarantine/{world.set_aside[0]}"),
                Asked("POST", f"{PREFIX}/diagnosis", {"iban": iban_of(FREE)}, shows=HERE),
            ),
            Action.SEE_AUDIT: (Asked("GET", f"{PREFIX}/audit", shows=HERE),),
            Action.ADD_CONNECTOR: (
                Asked("POST", f"{here}/connectors/fizen/test", _WHY),
                Asked("POST", f"{here}/connectors", {"name": "inqom-2", "partner": "inqom"}),
            ),
            Action.DELETE_CONNECTOR: (Asked("POST", f"{here}/connectors/fizen-free/remove", _WHY),),
            Action.CUT_CONNECTOR: (Asked("POST", f"{here}/connectors/fizen-cut/cut", _WHY),),
            Action.ADD_ACCOUNT: (Asked("POST", f"{here}/accounts", {"iban": iban_of(UNREGISTERED), "dossier": "D1"}),),
            Action.ASSOCIATE: tuple(
                Asked("POST", f"{here}/associate", {"accounts": [n[FREE]], "connector": "fizen-free", "dry_run": dry})
                for dry in (True, False)
            ),
            Action.DISSOCIATE: (Asked("POST", f"{here}/associate", {"accounts": [n[CUT]], "connector": None}),),
            Action.DOWNLOAD: (Asked("POST", f"{PREFIX}/accounts/{n[1]}/copy", {"form": "csv"}),),
            Action.SET_MANDATE: (
                Asked("POST", f"{PREFIX}/accounts/{n[DRAFT]}/mandate", {"step": "signed", "on": today(world)}),
            ),
            Action.DECIDE_QUARANTINE: (
                Asked("POST", f"{PREFIX}/quarantine/{world.set_aside[0]}/release", _WHY),
                Asked("POST", f"{PREFIX}/quarantine/{world.set_aside[1]}/reject", _WHY),
            ),
            Action.DECIDE_DELIVERY: (
                Asked("POST", f"{PREFIX}/batches/{first}/release", _WHY),
                Asked("POST", f"{PREFIX}/batches/{second}/confirm", _WHY),
                Asked("POST", f"{PREFIX}/batches/{third}/reject", _WHY),
                Asked("POST", f"{PREFIX}/batches/{world.sealed}/retry", _WHY),
            ),
            Action.ADD_DOSSIER: (Asked("POST", f"{here}/dossiers", {"reference": "D9", "name": "Garage"}),),
            Action.ADD_CABINET: (Asked("POST", f"{PREFIX}/cabinets", {"code": "CAB009", "name": "Cabinet Neuf"}),),
            Action.EDIT_CABINET: (Asked("PATCH", here, {"name": "Cabinet Premier"}),),
            Action.SET_MEMBER: (Asked("PUT", f"{here}/members/new", {"profile": "collaborateur"}),),
            Action.REMOVE_MEMBER: (Asked("POST", f"{here}/members/{GUEST}/remove", _WHY),),
        }


class Pages(_Web):
    """The pages: what they show and the forms that they send."""

    name = "pages"
    as_json = False

    def ways(self, world: World) -> dict[Action, tuple[Asked, ...]]:
        """See `_Web.ways`."""
        n, here = numbers(world), f"/cabinets/{HERE}"
        first, second, third = world.held
        one = {"scope": "selection"}
        return {
            Action.SEE: (
                Asked("GET", "/accounts", shows=f"/accounts/{n[FREE]}"),
                Asked("GET", f"/accounts/{n[FREE]}"),
                Asked("GET", "/cabinets", shows="Cabinet Un"),
                Asked("GET", here),
                Asked("GET", f"{here}/connectors"),
                Asked("GET", f"{here}/members"),
                Asked("GET", f"{here}/global-files"),
                Asked("GET", "/dossiers", shows="Boulangerie"),
                Asked("GET", "/deliveries", shows=f"/deliveries/{first}"),
                Asked("GET", f"/deliveries/{first}"),
                Asked("GET", "/quarantine", shows=HERE),
                Asked("GET", f"/quarantine/{world.set_aside[0]}"),
                Asked("POST", "/diagnosis", {"iban": iban_of(FREE)}, shows=HERE),
            ),
            Action.SEE_AUDIT: (Asked("GET", "/journal", shows=HERE),),
            Action.ADD_CONNECTOR: (
                Asked("GET", f"{here}/connectors/new"),
                Asked("POST", f"{here}/connectors/fizen/test"),
                Asked("POST", f"{here}/connectors", {"name": "inqom-2", "partner": "inqom"}),
            ),
            Action.DELETE_CONNECTOR: (
                Asked("GET", f"{here}/connectors/fizen-free/remove"),
                Asked("POST", f"{here}/connectors/fizen-free/remove", _WHY),
            ),
            Action.CUT_CONNECTOR: (Asked("POST", f"{here}/connectors/fizen-cut/cut", _WHY),),
            Action.ADD_ACCOUNT: (
                Asked("GET", f"{here}/accounts/new"),
                Asked("POST", f"{here}/accounts", {"iban": iban_of(UNREGISTERED), "dossier": "D1", "currency": "EUR"}),
            ),
            Action.ASSOCIATE: tuple(
                Asked("POST", f"{here}/associate{step}", one | {"accounts": n[FREE], "connector": "fizen-free"} | more)
                for step, more in (("/preview", {}), ("", {"expected": 1}))
            ),
            Action.DISSOCIATE: (Asked("POST", f"/accounts/{n[CUT]}/connector", {"connector": "-"}),),
            Action.DOWNLOAD: (Asked("POST", f"/accounts/{n[1]}/download", {"form": "csv"}),),
            Action.SET_MANDATE: (
                Asked("POST", f"/accounts/{n[DRAFT]}/mandate", {"step": "signed", "on": today(world)}),
            ),
            Action.DECIDE_QUARANTINE: (
                Asked("POST", f"/quarantine/{world.set_aside[0]}/release", _WHY),
                Asked("POST", f"/quarantine/{world.set_aside[1]}/reject", _WHY),
            ),
            Action.DECIDE_DELIVERY: (
                Asked("POST", f"/deliveries/{first}/release", _WHY),
                Asked("POST", f"/deliveries/{second}/confirm", _WHY),
                Asked("POST", f"/deliveries/{third}/reject", _WHY),
                Asked("POST", f"/deliveries/{world.sealed}/retry", _WHY),
            ),
            Action.ADD_DOSSIER: (
                Asked("GET", f"{here}/new-dossier"),
                Asked("POST", f"{here}/dossiers", {"reference": "D9", "name": "Garage"}),
            ),
            Action.ADD_CABINET: (
                Asked("GET", "/new-cabinet"),
                Asked("POST", "/cabinets", {"code": "CAB009", "name": "Cabinet Neuf"}),
            ),
            Action.EDIT_CABINET: (
                Asked("GET", f"{here}/edit"),
                Asked("POST", f"{here}/edit", {"name": "Cabinet Premier"}),
            ),
            Action.SET_MEMBER: (Asked("POST", f"{here}/members", {"user": "new", "profile": "collaborateur"}),),
            Action.REMOVE_MEMBER: (
                Asked("GET", f"{here}/members/remove?user={GUEST}"),
                Asked("POST", f"{here}/members/remove", _WHY | {"user": GUEST}),
            ),
        }


def numbers(world: World) -> dict[int, int]:
    """Number of the row of each account, by the n of the tests."""
    with world.house.database.read() as connection:
        rows = connection.execute(sa.select(schema.accounts.c.iban, schema.accounts.c.id))
        return {int(iban[14:25]): id_ for iban, id_ in rows}


def today(world: World) -> str:
    """The day from which a mandate of the world may take its next step."""
    with world.house.database.read() as connection:
        since = connection.scalar(sa.select(sa.func.max(schema.mandates.c.step_since)))
    return str(since)[:10]
