"""Golden pairs of CAMT.053: a document of each version beside what is expected of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.camt053_documents import Reading, read

GOLDEN = Path(__file__).parents[1] / "golden" / "camt053"
VERSIONS = ("02", "04", "06", "08")


def plain(found: Reading) -> dict[str, Any]:
    """A reading as JSON has it: records as lines of text, digests left to the tests of identity."""
    statements = [
        {name: value for name, value in row.items() if name not in ("content_sha256", "identity")}
        | {"records": _lines(row["records"])}
        for row in found.statements
    ]
    counts = {name: getattr(found.counts, name) for name in ("total", "parsed", "blank", "refused")}
    whole = {"counts": counts, "statements": statements, "entries": found.entries, "refused": found.refused}
    return json.loads(json.dumps(whole, default=str))


def _lines(records: bytes) -> list[str]:
    return [records[at : at + 120].decode("latin-1") for at in range(0, len(records), 120)]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_version_reads_as_its_golden_says(version: str) -> None:
    found = plain(read((GOLDEN / f"version-{version}.xml").read_bytes()))
    assert found == json.loads((GOLDEN / f"version-{version}.json").read_text("utf-8"))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_size_of_the_chunks_changes_nothing(version: str) -> None:
    content = (GOLDEN / f"version-{version}.xml").read_bytes()
    assert plain(read(content, chunk_bytes=1)) == plain(read(content, chunk_bytes=8 << 20))


def test_the_same_document_in_utf_16_reads_the_same() -> None:
    content = (GOLDEN / "version-02.xml").read_bytes()
    text = content.decode("utf-8").replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert plain(read(text.encode("utf-16"))) == plain(read(content))
