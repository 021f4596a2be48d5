"""Run files, spool and archive in a bucket: the same bytes arrive as from folders, and no worker's disk is missed."""

from __future__ import annotations

import inspect
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sobank import jobs
from sobank.errors import StoreAway
from sobank.simulator.partner_s3 import S3Partner
from sobank.simulator.script import Fault
from sobank.store import migrate
from tests.builders import Cabinet, TestHouse, file_of, statement
from tests.cli.conftest import Run
from tests.object_stores import bucket, url_of

DAY = date(2026, 3, 2)
PLACES = ("runs", "spool", "archive", "trace")
ACCOUNTS: dict[int, tuple[str | None, str | None]] = {
    1: ("approved", "fizen"), 2: ("approved", "fizen"), 3: ("approved", "inqom"), 4: ("approved", None),
    5: ("draft", None),
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Partner]:
    with bucket(tmp_path, monkeypatch) as made:
        for name in PLACES:
            monkeypatch.setenv(f"SOBANK_{name.upper()}_URL", url_of(made, name))
        monkeypatch.setenv("SOBANK_QUIET_SECONDS", "0")
        yield made


def fill(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", ("fizen", "inqom"), ACCOUNTS), Cabinet("CAB2", (), {6: ("approved", None)}))
    house.settings.inbox.mkdir(parents=True)
    statements = [statement(n, DAY, 5 * n) for n in (*ACCOUNTS, 6)]
    (house.settings.inbox / "bank.txt").write_bytes(file_of(*statements))


def filled(house: TestHouse, **settings: str) -> None:
    house.settings = replace(house.settings, **settings)
    fill(house)
    house.take_in((house.settings.inbox / "bank.txt").read_bytes())


def before_every_job(monkeypatch: pytest.MonkeyPatch, first: Callable[[], None]) -> None:
    for name, job in inspect.getmembers(jobs, inspect.isfunction):
        if job.__module__.startswith(f"{jobs.__name__}.") and not name.startswith("_"):

            def on_another_disk(*arguments: Any, _job: Callable[..., Any] = job, **named: Any) -> Any:
                first()
                return _job(*arguments, **named)

            monkeypatch.setattr(jobs, name, on_another_disk)


def test_a_worker_that_loses_its_disk_between_any_two_tasks_loses_nothing(
    command: Run, sqlite_house: TestHouse, store: S3Partner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(sqlite_house)
    scratch, lost = tmp_path / "scratch", []

    def lose() -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for name in PLACES:
            assert not (sqlite_house.settings.home / name).exists()
        lost.append(1)

    lose()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    monkeypatch.setattr("sobank.jobs.in_process._SIDE_BY_SIDE", 1)  # there is one disk to lose here
    before_every_job(monkeypatch, lose)
    assert command("ingest").exit_code == 0
    said = command("deliver", "--day", DAY, "--json")
    assert (said.exit_code, json.loads(said.stdout)["proof"]["holds"]) == (0, True)
    assert len(lost) >= 9
    assert {name.partition("/")[0] for name in store.inbox.final()} == set(PLACES)

    beside = TestHouse(tmp_path / "beside", f"sqlite:///{tmp_path / 'beside.db'}")
    migrate.upgrade(beside.database)
    filled(beside)
    beside.run(DAY)
    assert sqlite_house.delivered() == beside.delivered() != {}
    assert sqlite_house.batches() == beside.batches()


def test_a_store_that_is_away_while_a_day_is_decided_fails_the_task_and_the_next_try_delivers(
    sqlite_house: TestHouse, store: S3Partner
) -> None:
    filled(sqlite_house, spool_url=url_of(store))
    store.script.add("part", Fault.ERROR_BEFORE_COMMIT, times=50)
    with pytest.raises(StoreAway):
        sqlite_house.decide(DAY)
    assert sqlite_house.batches() == set()
    store.script.clear()
    sqlite_house.run(DAY)
    assert {state for *_, state in sqlite_house.batches()} == {"delivered"}


def test_a_payload_that_cannot_be_fetched_was_never_sent_and_leaves_when_it_can(
    sqlite_house: TestHouse, store: S3Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(sqlite_house, spool_url=url_of(store), trace_url=(sqlite_house.settings.home / "trace").as_uri())
    monkeypatch.setattr("sobank.wiring.sleep", lambda seconds: None)
    sqlite_house.decide(DAY)
    store.script.add("get", Fault.ERROR_BEFORE_COMMIT, times=500)
    assert all("run the task again" in error for error in sqlite_house.push(DAY).errors.values())
    assert {state for *_, state in sqlite_house.batches()} == {"sealed"}
    store.script.clear()
    sqlite_house.push(DAY)
    assert {state for *_, state in sqlite_house.batches()} == {"delivered"}


def test_init_asks_for_the_buckets_and_says_which_is_not_there(
    command: Run, store: S3Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("init").exit_code == 0
    monkeypatch.setenv("SOBANK_SPOOL_URL", "s3://no-such-bucket/spool")
    refused = command("init")
    assert "s3://no-such-bucket/spool: the bucket is not there" in str(refused.exception)
