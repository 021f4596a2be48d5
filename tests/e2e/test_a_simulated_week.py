"""A simulated week through the command line, judged by what partners and cabinets received, not by our ledger."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sobank.cli import app
from sobank.errors import DeliveryIncomplete, ProofFailed
from sobank.simulator.arrivals import arrivals, judge
from sobank.simulator.bank import World, read_expected, simulate
from sobank.simulator.connections import environment
from sobank.simulator.demo_show import connectors_of
from sobank.simulator.partners import serving, write_partner_files
from sobank.simulator.script import Fault
from tests.conftest import FreshUrl

FIRST = date(2026, 3, 2)
RECORD = 120
#: What goes wrong on each day, by kind of sink: operations of a partner's server, and what he does then. The faults of
#: the last day keep a connector alone until a person has mended it.
TROUBLE: dict[str, list[list[tuple[str, Fault]]]] = {
    "sftp": [
        [("rename", Fault.LOSE_ANSWER), ("write", Fault.RESET_MID_BODY)],
        [("connect", Fault.LOSE_REQUEST), ("fsync", Fault.LOSE_ANSWER)],
        [("rename", Fault.LOSE_REQUEST), ("read", Fault.LOSE_ANSWER)],
        [("write", Fault.DISK_FULL)],
        [("open", Fault.PERMISSION_DENIED)],
    ],
    "https": [
        [("connect", Fault.LOSE_REQUEST), ("post", Fault.LOSE_ANSWER)],
        [("post", Fault.ERROR_AFTER_COMMIT)],
        [("post", Fault.TOO_MANY_SECONDS), ("post", Fault.RESET_MID_BODY)],
        [("post", Fault.ERROR_BEFORE_COMMIT)],
        [("post", Fault.REDIRECT)],
    ],
    "s3": [
        [("complete", Fault.LOSE_ANSWER)],
        [("part", Fault.RESET_MID_BODY)],
        [("complete", Fault.ERROR_AFTER_COMMIT)],
        [("part", Fault.TRUNCATE)],
        [("create", Fault.PERMISSION_DENIED)],
    ],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return simulate(
        tmp_path_factory.mktemp("world") / "w", seed=11, first_day=FIRST, days=7, cabinets=6, accounts=90, entries=5
    )


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A home in which the week was taken in and every day delivered on its own; what the commands said."""

    home: Path
    ingested: dict[str, Any]
    said: str


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def delivered(
    request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Delivered]:
    """Once on each kind of database."""
    fresh: FreshUrl = request.getfixturevalue(f"fresh_{request.param}_url")
    home = tmp_path_factory.mktemp(request.param) / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOBANK_HOME", str(home))
        patch.setenv("SOBANK_DATABASE_URL", fresh())
        _sobank("init")
        _sobank("registry", "import", world.registry)
        ingested = json.loads(_sobank("ingest", world.inbox, "--json"))
        said = [_sobank("deliver", "--day", day) for day in world.days]
        yield Delivered(home=home, ingested=ingested, said=said[-1])


def _sobank(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def _statements(path: Path) -> list[str]:
    """SHA-256 of each statement of a file, cut by the plainest means: a 01 begins one."""
    lines = re.split(rb"\r\n|\n", path.read_bytes())
    assert lines.pop() == b"", "the last line has its terminator"
    assert {len(line) for line in lines} == {RECORD}
    blocks: list[bytes] = []
    for line in lines:
        if line.startswith(b"01"):
            blocks.append(b"")
        blocks[-1] += line
    return [hashlib.sha256(block).hexdigest() for block in blocks]


def _arrived(home: Path) -> Counter[tuple[str, str]]:
    """(destination, SHA-256) of every statement that lies somewhere, as often as it does."""
    found: Counter[tuple[str, str]] = Counter()
    for path in sorted((home / "partners").glob("*/*/*.*")):
        connector = re.match(r"SOBANK_[A-Z0-9-]+_(.+)_\d{8}_\d{3}\.", path.name)
        assert connector, path.name
        found.update((f"connector:{path.parent.name}/{connector[1]}", sha) for sha in _statements(path))
    for path in sorted((home / "global").glob("*/*.txt")):
        found.update((f"global:{path.parent.name}", sha) for sha in _statements(path))
    return found


def test_every_statement_of_a_simulated_week_arrives_exactly_where_it_must(world: World, delivered: Delivered) -> None:
    assert (delivered.ingested["statements"], delivered.ingested["duplicates"]) == (world.statements, world.duplicates)
    expected = list(read_expected(world.expected))
    wanted = Counter(
        (row["destination"], row["sha256"])
        for row in expected
        if row["destination"].startswith(("connector:", "global:"))
    )
    assert _arrived(delivered.home) == wanted
    set_aside = Counter(row["destination"] for row in expected if row["destination"].startswith("quarantine:"))
    found: Counter[str] = Counter()
    for day in world.days:
        proof = json.loads(_sobank("prove", "--day", day, "--json"))
        assert proof["holds"]
        found.update({f"quarantine:{q['reason']}": q["statements"] for q in proof["quarantine"]})
    assert found == set_aside


def test_a_global_file_has_its_manifest_and_a_cabinet_without_one_is_told_why(delivered: Delivered) -> None:
    assert "all associated" in delivered.said
    files = sorted((delivered.home / "global").glob("*/*.txt"))
    assert files
    for path in files:
        manifest = json.loads(path.with_name(path.name + ".manifest.json").read_text())
        data = path.read_bytes()
        assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
        assert manifest["statements"] == len(_statements(path))
        assert manifest["records"] == data.count(b"\r\n") == len(data) // (RECORD + 2)
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o640"}


def test_running_every_day_again_leaves_every_file_as_it_was(world: World, delivered: Delivered) -> None:
    home = delivered.home
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in home.rglob("*.txt*")}
    assert before
    for day in reversed(world.days):
        _sobank("deliver", "--day", day)
    _sobank("ingest", world.inbox)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in home.rglob("*.txt*")} == before
    again = json.loads(_sobank("registry", "import", world.registry, "--json"))
    assert not any([*again["created"].values(), *again["updated"].values()])


def test_a_week_sent_to_partners_who_misbehave_every_day_arrives_exactly_once(
    tmp_path: Path, fresh_postgres_url: FreshUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "servers", greedy=["inqom", "portail"]) as partners:
        addresses = [one.address for one in partners]
        world = simulate(
            tmp_path / "world", seed=19, first_day=FIRST, days=7, cabinets=4, accounts=36, entries=3,
            partners=[one.partner for one in addresses], reached={one.partner: one.reached for one in addresses},
        )  # fmt: skip
        settings = {
            "SOBANK_HOME": str(tmp_path / "home"),
            "SOBANK_DATABASE_URL": fresh_postgres_url(),
            "SOBANK_PRIVATE_PARTNERS": "1",
            "SOBANK_PARTNERS": str(write_partner_files(tmp_path / "servers", partners)),
        }
        for name, value in (settings | environment(addresses)).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sobank.wiring.sleep", lambda _: None)
        _sobank("init")
        _sobank("registry", "import", world.registry)
        _sobank("ingest", world.inbox)
        for number, day in enumerate(world.days):
            for one in partners:
                for operation, fault in TROUBLE[one.seat.sink][number]:
                    one.server.script.add(operation, fault)
            whole = _deliver(day)
            left = [
                line for one in partners for line, _ in TROUBLE[one.seat.sink][number] if one.server.script.take(line)
            ]
            assert left == [], "every partner had his trouble"
        assert not whole, "the last day's faults wait for a person"
        _sobank("connectors", "test", "--all")
        assert any(_deliver(world.days[-1]) for _ in range(3))
        inboxes = {one.seat.code: one.folder for one in partners}
        verdict = judge(
            read_expected(world.expected), arrivals(tmp_path / "home", connectors_of(world.registry), inboxes)
        )
        assert verdict.right, verdict
        assert {code for code, folder in inboxes.items() if any(folder.glob("*/SOBANK_*"))} == set(inboxes)
        for day in world.days:
            assert json.loads(_sobank("prove", "--day", day, "--json"))["holds"]


def _deliver(day: date) -> bool:
    """Whether everything of that day and before has arrived."""
    result = CliRunner().invoke(app, ["deliver", "--day", str(day)])
    assert result.exception is None or isinstance(result.exception, DeliveryIncomplete | ProofFailed), result.output
    return result.exception is None
