"""The API, asked all that its OpenAPI allows and much that it does not: it never breaks, and answers as it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from sobank.web.api.openapi import described
from sobank.web.api.shapes import PREFIX
from tests.builders import TestHouse
from tests.conftest import FreshUrl
from tests.web.site import NOBODY, OPERATOR, SUPERVISEUR, Site, site_of
from tests.web.test_protection import all_routes

_EXAMPLES = 8
_SCHEMA = schemathesis.openapi.from_dict(described(all_routes(), server="/"))
_OPERATIONS = {f"{found.ok().method.upper()} {found.ok().path}": found.ok() for found in _SCHEMA.get_all_operations()}
#: What is there in the world of the tests, so that a question now and then reaches beyond "not found".
_KNOWN = {"cabinet": "CAB001", "account": 1, "batch": 1, "statement": 1, "user": "collab", "name": "fizen"}


@pytest.fixture(scope="module")
def on_postgres(fresh_postgres_url: FreshUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A delivered day on PostgreSQL, which takes offence where SQLite takes anything; one for every operation."""
    house = TestHouse(tmp_path_factory.mktemp("home"), fresh_postgres_url())
    site = site_of(house)
    site.deliver()
    yield site
    house.database.close()


@pytest.mark.parametrize(
    ("world", "mode"),
    [
        ("delivered", GenerationMode.POSITIVE),
        ("delivered", GenerationMode.NEGATIVE),
        ("on_postgres", GenerationMode.POSITIVE),
    ],
    ids=["sqlite-allowed", "sqlite-not-allowed", "postgres-allowed"],
)
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_whatever_is_asked_the_api_does_not_break_and_answers_as_it_says(
    request: pytest.FixtureRequest, world: str, operation: str, mode: GenerationMode
) -> None:
    site: Site = request.getfixturevalue(world)
    asked = _OPERATIONS[operation]

    @settings(max_examples=_EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        case=asked.as_strategy(generation_mode=mode),
        known=st.booleans(),
        user=st.sampled_from([SUPERVISEUR, OPERATOR, NOBODY]),
    )
    def ask(case: Case, known: bool, user: str) -> None:
        if known:
            case.path_parameters = {name: _KNOWN[name] for name in case.path_parameters or {}}
        answer = case.call(app=site.app, headers={"x-user": user, "origin": "http://testserver"})
        case.validate_response(
            answer, checks=[not_a_server_error, response_schema_conformance, status_code_conformance]
        )

    ask()


def test_the_document_is_for_who_is_signed_in(site: Site) -> None:
    assert site.as_(None).get(f"{PREFIX}/openapi.json").status_code == 401
    document = site.as_(NOBODY).get(f"{PREFIX}/openapi.json").json()
    assert set(document["paths"]) == {path.split(" ", 1)[1] for path in _OPERATIONS}
