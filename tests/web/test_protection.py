"""Nothing of the pages is anybody's: every route, every method, whoever asks and from wherever (DESIGN §5, §8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from sobank.web.app import routes
from sobank.web.rights import Needs
from tests.builders import TestHouse
from tests.web.site import HERE, STRANGER, SUPERVISEUR, Site

#: What a path names, as CAB001 has it.
_NAMES = {
    "cabinet": HERE, "account": "1", "batch": "1", "statement": "1", "dossier": "D1", "dag": "deliver_statements",
    "run": "manual__now",
}  # fmt: skip


def all_routes() -> list[BaseRoute]:
    """Every route of the app, whatever its kind."""
    return routes(lambda: TestHouse.__new__(TestHouse)).routes


def asked() -> Iterator[tuple[str, str]]:
    """Every (method, path) of the app, its parameters filled in as CAB001 has them."""
    for route in all_routes():
        assert isinstance(route, APIRoute), f"{route} is no route with rights of its own"
        for method in sorted(route.methods):
            path = route.path
            for name in route.param_convertors:
                path = re.sub(rf"\{{{name}(:\w+)?\}}", _NAMES.get(name, "1"), path)
            yield method, path


def needs_of(route: APIRoute) -> list[Needs]:
    """What a route declares to need, however deep."""
    found, left = [], list(route.dependant.dependencies)
    while left:
        one = left.pop()
        left += one.dependencies
        if isinstance(one.call, Needs):
            found.append(one.call)
    return found


@pytest.mark.parametrize("route", all_routes(), ids=lambda route: str(getattr(route, "path", route)))
def test_every_route_says_once_what_right_it_takes(route: BaseRoute) -> None:
    assert isinstance(route, APIRoute)
    assert len(needs_of(route)) == 1


@pytest.mark.parametrize(
    ("method", "path"), [*asked(), ("GET", "/nothing-here"), ("GET", "/openapi.json"), ("GET", "/docs")]
)
def test_nobody_who_is_not_signed_in_gets_anything(site: Site, method: str, path: str) -> None:
    assert site.as_(None).request(method, path).status_code == 401


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "", "http://testserver.example", "testserver"])
@pytest.mark.parametrize(
    ("method", "path"), [one for one in asked() if one[0] not in {"GET", "HEAD"}] or [("POST", "/")]
)
def test_nothing_is_changed_from_another_site(site: Site, method: str, path: str, origin: str) -> None:
    before = site.fingerprint()
    assert site.as_(SUPERVISEUR).request(method, path, headers={"origin": origin}).status_code == 403
    visitor = site.as_(SUPERVISEUR)
    del visitor.headers["origin"]
    assert visitor.request(method, path).status_code == 403
    assert site.fingerprint() == before


@pytest.mark.parametrize(
    ("method", "path"), [one for one in asked() if any(f"/{name}" in one[1] for name in (HERE, "1"))]
)
def test_what_is_of_another_cabinet_is_answered_as_what_is_not_there(delivered: Site, method: str, path: str) -> None:
    theirs = delivered.as_(STRANGER).request(method, path)
    missing = path.replace(HERE, "CAB999").replace("/1", "/999999999")
    nowhere = delivered.as_(STRANGER).request(method, missing)
    assert theirs.status_code == nowhere.status_code == 404
    assert _without_keys(theirs.text, path) == _without_keys(nowhere.text, missing)


def _without_keys(text: str, path: str) -> str:
    for part in path.split("/"):
        text = text.replace(f">{part}<", "><").replace(f'"{part}"', '""')
    return text


@pytest.mark.parametrize("path", sorted({path for method, path in asked() if method == "GET"}))
def test_looking_changes_nothing(delivered: Site, path: str) -> None:
    before = delivered.fingerprint()
    for user in (SUPERVISEUR, STRANGER, "op"):
        assert delivered.as_(user).get(path).status_code < 500
    assert delivered.fingerprint() == before


def test_every_answer_keeps_other_sites_and_inline_scripts_out(site: Site) -> None:
    for user, path in ((SUPERVISEUR, "/journal"), (None, "/journal"), (SUPERVISEUR, "/nothing-here")):
        headers = site.as_(user).get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["x-content-type-options"] == "nosniff"
