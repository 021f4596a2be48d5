"""Our own disks fail: the spool is full, or cannot sync. Nothing is sealed by half; after that all is as it should be."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import FreshUrl
from tests.faults.houses import DAY, compare, stocked
from tests.faults.sweeps import Outcome
from tests.faults.table import Table

_ROOT = Path(__file__).parents[2]
_MOUNTED = 'mount -t tmpfs -o size=64k none "$1/spool" && exec "$0" -m tests.faults.full_spool "$1" "$2" "$3"'


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
    for pages in count():
        home = tmp_path / str(pages)
        (home / "spool").mkdir(parents=True)
        own = ["unshare", "-m" if os.geteuid() == 0 else "-rm"]
        ended = subprocess.run(
            [*own, "sh", "-c", _MOUNTED, sys.executable, home, fresh_sqlite_url(), str(pages)],
            cwd=_ROOT, env={**os.environ, "PYTHONPATH": f"{_ROOT / 'include'}{os.pathsep}{_ROOT}"},
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr[-2000:]
        left = json.loads(ended.stdout)
        if left["broke"] is None:
            break
        assert left == {"broke": errno.ENOSPC, "batches": 0, "delivered": 0}
        delivered = {str(p.relative_to(home)): p.read_bytes() for p in _files(home)}
        compare(outcome, delivered, undisturbed, f"{pages} pages free")
    table.add("all", "the disk of the spool is full, more and more of it left", outcome)
    assert outcome.points >= 2


def test_a_disk_that_cannot_sync_is_no_success_wherever_it_happens(
    undisturbed: dict[str, bytes], fresh_sqlite_url: FreshUrl, tmp_path: Path, table: Table
) -> None:
    outcome = Outcome(runs=1)
    for number in count(1):
        house = stocked(tmp_path / str(number), fresh_sqlite_url())
        with fsync_fails_at(number) as calls:
            with suppress(OSError):
                house.run(DAY)
            if len(calls) < number:
                break
        house.run(DAY)
        compare(outcome, house.delivered(), undisturbed, f"fsync number {number}")
        house.database.close()
    table.add("all", "fsync fails in the spool or in a folder, at any call", outcome)
    assert outcome.points >= 10


@contextmanager
def fsync_fails_at(number: int) -> Iterator[list[int]]:
    """Call number `number` of os.fsync in this process fails, as a dying disk would have it."""
    real, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == number:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        yield calls


def _files(home: Path) -> Iterator[Path]:
    for folder in ("partners", "global"):
        yield from (path for path in (home / folder).rglob("*") if path.is_file())
