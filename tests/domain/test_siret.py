"""A siret is 14 digits with a key, the post offices' their own."""

from __future__ import annotations

import pytest

from sobank.domain.siret import is_siret


@pytest.mark.parametrize("text", ["73282932000074", "55208131766522", "35600000000048", "35600000049837"])
def test_a_siret_whose_key_holds_is_one(text: str) -> None:
    assert is_siret(text)


@pytest.mark.parametrize(
    "text",
    ["73282932000075", "73282932000047", "7328293200007", "732829320000740", "7328293200007A", "٧٣٢٨٢٩٣٢٠٠٠٠٧٤", ""],
)
def test_one_digit_wrong_turned_round_missing_or_too_many_is_none(text: str) -> None:
    assert not is_siret(text)


def test_the_post_offices_rule_is_theirs_alone() -> None:
    assert sum(map(int, "35600000049837")) % 5 == 0
    assert sum(map(int, "73282932000063")) % 5 == 0
    assert not is_siret("73282932000063")
