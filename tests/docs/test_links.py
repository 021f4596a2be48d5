"""Relative links of the documentation lead somewhere, sections included."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def sections(page: Path) -> set[str]:
    """Anchors of a page's headings, as forges make them."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def dead_links(page: Path) -> list[str]:
    """Links of a page that lead nowhere; links to other sites are not followed."""
    dead = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text("utf-8"))):
        address, _, section = link.partition("#")
        if "://" in address:
            continue
        target = page.parent / address if address else page
        if not target.exists() or (section and section not in sections(target)):
            dead.append(link)
    return dead


def test_every_relative_link_of_the_documentation_leads_somewhere() -> None:
    assert {page.name: found for page in PAGES if (found := dead_links(page))} == {}


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A title\n[x](#a-title) [y](page.md#gone) [z](other.md) [w](https://example.org)\n", "utf-8")
    assert dead_links(page) == ["page.md#gone", "other.md"]


def test_every_decision_is_listed_with_its_title() -> None:
    index = (REPOSITORY / "docs" / "adr" / "README.md").read_text("utf-8")
    for record in sorted((REPOSITORY / "docs" / "adr").glob("[0-9]*.md")):
        title = record.read_text("utf-8").splitlines()[0].removeprefix("# ").partition(". ")[2]
        assert f"[{title}]({record.name})" in index
