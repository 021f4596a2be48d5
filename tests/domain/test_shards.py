"""How a day is cut into shards of cabinets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sobank.domain.shards import LAST, WHOLE_DAY, Shard, shards_for

VOLUMES = st.dictionaries(st.integers(1, 500), st.integers(1, 1_000), max_size=40).map(
    lambda found: sorted(found.items())
)


@pytest.mark.parametrize(
    ("cabinets", "wanted"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (201, 3), (1_000, 10), (100_000, 32)]
)
def test_the_number_of_shards_follows_the_volume_from_one_up_to_the_bound(cabinets: int, wanted: int) -> None:
    shards = shards_for([(cabinet, 1) for cabinet in range(1, cabinets + 1)], size=100, most=32)
    assert [shard.number for shard in shards] == list(range(wanted))
    assert {shard.of for shard in shards} == {wanted}


@given(VOLUMES, st.integers(1, 2_000), st.integers(1, 12))
def test_every_cabinet_is_in_one_shard_whether_it_had_any_volume_or_not(
    volumes: list[tuple[int, int]], size: int, most: int
) -> None:
    shards = shards_for(volumes, size=size, most=most)
    assert (shards[0].first, shards[-1].last) == (0, LAST)
    assert all(left.last + 1 == right.first for left, right in pairwise(shards))
    assert all(shard.first <= shard.last for shard in shards)
    assert len(shards) <= most


@given(VOLUMES, st.integers(1, 2_000))
def test_no_shard_is_larger_than_its_share_and_the_largest_cabinet(volumes: list[tuple[int, int]], size: int) -> None:
    shards = shards_for(volumes, size=size, most=10**6)
    total, largest = sum(v for _, v in volumes), max((v for _, v in volumes), default=0)
    share = total / max(1, -(-total // size))
    held = [sum(v for cabinet, v in volumes if shard.first <= cabinet <= shard.last) for shard in shards]
    assert max(held) <= share + largest


def test_one_large_cabinet_does_not_have_the_others_wait_for_it() -> None:
    volumes = [(cabinet, 50 if cabinet == 7 else 1) for cabinet in range(1, 952)]
    shards = shards_for(volumes, size=50, most=32)
    assert len(shards) == 20
    held = [sum(v for cabinet, v in volumes if shard.first <= cabinet <= shard.last) for shard in shards]
    assert max(held) <= 56


def test_a_shard_that_one_task_tells_another_of_is_the_same() -> None:
    shards = shards_for([(3, 10), (9, 10), (12, 5)], size=10, most=8)
    assert [Shard.told(shard.said() | {"day": "2026-03-03"}) for shard in shards] == shards


def test_files_of_a_run_cut_in_one_way_are_never_those_of_the_same_run_cut_in_another() -> None:
    cuts = [shards_for([(n, 1) for n in range(1, of + 1)], size=1, most=of) for of in (2, 5, 12)]
    cuts.append(shards_for([(1, 1), (2, 1), (3, 1), (4, 2)], size=1, most=5))
    keys = [shard.key("run-1") for shards in ([WHOLE_DAY], *cuts) for shard in shards]
    assert len(set(keys)) == len(keys)
    assert keys[0] == "run-1"
