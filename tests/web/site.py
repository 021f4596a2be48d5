"""A small world behind the pages, and visitors of every profile in it."""

from __future__ import annotations

import hashlib
import re
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Final

import httpx
import sqlalchemy as sa
from fastapi.testclient import TestClient
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from sobank.domain.registry import Profile
from sobank.services.register import register
from sobank.store import schema
from sobank.store.iban_check import checked_iban
from sobank.store.registry_import import RegistryImporter
from sobank.web.app import build
from sobank.web.visitor import NotSignedIn, Visitor
from tests.builders import NOW, TestHouse, file_of, iban_of, named, statement

HERE, THERE = "CAB001", "CAB002"
#: Who visits: the members of CAB001 by profile, a member of CAB002 alone, a member of nothing, and an operator.
ADMINISTRATEUR, SUPERVISEUR, COLLABORATEUR = "adm", "sup", "collab"
STRANGER, NOBODY, OPERATOR = "other", "nobody", "op"
DAY: Final = date(2026, 3, 2)
_ORIGIN: Final = "http://testserver"


def registry() -> dict[str, Any]:
    """CAB001 with connectors fizen and inqom and accounts 1–6 in two dossiers, CAB002 with accounts 11 and 12."""

    def accounts(**of: tuple[str | None, str | None]) -> list[dict[str, Any]]:
        return [
            {"iban": iban_of(int(n[1:])), "currency": "EUR", "mandate": mandate, "connector": connector}
            for n, (mandate, connector) in of.items()
        ]

    profiles = zip((ADMINISTRATEUR, SUPERVISEUR, COLLABORATEUR), Profile, strict=True)
    return {
        "cabinets": [
            {
                "code": HERE,
                "name": "Cabinet Un",
                "members": [{"user": user, "profile": profile.value} for user, profile in profiles],
                "connectors": [{"name": "fizen", "partner": "fizen"}, {"name": "inqom", "partner": "inqom"}],
                "dossiers": [
                    {
                        "reference": "D1", "name": "Boulangerie",
                        "accounts": accounts(a1=("approved", "fizen"), a2=("approved", None), a3=("draft", None)),
                    },
                    {
                        "reference": "D2", "name": "Garage",
                        "accounts": accounts(a4=("approved", "inqom"), a5=("revoked", None), a6=("approved", None)),
                    },
                ],
            },
            {
                "code": THERE,
                "name": "Cabinet Deux",
                "members": [{"user": STRANGER, "profile": Profile.ADMINISTRATEUR.value}],
                "connectors": [{"name": "fizen", "partner": "fizen"}],
                "dossiers": [
                    {
                        "reference": "D1", "name": "Fleuriste",
                        "accounts": accounts(a11=("approved", "fizen"), a12=("approved", None)),
                    },
                ],
            },
        ]
    }  # fmt: skip


def plain(page: str) -> str:
    """A page with ordinary spaces before French signs and inside « », as sentences are written in tests."""
    return re.sub(r"[\u00a0\u202f](?=[:;!?%»])|(?<=«)[\u00a0\u202f]", " ", page)


class Reader(TestClient):
    """A browser whose pages are read with ordinary spaces around French signs."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """The answer; a page of it `plain`."""
        found = super().send(request, **options)
        if not found.headers.get("content-type", "").startswith("text/html"):
            return found
        return httpx.Response(found.status_code, headers=found.headers, text=plain(found.text), request=request)


@dataclass(frozen=True)
class Site:
    """The pages over a house; `as_` is a browser of one user, who is signed in."""

    house: TestHouse
    app: ASGIApp

    def as_(self, user: str | None, *, language: str = "fr") -> TestClient:
        """A client; None is not signed in. Its changes come from our own pages."""
        headers = {"accept-language": language, "origin": _ORIGIN} | ({"x-user": user} if user else {})
        return Reader(self.app, headers=headers, follow_redirects=False, raise_server_exceptions=False)

    def account(self, n: int) -> int:
        """Number of the row of the n-th account."""
        with self.house.database.read() as connection:
            query = sa.select(schema.accounts.c.id).where(schema.accounts.c.iban == iban_of(n))
            return int(connection.execute(query).scalar_one())

    def fingerprint(self) -> str:
        """A hash of every row of every table: equal before and after what changes nothing."""
        found = hashlib.sha256()
        with self.house.database.read() as connection:
            for table in schema.metadata.sorted_tables:
                rows = connection.execute(sa.select(table).order_by(*table.primary_key.columns))
                found.update(repr([tuple(row) for row in rows]).encode())
        return found.hexdigest()

    def deliver(self) -> None:
        """A day: statements of accounts 1–6 and 11–12 arrive (that of 6 unbalanced, 9 unknown), a run delivers them."""
        told = [statement(n, DAY, 12_345, -2_000, opening=100_000) for n in (1, 2, 3, 4, 5, 9, 11, 12)]
        told.append(statement(6, DAY, 500, closing=1))
        self.house.take_in(file_of(*told), name=named(DAY))
        self.house.run(DAY, judged=True)


def site_of(house: TestHouse) -> Site:
    """The world, registered in an empty house."""
    register(
        RegistryImporter(house.database), registry(), source="test", partners=house.partners, check_iban=checked_iban,
        check_encryption=house.encryption.check, now=NOW,
    )  # fmt: skip

    return over(house)


#: Over which house a request is answered. The app is built once: its hundred routes take a tenth of a second.
_HOUSE: ContextVar[TestHouse] = ContextVar("house")


def over(house: TestHouse) -> Site:
    """The pages over a house as it is."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        _HOUSE.set(house)
        await _pages()(scope, receive, send)

    return Site(house=house, app=answer)


@cache
def _pages() -> ASGIApp:
    async def identify(connection: HTTPConnection) -> Visitor:
        if (user := connection.headers.get("x-user")) is None:
            raise NotSignedIn
        return Visitor(name=user, operator=user == OPERATOR)

    return build(_HOUSE.get, identify)
