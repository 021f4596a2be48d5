"""The API, asked all that its OpenAPI allows and much that it does not: it never breaks, and answers as it says."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from sobank.web.api.openapi import described
from sobank.web.api.shapes import PREFIX
from tests.web.site import NOBODY, OPERATOR, SUPERVISEUR, Site
from tests.web.test_protection import all_routes

_EXAMPLES = 25
_SCHEMA = schemathesis.openapi.from_dict(described(all_routes(), server="/"))
_OPERATIONS = {f"{found.ok().method.upper()} {found.ok().path}": found.ok() for found in _SCHEMA.get_all_operations()}
#: What is there in the world of the tests, so that a question now and then reaches beyond "not found".
_KNOWN = {"cabinet": "CAB001", "account": 1, "batch": 1, "statement": 1, "user": "collab", "name": "fizen"}


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_whatever_is_asked_the_api_does_not_break_and_answers_as_it_says(
    delivered: Site, operation: str, mode: GenerationMode
) -> None:
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
        answer = case.call(app=delivered.app, headers={"x-user": user, "origin": "http://testserver"})
        case.validate_response(
            answer, checks=[not_a_server_error, response_schema_conformance, status_code_conformance]
        )

    ask()


def test_the_document_is_for_who_is_signed_in(site: Site) -> None:
    assert site.as_(None).get(f"{PREFIX}/openapi.json").status_code == 401
    document = site.as_(NOBODY).get(f"{PREFIX}/openapi.json").json()
    assert set(document["paths"]) == {path.split(" ", 1)[1] for path in _OPERATIONS}
