"""A simulated week through the command line, judged from the partners' and cabinets' folders, not from our ledger."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sobank.cli import app
from sobank.simulator.bank import World, read_expected, simulate
from tests.conftest import FreshUrl

FIRST = date(2026, 3, 2)
RECORD = 120


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return simulate(
        tmp_path_factory.mktemp("world") / "w", seed=11, first_day=FIRST, days=7, cabinets=6, accounts=90, entries=5
    )


@pytest.fixture
def home(tmp_path: Path, fresh_url: FreshUrl, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SOBANK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SOBANK_DATABASE_URL", fresh_url())
    return tmp_path / "home"


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


def test_every_statement_of_a_simulated_week_arrives_exactly_where_it_must(world: World, home: Path) -> None:
    _sobank("init")
    _sobank("registry", "import", world.registry)
    taken = json.loads(_sobank("ingest", world.inbox, "--json"))
    assert (taken["statements"], taken["duplicates"]) == (world.statements, world.duplicates)
    for day in world.days:
        _sobank("deliver", "--day", day)
    expected = list(read_expected(world.expected))
    wanted = Counter(
        (row["destination"], row["sha256"])
        for row in expected
        if row["destination"].startswith(("connector:", "global:"))
    )
    assert _arrived(home) == wanted
    set_aside = Counter(row["destination"] for row in expected if row["destination"].startswith("quarantine:"))
    found: Counter[str] = Counter()
    for day in world.days:
        proof = json.loads(_sobank("prove", "--day", day, "--json"))
        assert proof["holds"]
        found.update({f"quarantine:{q['reason']}": q["statements"] for q in proof["quarantine"]})
    assert found == set_aside


def test_running_every_day_again_leaves_every_file_as_it_was(world: World, home: Path) -> None:
    _sobank("init")
    _sobank("registry", "import", world.registry)
    _sobank("ingest", world.inbox)
    _sobank("deliver", "--day", world.days[-1])
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in home.rglob("*.txt*")}
    assert before
    for day in reversed(world.days):
        _sobank("deliver", "--day", day)
    _sobank("ingest", world.inbox)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in home.rglob("*.txt*")} == before
    again = json.loads(_sobank("registry", "import", world.registry, "--json"))
    assert not any([*again["created"].values(), *again["updated"].values()])


def test_a_global_file_has_its_manifest_and_a_cabinet_without_one_is_told_why(world: World, home: Path) -> None:
    _sobank("init")
    _sobank("registry", "import", world.registry)
    _sobank("ingest", world.inbox)
    said = _sobank("deliver", "--day", world.days[-1])
    assert "all associated" in said
    files = sorted((home / "global").glob("*/*.txt"))
    assert files
    for path in files:
        manifest = json.loads(path.with_name(path.name + ".manifest.json").read_text())
        data = path.read_bytes()
        assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
        assert manifest["statements"] == len(_statements(path))
        assert manifest["records"] == data.count(b"\r\n") == len(data) // (RECORD + 2)
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o640"}
