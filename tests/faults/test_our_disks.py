"""Our own disks fail: the spool is full, or cannot sync. Nothing is sealed by half, and then all arrives."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.builders import TestHouse
from tests.conftest import FreshUrl
from tests.faults.houses import DAY, compare, stocked
from tests.faults.sweeps import Outcome
from tests.faults.table import Table
from tests.faults.worlds import without_waiting_for_the_disk

_ROOT = Path(__file__).parents[2]
_MOUNTED = 'mount -t tmpfs -o size=64k none "$1/full" && exec "$0" -m tests.faults.full_spool "$1" "$2"'


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> dict[str, bytes]:
    house = stocked(tmp_path_factory.mktemp("undisturbed"), fresh_sqlite_url())
    house.run(DAY)
    house.database.close()
    delivered = house.delivered()
    assert len(delivered) == 4, "two partners, a global file and its manifest"
    return delivered


def test_a_full_spool_seals_nothing_by_half_and_the_next_run_delivers(
    undisturbed: dict[str, bytes], fresh_sqlite_url: FreshUrl, tmp_path: Path, table: Table
) -> None:
    """The spool is a tmpfs of 64 KiB in a mount namespace of its own; more and more of it is left free."""
    outcome = Outcome(runs=1)
    (tmp_path / "full").mkdir()
    database = sa.make_url(fresh_sqlite_url()).database
    ended = subprocess.run(
        ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", _MOUNTED, sys.executable, tmp_path, database],
        cwd=_ROOT, env={**os.environ, "PYTHONPATH": f"{_ROOT / 'include'}{os.pathsep}{_ROOT}"},
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    *full, enough = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {tried["errno"] for tried in full} == {errno.ENOSPC}
    for tried in (*full, enough):
        compare(outcome, delivered_in(tmp_path / str(tried["pages"])), undisturbed, f"{tried['pages']} pages free")
    outcome.points -= 1  # there was enough
    table.add("all", "the disk of our spool is full, more and more of it left", outcome)
    assert outcome.points >= 2


def test_a_disk_that_cannot_sync_is_no_success_wherever_it_happens(
    undisturbed: dict[str, bytes], fresh_sqlite_url: FreshUrl, tmp_path: Path, table: Table
) -> None:
    outcome, ready = Outcome(runs=1), fresh_sqlite_url()
    stocked(tmp_path / "stocked", ready).database.close()
    for number in count(1):
        home = tmp_path / str(number)
        home.mkdir()
        shutil.copy(str(sa.make_url(ready).database), home / "db")
        house = TestHouse(home, f"sqlite:///{home / 'db'}")
        # Side by side, it is chance how many of them find that a folder of the trace is new, and sync it.
        house.settings = replace(house.settings, destinations_at_once=1)
        sa.event.listen(house.database.engine, "connect", without_waiting_for_the_disk)
        with fsync_fails_at(number) as calls:
            with suppress(OSError):
                house.run(DAY)
            if len(calls) < number:
                break
        house.run(DAY)
        compare(outcome, house.delivered(), undisturbed, f"fsync number {number}")
        house.database.close()
    table.add("all", "fsync fails in our spool, our trace or in a folder, at any call", outcome)
    assert outcome.points >= 10


@contextmanager
def fsync_fails_at(number: int) -> Iterator[list[int]]:
    """Call number `number` of os.fsync in this process fails, as on a dying disk; the others wait for no platter."""
    calls: list[int] = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        patch.setattr("sobank.wiring.sleep", lambda _seconds: None)
        yield calls


def delivered_in(home: Path) -> dict[str, bytes]:
    """Every file at a partner's or in a cabinet's folder."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for folder in ("partners", "global")
        for path in (home / folder).rglob("*")
        if path.is_file()
    }
