"""*Journal*: who sees which events."""

from __future__ import annotations

import pytest

from tests.web.site import COLLABORATEUR, HERE, NOBODY, OPERATOR, STRANGER, SUPERVISEUR, THERE, Site


@pytest.mark.parametrize(
    ("user", "sees"),
    [(SUPERVISEUR, {HERE}), (STRANGER, {THERE}), (OPERATOR, {HERE, THERE}), (NOBODY, set()), (COLLABORATEUR, set())],
)
def test_a_visitor_sees_the_events_of_the_cabinets_that_he_leads(site: Site, user: str, sees: set[str]) -> None:
    shown = site.as_(user).get("/journal")
    assert shown.status_code == 200
    for cabinet in (HERE, THERE):
        assert (f"cabinet:{cabinet}" in shown.text) is (cabinet in sees)


def test_an_empty_filter_is_no_filter_and_a_day_that_is_none_is_told(site: Site) -> None:
    lead = site.as_(SUPERVISEUR)
    assert lead.get("/journal?cabinet=&actor=&first=&last=&before=").text.count("<tr>") > 2
    assert lead.get("/journal?first=hier").status_code == 422
