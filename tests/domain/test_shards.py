"""How a day is cut into shards of cabinets."""

from __future__ import annotations

import pytest

from sobank.domain.shards import shards_for


@pytest.mark.parametrize(
    ("volume", "wanted"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (201, 3), (1_000, 10), (10**9, 32)]
)
def test_the_number_of_shards_follows_the_volume_from_one_up_to_the_bound(volume: int, wanted: int) -> None:
    shards = shards_for(volume, size=100, most=32)
    assert [shard.number for shard in shards] == list(range(wanted))
    assert {shard.of for shard in shards} == {wanted}


def test_files_of_a_run_cut_in_one_way_are_never_those_of_the_same_run_cut_in_another() -> None:
    keys = [shard.key("run-1") for of in (1, 2, 5, 12) for shard in shards_for(of, size=1, most=of)]
    assert len(set(keys)) == len(keys)
    assert keys[0] == "run-1"
