"""French, or English where the browser asks for it; no text is left without its other half."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import jinja2
import pytest

from sobank.web import batch_words, connector_words, rule_words, statement_words, words
from sobank.web.language import Language, english
from sobank.web.navigation import NAVIGATION
from sobank.web.pages import dag_tabs, members
from sobank.web.rendering import environment
from tests.web.site import SUPERVISEUR, Site

_WEB = Path(str(files("sobank.web")))
_CALLS = {"_", "count", "say"}


def of_templates() -> Iterator[str]:
    """Every text that a template says."""
    for name in environment().list_templates():
        source, _, _ = environment().loader.get_source(environment(), name)  # type: ignore[union-attr]
        for call in environment().parse(source).find_all(jinja2.nodes.Call):
            if isinstance(call.node, jinja2.nodes.Name) and call.node.name in _CALLS:
                yield from (
                    a.value for a in call.args if isinstance(a, jinja2.nodes.Const) and isinstance(a.value, str)
                )


def of_modules() -> Iterator[str]:
    """Every text that a module says by `language.say` or `language.count`, and those of the tables of words."""
    for path in _WEB.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CALLS:
                found = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                yield from (text for text in found if any(letter.isalpha() for letter in text))
    yield from (entry.name for entry in NAVIGATION)
    yield from words.STEPS.values()
    yield from (name for name, _ in words.STATES.values())
    for both in words.NOTES.values():
        yield from both
    yield from statement_words.TEXTS
    yield from connector_words.TEXTS
    yield from members.ACTIONS.values()
    yield from batch_words.TEXTS
    yield from rule_words.TEXTS
    yield from (name for name, *_ in dag_tabs.COLUMNS)


def test_every_text_has_its_english() -> None:
    assert {*of_templates(), *of_modules()} - set(english()) == set()


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-US,en;q=0.9,fr;q=0.8", "en"),
        ("de", "fr"),
        ("en;q=x", "fr"),
        ("fr;q=0.2,en;q=0.9", "en"),
    ],
)
def test_the_language_is_the_one_that_the_browser_likes_better(accepted: str, code: str) -> None:
    assert Language.of(accepted).code == code


def test_a_page_is_english_for_who_asks_for_english(site: Site) -> None:
    assert "Who changed what" in site.as_(SUPERVISEUR, language="en-GB").get("/journal").text
