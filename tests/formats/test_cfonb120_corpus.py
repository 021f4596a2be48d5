"""Files of real banks, read where the corpus lies beside the project: nothing lost, balances as they have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sobank.formats.cfonb120 import Cfonb120
from tests.formats.cfonb120_lines import statement
from tests.formats.cfonb120_reference import fast, read

CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "cfonb120"
MADE_HERE = "a statement made here"

#: Of each file: total, parsed, blank, refused; then (opening, closing, entries, errors) of each statement.
KNOWN = {
    MADE_HERE: ((7, 7, 0, 0), [(100_000, 99_999, 3, "")]),
    "airporting-known-bank-3-no-transactions.txt": (
        (4, 4, 0, 0),
        [(0, 0, 0, ""), (-199_663_714, -199_663_714, 0, "")],
    ),
    "airporting-known-bank.txt": ((6, 6, 0, 0), [(-122_585, 0, 2, "unbalanced")]),
    "airporting-no-line-breaks-from-jedeclare.txt": ((3, 3, 0, 0), [(10_718_413, 13_071_062, 1, "unbalanced")]),
    "airporting-various-2.txt": ((7, 7, 0, 0), [(10_727, 38, 2, "")]),
    "pennylane-example.txt": ((33, 24, 9, 0), [(-19_040, -24_121, 3, ""), (-24_121, -16_372, 3, "")]),
    "pennylane-invalid_date.txt": ((9, 3, 4, 2), [(-19_040, -24_121, 1, "bad_date")]),
    "pennylane-operation.txt": ((5, 0, 0, 5), []),
    "pennylane-operation_detail_without_operation.txt": (
        (8, 4, 3, 1),
        [(-19_040, -24_121, 1, "complement_without_movement")],
    ),
    "pennylane-operation_unstarted.txt": ((4, 0, 0, 4), []),
    "silarhi-complex-test.txt": (
        (28, 25, 3, 0),
        [
            (1_669_565, 1_667_286, 1, ""),
            (1_667_286, 1_165_275, 2, ""),
            (1_165_275, 1_165_275, 0, ""),
            (1_165_275, 1_153_500, 1, ""),
            (1_153_500, 1_153_500, 0, ""),
            (1_153_500, 1_148_475, 1, ""),
            (1_148_475, 1_148_475, 0, ""),
            (58_435_302, 58_435_302, 0, ""),
        ],
    ),
    "silarhi-simple-test.txt": ((2, 2, 0, 0), [(1_669_565, 1_669_565, 0, "")]),
    "silarhi-test-unused-parts.txt": (
        (16, 16, 0, 0),
        [(1862, 1862, 0, ""), *[(0, 0, 0, "")] * 6, (1_987_572, 1_987_572, 0, "")],
    ),
}
FILES = sorted(CORPUS.glob("*.txt")) if CORPUS.is_dir() else []


def content(name: str) -> bytes:
    return b"\n".join(statement(2, -5, 2)) if name == MADE_HERE else (CORPUS / name).read_bytes()


@pytest.mark.parametrize("name", [MADE_HERE, *(path.name for path in FILES)])
def test_nothing_of_a_bank_file_is_lost(name: str) -> None:
    raw = content(name)
    found = fast(raw)
    assert Cfonb120().claims(raw[:4096])
    assert found == read(raw)
    assert sum(found["counts"][part] for part in ("parsed", "blank", "refused")) == found["counts"]["total"]
    for ending in (b"\r\n", b"\r"):
        assert fast(raw.replace(b"\n", ending))["statements"] == found["statements"]


@pytest.mark.parametrize("name", [MADE_HERE, *(path.name for path in FILES if path.name in KNOWN)])
def test_balances_of_a_bank_file_are_those_it_states(name: str) -> None:
    found = fast(content(name))
    counts, balances = KNOWN[name]
    rows = found["statements"]
    assert tuple(found["counts"].values()) == counts
    assert [(row["opening"], row["closing"], row["n_entries"], row["errors"]) for row in rows] == balances
