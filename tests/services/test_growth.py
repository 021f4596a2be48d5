"""What a day costs in memory and tasks does not follow the day: two sizes of it, one four times the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import pyarrow as pa
import pytest

from sobank import jobs
from sobank.store import bulk, database, decision
from sobank.store.extract import extract, partition
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement
from tests.conftest import FreshUrl
from tests.services.quick_judge import judge_quickly

DAY = date(2026, 3, 2)
SMALL, LARGE = 50, 200
#: Records of a statement, and of the chunks that are held at once: far fewer than those of the smaller day.
RECORDS, CHUNK = 52, 400
#: A day four times as large may hold so many times as much.
MOST: Final = 1.3


def a_day(home: Path, url: str, statements: int, cabinets: int | None = None) -> TestHouse:
    """Each statement is of a cabinet of its own, unless there are fewer, and every other one goes to a partner."""
    house = TestHouse(home, url)
    connectors = {n: "fizen" if n % 2 else None for n in range(1, statements + 1)}
    accounts: dict[str, dict[int, tuple[str, str | None]]] = defaultdict(dict)
    for n, to in connectors.items():
        accounts[f"CAB{n % (cabinets or statements)}"][n] = ("approved", to)
    house.register(*(Cabinet(code, accounts=of) for code, of in accounts.items()))
    amounts = range(1, RECORDS - 1)
    house.take_in(file_of(*(statement(n, DAY, *amounts) for n in connectors)), now=NOW)
    return house


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> dict[int, TestHouse]:
    return {n: a_day(tmp_path_factory.mktemp(f"day-{n}"), fresh_sqlite_url(), n) for n in (SMALL, LARGE)}


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks as much smaller as these days are smaller than a real one."""
    monkeypatch.setattr(decision, "CHUNK_RECORDS", CHUNK)
    monkeypatch.setattr(database, "_FETCH_ROWS", 16)
    monkeypatch.setattr(bulk, "_ROWS_AT_ONCE", 16)


def most_held(work: Callable[[], object]) -> int:
    """Bytes that Arrow held at once while it worked, at the most."""
    before = pa.default_memory_pool()
    counting = pa.proxy_memory_pool(before)
    pa.set_memory_pool(counting)
    try:
        work()
    finally:
        pa.set_memory_pool(before)
    return int(counting.max_memory())


def test_memory_of_extract_partition_and_validation_follows_the_shard_and_not_the_day(
    days: dict[int, TestHouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_quickly(monkeypatch)

    def held(house: TestHouse, shard_statements: int) -> int:
        house.settings = replace(house.settings, shard_statements=shard_statements)
        monkeypatch.setattr("sobank.jobs.start.house", lambda: house)
        refs = jobs.shards(DAY, "in shards")
        assert len(refs) == len(house.statuses()) // shard_statements
        return max(most_held(lambda ref=ref: prepare(ref)) for ref in refs)

    in_shards = {size: held(house, SMALL // 2) for size, house in days.items()}
    whole = {size: held(house, size) for size, house in days.items()}
    assert in_shards[LARGE] <= MOST * in_shards[SMALL]
    assert whole[LARGE] > MOST * whole[SMALL], "the measure sees the day where it is in one piece"


def prepare(ref: jobs.Ref) -> None:
    jobs.validate(jobs.partition(jobs.extract(ref)))


def test_memory_of_extract_and_decision_follows_the_chunk_and_not_the_day(days: dict[int, TestHouse]) -> None:
    extracted, decided = {}, {}
    for size, house in days.items():
        files = house.run_files(DAY, "measured")
        extracted[size] = most_held(lambda house=house, files=files: extract(house.database, files))  # type: ignore[misc]
        partition(files, house.line_ends())
        decided[size] = most_held(lambda house=house: house.decide(DAY))  # type: ignore[misc]
        assert len(house.batches()) == size
    assert SMALL * RECORDS > 4 * CHUNK, "the smaller day holds many chunks"
    assert decided[LARGE] <= MOST * decided[SMALL]
    assert extracted[LARGE] <= MOST * extracted[SMALL]


@pytest.fixture(scope="module")
def large_files(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> dict[int, TestHouse]:
    """As `days`, and all of one cabinet: two files, one to a partner."""
    return {n: a_day(tmp_path_factory.mktemp(f"file-{n}"), fresh_sqlite_url(), n, cabinets=1) for n in (SMALL, LARGE)}


def test_memory_of_the_decision_follows_the_chunk_and_not_the_largest_file(large_files: dict[int, TestHouse]) -> None:
    decided = {}
    for size, house in large_files.items():
        decided[size] = most_held(lambda house=house: house.decide(DAY))  # type: ignore[misc]
        assert len(house.batches()) == 2
    assert SMALL // 2 * RECORDS > 3 * CHUNK, "the smaller file holds several chunks"
    assert decided[LARGE] <= MOST * decided[SMALL]


def test_the_number_of_tasks_follows_connectors_and_shards_and_not_the_day(
    days: dict[int, TestHouse], monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = {}
    for size, house in days.items():
        house.settings = replace(house.settings, shard_statements=size, shard_files=size)
        monkeypatch.setattr("sobank.jobs.start.house", lambda house=house: house)
        shards = len(jobs.shards(DAY, "counted"))
        house.decide(DAY)
        tasks[size] = (shards, jobs.partners_to_push(DAY), len(jobs.global_file_shards(DAY)))
    assert tasks[SMALL] == tasks[LARGE] == (1, ["fizen"], 1)
