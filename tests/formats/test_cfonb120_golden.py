"""Golden pairs of CFONB 120: a small file for each rule and quirk, beside what is expected of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.formats.cfonb120_lines import statement
from tests.formats.cfonb120_reference import fast

GOLDEN = Path(__file__).parents[1] / "golden" / "cfonb120"
NAMES = sorted(path.stem for path in GOLDEN.glob("*.txt"))
SHAPES = [name for name in NAMES if name.startswith("s02-shape-")]
RULES = ("s01", "s02", "s03", "s04", "s05", "s06", "s07", "s08", "s10", "s11", "s12", "s13")


def plain(raw: bytes, chunk_bytes: int = 1 << 20) -> dict[str, Any]:
    """A reading as JSON has it: each statement with its entries, digests in hexadecimal, records left out."""
    found = fast(raw, chunk_bytes)
    statements = []
    for row in found["statements"]:
        entries = [
            {k: v for k, v in e.items() if k != "position"}
            for e in found["entries"]
            if e["position"] == row["position"]
        ]
        digests = {name: row[name].hex() for name in ("content_sha256", "identity")}
        statements.append({k: v for k, v in row.items() if k != "records"} | digests | {"entries": entries})
    whole = {"counts": found["counts"], "statements": statements, "refused": found["refusals"]}
    return json.loads(json.dumps(whole, default=str))


@pytest.mark.parametrize("name", NAMES)
def test_each_file_reads_as_its_golden_says(name: str) -> None:
    assert plain((GOLDEN / f"{name}.txt").read_bytes()) == json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("chunk_bytes", [1, 50, 256])
@pytest.mark.parametrize("name", NAMES)
def test_small_chunks_read_the_same(name: str, chunk_bytes: int) -> None:
    raw = (GOLDEN / f"{name}.txt").read_bytes()
    assert plain(raw, chunk_bytes) == plain(raw)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_file_in_each_shape_gives_equal_statements(shape: str) -> None:
    found, straight = (fast((GOLDEN / f"{name}.txt").read_bytes()) for name in (shape, "s02-shape-lf"))
    for reading in (found, straight):
        for row in reading["statements"]:
            del row["first_record"]
    assert found["statements"] == straight["statements"]
    assert found["entries"] == straight["entries"]
    assert found["refusals"] == []


def test_what_is_kept_of_a_trimmed_statement_is_its_records_padded_to_120() -> None:
    records = statement(1, -2, 3)
    [kept] = fast(b"\r\n".join(record.rstrip() for record in records))["statements"]
    assert kept["records"] == b"".join(records)
    assert kept["n_records"] == len(records)


def test_a_repeated_statement_names_its_first_and_another_content_has_another_identity() -> None:
    rows = fast((GOLDEN / "s10-same-identity-other-content.txt").read_bytes())["statements"]
    assert [row["duplicate_of"] for row in rows] == [None, None, 0, 1]
    assert rows[0]["identity"] == rows[2]["identity"] != rows[1]["identity"] == rows[3]["identity"]


def test_every_rule_of_reading_has_its_golden_files() -> None:
    assert {name[:3] for name in NAMES} == set(RULES)
    assert len(SHAPES) >= 10
