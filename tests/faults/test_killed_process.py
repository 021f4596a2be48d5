"""A pushing process that really dies, at several points: the next one finishes, and the partner has it once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests.conftest import FreshUrl
from tests.faults.worlds import Worlds, seed_batch

_PUSH = """
import os, sys
from pathlib import Path
from sobank.services.push import push_all
from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests.faults import faults
from tests.faults.worlds import PartnerFolder, World

url, spool, folder, point = sys.argv[1:]
world = World(
    database=Database(url), breaking=Database(url), spool=ObjectStore(spool),
    partner=PartnerFolder(folder=Path(folder), greedy=False),
)
steps = faults.Steps(point, lambda: os._exit(9))
worker = world.worker("dies")
batches = worker.ledger.open_batches()
with faults.broken_database(world.database, steps):
    push_all(worker, lambda batch: world.sink_of(batch, faults.BreakingDisk(world.partner, steps)), batches)
"""


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return seed_batch(database, spool, 1)

    return Worlds(tmp_path_factory.mktemp("killed"), fresh_sqlite_url(), seed)


@pytest.mark.parametrize("partner_takes_it", [False, True], ids=["kept", "taken before the next run"])
@pytest.mark.parametrize("point", ["after commit", "middle of write", "before move", "after move"])
def test_a_process_that_dies_leaves_what_the_next_one_can_finish(
    worlds: Worlds, point: str, partner_takes_it: bool
) -> None:
    world = worlds.new(greedy=False)
    url = world.database.url.render_as_string()
    root = Path(__file__).parents[2]
    ended = subprocess.run(
        [sys.executable, "-c", _PUSH, url, world.spool.url, str(world.partner.folder), point],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'include'}{os.pathsep}{root}"},
        check=False,
    )
    assert ended.returncode == 9
    if partner_takes_it:
        world.partner.take()
    world.settle()
    assert world.partner.violations(world.expected) == []
