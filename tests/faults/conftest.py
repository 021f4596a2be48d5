"""What the tests of faults share: worlds with sealed batches, partners, and the table that becomes docs/faults.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sobank.simulator.partner_https import GenericPartner, MyUnisoftPartner
from sobank.simulator.partner_s3 import S3Partner
from sobank.simulator.partner_sftp import SftpPartner
from sobank.store.database import Database
from sobank.store.objects import ObjectStore
from tests.conftest import FreshUrl
from tests.faults import network
from tests.faults.partners import Partner, PartnerFolder
from tests.faults.seeds import GLOBAL, OTHER_PARTNER, PARTNER, seed_batch
from tests.faults.table import Table
from tests.faults.worlds import Worlds

_LAST = "test_faults_page.py"
_WHOLE = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/faults --write-faults` writes docs/faults.md."""
    parser.addoption("--write-faults", action="store_true", help="write docs/faults.md from what was measured")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """The page is looked at last; and whole only if every test of this folder runs."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.name == _LAST)
    files = {item.path for item in items if item.path.parent == here}
    config.stash[_WHOLE] = files == set(here.glob("test_*.py")) and not any("::" in arg for arg in config.args)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """A run that leaves tests out measures only a part."""
    if items:
        items[0].config.stash[_WHOLE] = False


@pytest.fixture(scope="session")
def table() -> Table:
    """What this run measured."""
    return Table()


@pytest.fixture(scope="session")
def whole_run(request: pytest.FixtureRequest) -> bool:
    """Whether every test of this folder runs."""
    return request.config.stash.get(_WHOLE, False)


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    """Worlds with one sealed batch."""

    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return seed_batch(database, spool, 1, destination=PARTNER)

    return Worlds(tmp_path_factory.mktemp("worlds"), fresh_sqlite_url(), seed)


@pytest.fixture(scope="session")
def worlds_with_global_files(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    """Worlds with two sealed global files of one cabinet."""

    def seed(database: Database, spool: ObjectStore) -> list[int]:
        return [number for seq in (1, 2) for number in seed_batch(database, spool, seq, destination=GLOBAL, seq=seq)]

    return Worlds(tmp_path_factory.mktemp("worlds-global"), fresh_sqlite_url(), seed)


@pytest.fixture(scope="session")
def worlds_with_destinations(tmp_path_factory: pytest.TempPathFactory, fresh_sqlite_url: FreshUrl) -> Worlds:
    """Worlds with two sealed batches for each of three destinations."""

    def seed(database: Database, spool: ObjectStore) -> list[int]:
        places = [(destination, seq) for destination in (PARTNER, OTHER_PARTNER, GLOBAL) for seq in (1, 2)]
        return [
            number
            for batch_id, (destination, seq) in enumerate(places, 1)
            for number in seed_batch(database, spool, batch_id, destination=destination, seq=seq)
        ]

    return Worlds(tmp_path_factory.mktemp("worlds-three"), fresh_sqlite_url(), seed)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> PartnerFolder:
    """The partner with a folder."""
    return PartnerFolder(folder=tmp_path_factory.mktemp("folder") / "inbox")


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """asyncssh's server."""
    with SftpPartner(tmp_path_factory.mktemp("sftp")) as server:
        yield network.sftp(server)


@pytest.fixture(scope="session")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> Partner:
    """OpenSSH's server."""
    return network.OpenSsh(tmp_path_factory.mktemp("openssh"))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """A store of objects."""
    with S3Partner(tmp_path_factory.mktemp("s3")) as server:
        yield network.s3(server)


@pytest.fixture(scope="session")
def https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """Remembers keys, and can be asked."""
    with GenericPartner(tmp_path_factory.mktemp("https")) as server:
        yield network.https("keys and an address to ask", server, may_hold=False)


@pytest.fixture(scope="session")
def https_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """Remembers keys only."""
    with GenericPartner(tmp_path_factory.mktemp("https-keys"), probe=False) as server:
        yield network.https("keys only", server, may_hold=True)


@pytest.fixture(scope="session")
def https_asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """Can be asked, remembers nothing."""
    with GenericPartner(tmp_path_factory.mktemp("https-asked"), remembers=False) as server:
        yield network.https("an address to ask only", server, may_hold=True)


@pytest.fixture(scope="session")
def https_neither(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """Neither remembers nor can be asked."""
    with GenericPartner(tmp_path_factory.mktemp("https-neither"), probe=False, remembers=False) as server:
        yield network.https("neither keys nor an address to ask", server, may_hold=True)


@pytest.fixture(scope="session")
def myunisoft(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Partner]:
    """MyUnisoft's API."""
    with MyUnisoftPartner(tmp_path_factory.mktemp("myunisoft"), requests=1_000_000) as server:
        yield network.https("MyUnisoft", server, may_hold=True)


KINDS = ("folder", "sftp", "openssh", "https", "https_keys", "https_asked", "https_neither", "myunisoft", "s3")


@pytest.fixture(scope="session", params=KINDS)
def partner(request: pytest.FixtureRequest) -> Partner:
    """Every kind of partner, one after another."""
    found: Partner = request.getfixturevalue(request.param)
    return found
