"""French text does not break before `: ; ! ?` nor inside « »; English is left as it is."""

from __future__ import annotations

import html
import re

import pytest
from fastapi.testclient import TestClient

from sobank.web.language import Language, spaced
from tests.builders import iban_of
from tests.web.site import DAY, OPERATOR, Site

_BROKEN = re.compile(r" (?:[;!?»]|:(?=\s|$))|« ")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Où : ici", "Où\u00a0: ici"),
        ("Ajouté ; testé !", "Ajouté\u202f; testé\u202f!"),
        ("le paramètre « day »", "le paramètre «\u202fday\u202f»"),
        ("à 14:03, sur sftp://ici", "à 14:03, sur sftp://ici"),
    ],
)
def test_signs_have_the_space_that_french_gives_them(written: str, read: str) -> None:
    assert spaced(written) == read == spaced(read)
    assert Language("fr").say(written) == read
    assert Language("en").say(written) == written


def test_what_is_filled_in_is_not_changed() -> None:
    assert Language("fr").say("Fichier : {name}", name="a : b") == "Fichier\u00a0: a : b"


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard", "/cabinets/CAB001/connectors/new?partner=fizen", "/accounts", "/statements", "/deliveries",
        "/deliveries/1", "/quarantine", "/quarantine/9", f"/cabinets/CAB001/global-files/{DAY}", "/journal",
    ],
)  # fmt: skip
def test_no_line_of_a_page_can_break_before_a_sign(delivered: Site, path: str) -> None:
    """Read by a browser that shows the page as it is."""
    browser = TestClient(delivered.app, headers={"x-user": OPERATOR})
    seen(browser.get(path).text)


def test_a_diagnosis_does_not_break_before_a_sign_either(delivered: Site) -> None:
    browser = TestClient(delivered.app, headers={"x-user": OPERATOR, "origin": "http://testserver"})
    seen(browser.post("/diagnosis", data={"iban": iban_of(6)}).text)


def seen(page: str) -> None:
    """What a person reads of a page holds no sign that could begin a line; what is to be copied is left plain."""
    told = re.sub(r"<pre.*?</pre>|<(\w+)[^>]* lang=\"en\".*?</\1>", "", page, flags=re.DOTALL)
    text = html.unescape(re.sub(r"<[^>]+>", "\n", told))
    assert "Tableau de bord" in text
    assert [line for line in text.splitlines() if _BROKEN.search(line)] == []
