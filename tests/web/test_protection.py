"""Nothing of the pages is anybody's: every route, every method, whoever asks and from wherever (DESIGN §5, §8)."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from sobank.web import guard
from sobank.web.app import routes
from sobank.web.rights import Needs
from tests.builders import TestHouse, iban_of
from tests.web.site import HERE, OPERATOR, STRANGER, SUPERVISEUR, Site, over

#: What a path names, as CAB001 has it.
_NAMES = {
    "cabinet": HERE, "account": "1", "batch": "1", "statement": "1", "dossier": "D1", "dag": "deliver_statements",
    "run": "manual__now",
}  # fmt: skip


@pytest.fixture(scope="module")
def seen(delivered_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A delivered day that nobody here may change."""
    home = tmp_path_factory.mktemp("seen") / "home"
    shutil.copytree(delivered_once, home)
    house = TestHouse(home, f"sqlite:///{home / 'sobank.db'}")
    found = over(house)
    before = found.fingerprint()
    yield found
    assert found.fingerprint() == before
    house.database.close()


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
def test_nobody_who_is_not_signed_in_gets_anything(looked: Site, method: str, path: str) -> None:
    assert looked.as_(None).request(method, path).status_code == 401


@pytest.mark.parametrize(("method", "path"), [one for one in asked() if one[0] not in {"GET", "HEAD"}])
def test_nothing_is_changed_from_another_site(looked: Site, method: str, path: str) -> None:
    visitor = looked.as_(SUPERVISEUR)
    for origin in ("https://elsewhere.example", "null", "", "http://testserver.example", "testserver", "http://["):
        assert visitor.request(method, path, headers={"origin": origin}).status_code == 403, origin
    del visitor.headers["origin"]
    assert visitor.request(method, path).status_code == 403


def test_a_page_that_came_without_tls_changes_nothing_where_we_are_asked_by_https(looked: Site) -> None:
    safe = TestClient(looked.app, base_url="https://testserver", headers={"x-user": SUPERVISEUR})
    for origins, status in (
        (["https://testserver"], 422),
        (["http://testserver"], 403),
        (["https://testserver", "https://elsewhere.example"], 403),
    ):
        assert safe.post("/diagnosis", headers=[("origin", one) for one in origins]).status_code == status, origins


def test_a_request_longer_than_any_of_ours_is_not_read(looked: Site) -> None:
    visitor = looked.as_(SUPERVISEUR)
    file = {"iban": ("iban", b"1" * (2 << 20))}
    assert visitor.post("/diagnosis", files=file).status_code == 413
    assert visitor.post("/api/v1/diagnosis", json={"iban": "1" * (2 << 20)}).json()["code"] == "http_413"


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 20, "9" * 5_000, "0" * 5_000, "٣"])
def test_a_number_that_is_none_is_not_found_and_says_nothing(looked: Site, digits: str) -> None:
    visitor = looked.as_(SUPERVISEUR)
    for path in (
        "/accounts/", "/accounts/1/statements/", "/deliveries/", "/quarantine/", "/api/v1/accounts/",
        "/api/v1/batches/",
    ):  # fmt: skip
        assert visitor.get(f"{path}{digits}").status_code == 404
    answer = visitor.get(f"/journal?note=statements_released&n={digits}")
    assert answer.status_code == 200


@pytest.mark.parametrize("untyped", ["\x1b]0;title\x07", "\x00", "\x9b2J"])
def test_what_a_terminal_would_follow_is_not_taken_for_a_reason(delivered: Site, untyped: str) -> None:
    before, visitor = delivered.fingerprint(), delivered.as_(SUPERVISEUR)
    for path in ("/cabinets/CAB001/connectors/inqom/cut", "/quarantine/of/CAB001/decide"):
        given = {"reason": f"parce que{untyped}", "statements": "9", "verdict": "release"}
        assert visitor.post(path, data=given).status_code == 422
    assert delivered.fingerprint() == before


def test_a_host_that_is_none_is_answered_like_any_other(looked: Site) -> None:
    assert looked.as_(None).get("/accounts", headers={"host": "["}).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [one for one in asked() if any(f"/{name}" in one[1] for name in (HERE, "1"))]
)
def test_what_is_of_another_cabinet_is_answered_as_what_is_not_there(seen: Site, method: str, path: str) -> None:
    theirs = seen.as_(STRANGER).request(method, path)
    missing = path.replace(HERE, "CAB999").replace("/1", "/999999999")
    nowhere = seen.as_(STRANGER).request(method, missing)
    assert theirs.status_code == nowhere.status_code == 404
    assert _without_keys(theirs.text, path) == _without_keys(nowhere.text, missing)


def _without_keys(text: str, path: str) -> str:
    for part in path.split("/"):
        text = text.replace(f">{part}<", "><").replace(f'"{part}"', '""')
    return text


@pytest.mark.parametrize("path", sorted({path for method, path in asked() if method == "GET"}))
def test_looking_changes_nothing(seen: Site, path: str) -> None:
    before = seen.fingerprint()
    for user in (SUPERVISEUR, STRANGER, OPERATOR):
        assert seen.as_(user).get(path).status_code < 500
    assert seen.fingerprint() == before


def test_every_answer_keeps_other_sites_and_inline_scripts_out(site: Site) -> None:
    for user, path in ((SUPERVISEUR, "/journal"), (None, "/journal"), (SUPERVISEUR, "/nothing-here")):
        headers = site.as_(user).get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("written", [iban_of(1), " ".join(re.findall(".{1,4}", iban_of(1))), iban_of(1)[4:]])
def test_what_is_searched_for_is_found_but_a_log_of_the_request_gets_no_account_number(
    looked: Site, written: str
) -> None:
    logged: list[str] = []

    async def logging(scope: Scope, receive: Receive, send: Send) -> None:
        await looked.app(scope, receive, send)
        logged.append(scope["query_string"].decode())

    visitor = Site(house=looked.house, app=logging).as_(SUPERVISEUR)
    assert f"/accounts/{looked.account(1)}" in visitor.get("/accounts", params={"search": written, "page": 1}).text
    assert "0147" in logged[0]
    assert "page=1" in logged[0]
    assert len(re.findall("[0-9]", unquote(logged[0]))) < 11


@pytest.mark.parametrize(
    ("asked", "logged"),
    [
        ({"search": "0500013M026"}, {"search": "**** … M026"}),
        ({"search": "0500013m026"}, {"search": "**** … m026"}),
        ({"search": "20041 01005 0500013M026 06"}, {"search": "**** … 2606"}),
        ({"search": "fr1420041010050500013m02606"}, {"search": "fr14 **** … 2606"}),
        ({"subject": "account 05000\xa013M026"}, {"subject": "acco **** … M026"}),
        ({"another": "ABCDE012345"}, {"another": "ABCD **** … 2345"}),
        ({"search": "ABCDEF01234"}, None),
        ({"search": "Boulangerie du Port 2026", "first": "2026-03-02", "page": "1234567890"}, None),
        ({"subject": "connector:CAB001/fizen-2", "note": "statements_released", "state": "to_act"}, None),
        (
            {"cabinet": "CLT00012345", "connector": "fizen123456", "offer": "fizen123456", "dossier": "DOSSIER2026001",
             "partner": "partner123456", "user": "anne123456789", "actor": "worker7c9d8b6f55"},
            None,
        ),
        ({"dossier": "30004008280"}, {"dossier": "**** … 8280"}),
    ],
    ids=str,
)  # fmt: skip
def test_a_log_gets_no_account_number_with_letters_and_all_that_our_pages_put_into_an_address(
    looked: Site, asked: dict[str, str], logged: dict[str, str] | None
) -> None:
    seen: list[dict[str, str]] = []

    async def logging(scope: Scope, receive: Receive, send: Send) -> None:
        await looked.app(scope, receive, send)
        seen.append(dict(parse_qsl(scope["query_string"].decode())))

    Site(house=looked.house, app=logging).as_(SUPERVISEUR).get("/dashboard", params=asked)
    assert seen == [logged or asked]


def test_the_script_leaves_what_our_pages_put_into_an_address_as_the_log_does() -> None:
    script = (files("sobank.web") / "static" / "sobank.js").read_text("utf-8")
    (listed,) = re.findall(r"const OUR_CODES = (\[.*?\]);", script)
    assert set(json.loads(listed)) == guard.OUR_CODES
