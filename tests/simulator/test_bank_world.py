"""The simulated bank: its files look like real ones, its registry can be imported, its expectations are its own."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sobank.domain.registry import MandateStep
from sobank.domain.routing import Reason
from sobank.errors import ConfigurationError
from sobank.formats import age_file
from sobank.partners import catalogue
from sobank.services.register import register
from sobank.simulator.bank import QUIRKS, SHAPES, World, read_expected, simulate
from sobank.store.database import Database
from sobank.store.iban_check import checked_iban
from sobank.store.registry_file import read_registry_file
from sobank.store.registry_import import RegistryImporter

MONDAY = date(2026, 1, 5)
NAME = re.compile(r"SOBANK_\d{6}_\d{16}-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-\d\d-\d{3}\.cfonb\.txt")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return simulate(tmp_path_factory.mktemp("w") / "world", seed=7, first_day=MONDAY, days=5, accounts=150)


def files(world: World) -> list[Path]:
    return sorted(world.inbox.rglob("*.txt"), key=lambda path: path.name)


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def records_of(content: bytes) -> list[bytes]:
    """Records of a file in any shape, padded to 120; found by a reading that shares nothing with the product's."""
    content = content.removeprefix(b"\xef\xbb\xbf").rstrip(b"\x1a")
    if b"\n" in content or b"\r" in content:
        lines = [line for line in re.split(rb"\r\n|\n|\r", content) if line.strip()]
    else:
        lines = []
        while content:
            size = 120 if len(content) == 120 or re.match(rb"0[13457]\d{5}", content[120:]) else 119
            lines.append(content[:size])
            content = content[size:]
    return [line[:120].ljust(120) for line in lines]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        simulate(tmp_path / name, seed=seed, first_day=MONDAY, days=3, accounts=40)
    first, second, third = (bytes_of(tmp_path / name) for name in "abc")
    assert first == second
    assert first != third


def test_files_are_named_and_timed_like_so_bank_s_own(world: World) -> None:
    streams: Counter[tuple[str, str]] = Counter()
    for path in files(world):
        match = NAME.fullmatch(path.name)
        assert match, path.name
        day, hour, minute = match.groups()
        assert path.parent.name == day
        assert (0, 25) <= (int(hour), int(minute)) <= (12, 1)
        streams[path.name.split("-")[0], day] += 1
    assert set(streams.values()) <= set(range(1, 8))
    assert max(streams.values()) > 1


def test_a_plain_file_has_lines_cut_at_104_and_no_final_newline(world: World) -> None:
    plain = [path.read_bytes() for path in files(world)]
    plain = [
        c for c in plain if b"\n" in c and b"\r" not in c and b"\n\n" not in c and c[:1] == b"0" and c[-1:] != b"\x1a"
    ]
    widths = {len(line) for content in plain for line in content.split(b"\n")}
    assert widths == {104, 120, 121}
    assert not any(content.endswith(b"\n") for content in plain)


def test_every_shape_and_every_quirk_occurs(world: World) -> None:
    contents = [path.read_bytes() for path in files(world)]
    assert any(b"\r\n" in c for c in contents)
    assert any(b"\r" in c and b"\n" not in c for c in contents)
    assert any(c.startswith(b"\xef\xbb\xbf") for c in contents)
    assert any(c.endswith(b"\x1a") for c in contents)
    assert any(b"\n\n" in c for c in contents)
    assert any(len(line) == 121 for c in contents for line in c.split(b"\n"))
    bare = [c for c in contents if b"\n" not in c and b"\r" not in c]
    assert {len(c) % 120 == 0 for c in bare} == {True, False}
    rows = list(read_expected(world.expected))
    assert {row["quirk"] for row in rows} >= set(QUIRKS)
    assert {row["decimals"] for row in rows} == {0, 2, 3}
    assert any(not row["account"].isdigit() for row in rows)
    assert any(row["entries"] == 0 for row in rows)
    assert len(SHAPES) == 8


def test_what_lies_in_the_inbox_is_what_is_expected_statement_by_statement(world: World) -> None:
    found: Counter[str] = Counter()
    for path in files(world):
        block = b""
        for record in records_of(path.read_bytes()):
            block += record
            if record.startswith(b"07"):
                found[hashlib.sha256(block).hexdigest()] += 1
                block = b""
        assert block == b"", path.name
    rows = list(read_expected(world.expected))
    assert found == Counter({row["sha256"]: 1 + row["duplicates"] for row in rows})
    assert len(rows) == world.statements
    assert sum(row["duplicates"] for row in rows) == world.duplicates > 0
    assert sum(row["entries"] for row in rows) == world.entries


def test_balances_hold_and_chain_but_for_those_that_are_meant_not_to(world: World) -> None:
    last: dict[tuple[str, str], tuple[str, int]] = {}
    for row in read_expected(world.expected):
        sound = row["opening"] + row["sum"] == row["closing"]
        assert sound == (row["destination"] != "quarantine:unbalanced")
        if row["quirk"] == "conflict_second":
            continue
        key = (row["bban"], row["currency"])
        if key in last:
            assert (row["opening_date"], row["opening"]) == last[key]
        last[key] = (row["closing_date"], row["closing"])


def test_expected_destinations_are_of_every_kind_and_in_the_words_of_the_house(world: World) -> None:
    kinds = {destination.split(":")[0] for destination in world.destinations}
    assert kinds == {"connector", "global", "quarantine", "waiting"}
    reasons = {d.removeprefix("quarantine:") for d in world.destinations if d.startswith("quarantine:")}
    # What comes of other days' work, or of a slip of the pen.
    later = {Reason.CONNECTOR_MISSING, Reason.REJECTED_BY_PARTNER, Reason.BATCH_REJECTED, Reason.DATE_TO_COME}
    assert reasons == set(Reason) - later
    assert not any(destination == "global:CAB002" for destination in world.destinations)


def test_late_statements_and_conflicts_arrive_days_after_their_own_day(world: World) -> None:
    delays = {
        row["quirk"]: date.fromisoformat(row["received_on"]) - date.fromisoformat(row["closing_date"])
        for row in read_expected(world.expected)
    }
    assert delays[""] == timedelta(days=1)
    assert delays["late"] > timedelta(days=1)
    assert delays["conflict_second"] > timedelta(days=1)


def test_its_registry_is_imported_with_mandates_in_every_step_and_twice_is_once(
    world: World, database: Database
) -> None:
    tree: Any = read_registry_file(world.registry)
    steps = {a["mandate"] for c in tree["cabinets"] for d in c["dossiers"] for a in d["accounts"]}
    assert steps == {None, *MandateStep}
    reports = [
        register(
            RegistryImporter(database),
            tree,
            source="registry.yaml",
            partners=catalogue(),
            check_iban=checked_iban,
            check_encryption=age_file.check,
            now=datetime(2026, 1, 5, tzinfo=UTC),
        )
        for _ in range(2)
    ]
    assert reports[0].created["cabinets"] == 5
    assert reports[1].changes == 0
    claimed = [row for row in read_expected(world.expected) if row["destination"].endswith("claimed_by_two_cabinets")]
    assert len(reports[0].warnings) == len({row["bban"] for row in claimed}) > 0


def test_a_world_without_quirks_is_sound_throughout(tmp_path: Path) -> None:
    world = simulate(tmp_path / "w", seed=1, first_day=MONDAY, days=2, accounts=30, quirks={}, shapes={})
    rows = list(read_expected(world.expected))
    assert {row["quirk"] for row in rows} == {""}
    assert (
        world.duplicates,
        {row["destination"] for row in rows} & {"quarantine:unbalanced", "quarantine:conflict"},
    ) == (
        0,
        set(),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first_day": date(2026, 1, 3), "days": 2}, "empty"),
        ({"accounts": 0}, "empty"),
        ({"quirks": {"flood": 1.0}}, "flood"),
    ],
)
def test_a_world_that_cannot_be_made_is_refused(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        simulate(tmp_path / "w", **({"seed": 1, "first_day": MONDAY, "days": 2} | given))


def test_a_folder_that_holds_a_world_is_not_written_over(tmp_path: Path) -> None:
    simulate(tmp_path / "w", seed=1, first_day=MONDAY, days=1, accounts=3, cabinets=1)
    before = bytes_of(tmp_path / "w")
    with pytest.raises(ConfigurationError, match="holds a world already"):
        simulate(tmp_path / "w", seed=2, first_day=MONDAY, days=1)
    assert bytes_of(tmp_path / "w") == before


@pytest.mark.parametrize(("cabinets", "accounts"), [(1, 1), (2, 3), (3, 10), (8, 5)])
def test_small_worlds_can_be_made_too(tmp_path: Path, cabinets: int, accounts: int) -> None:
    for seed in range(5):
        world = simulate(
            tmp_path / str(seed), seed=seed, first_day=MONDAY, days=3, cabinets=cabinets, accounts=accounts
        )
        assert world.statements >= 3 * accounts
