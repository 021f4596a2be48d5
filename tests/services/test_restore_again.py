"""A database restored from a backup after less usual histories: what it lacks is seen and taken up whole (ADR 0022)."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from sobank import jobs
from sobank.cli.reconcile import plan_of
from sobank.domain.delivery import Batch
from sobank.domain.roles import Operator
from sobank.errors import ConfigurationError, LedgerError
from sobank.services.decide_quarantine import reject_statements, release_statements
from sobank.services.ingest import ingest_inbox
from sobank.store import schema
from sobank.store.quarantine import Quarantine
from tests.builders import NOW, Cabinet, file_of, named, statement
from tests.services.restored import ACCOUNTS, DAY, DAYS, World, hold, release


def test_days_on_which_people_only_confirm_do_not_hide_what_left_before_them(sqlite_world: World) -> None:
    world = sqlite_world
    to = {11: ("approved", "fizen"), 13: ("approved", "fulll"), 15: ("approved", "inqom")}
    world.house.register(Cabinet("CAB2", connectors=("fizen", "fulll", "inqom"), accounts=dict(to)))
    world.take_in(DAY, *to)
    backup = world.backup()
    world.house.decide(DAY)
    for batch in world.house.ledger.open_batches():
        if batch.partner != "inqom":
            folder = world.folder / "partners" / str(batch.partner) / "CAB2"
            folder.mkdir(parents=True)
            (folder / batch.outgoing.object_name).write_bytes(b"other")
    world.push()
    for n, held in enumerate(world.house.ledger.open_batches(), 1):
        world.house.ledger.confirm(
            held.id, actor="anne", role="operator", reason="he has it", now=NOW + timedelta(days=n)
        )
    world.restore(backup)
    with pytest.raises(ConfigurationError, match="sobank reconcile"):
        world.push()
    world.reconcile()
    world.run(DAY)
    assert Counter(name for name, _ in world.taken if "inqom" in name).most_common(1)[0][1] == 1
    assert world.states() == {"delivered": 3}


def test_files_that_came_a_second_time_do_not_hide_what_left_before_them(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY)
    backup = world.backup()
    world.run(DAY)
    again = file_of(*(statement(n, DAY, 100, opening=n) for n in (1, 2, 3, 4)))
    for days in (1, 2):
        outcome = world.house.take_in(again, named(DAYS[1], 100), NOW + timedelta(days=days))
        assert outcome.kept
        assert outcome.kept.already
    world.restore(backup)
    with pytest.raises(ConfigurationError, match="sobank reconcile"):
        world.push()


def test_days_of_a_clock_that_ran_ahead_do_not_hide_what_left_after_them(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY)
    world.run(DAY)
    (day,) = (path for path in (world.folder / "trace" / "000001").iterdir() if path.is_dir())
    known = [path for path in day.iterdir() if "-departure-" in path.name]
    for years in (1, 2):
        ahead = day.with_name((datetime.now(UTC) + timedelta(days=366 * years)).strftime("%Y-%m-%d"))
        ahead.mkdir()
        known[years % len(known)].rename(ahead / known[years % len(known)].name)
    backup = world.backup()
    world.take_in(DAYS[1])
    world.run(DAYS[1])
    wanted = world.arrived()
    world.restore(backup)
    with pytest.raises(ConfigurationError, match="sobank reconcile"):
        world.push()
    world.reconcile()
    world.run(DAYS[1])
    assert world.arrived() == wanted


def test_reconcile_compares_all_days_whatever_the_newest_hold(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY)
    backup = world.backup()
    world.run(DAY)
    (day,) = (path for path in (world.folder / "trace" / "000001").iterdir() if path.is_dir())
    world.restore(backup)
    for days in (1, 2):  # as if a run had gone on
        with world.house.database.write() as connection:
            connection.exec_driver_sql(f"INSERT INTO departures (token) VALUES ('known{days}')")
        after = day.with_name(f"{NOW + timedelta(days=days):%Y-%m-%d}")
        after.mkdir()
        (after / f"000000000000-departure-known{days}.json").write_text(
            '{"intakes":[],"departures":[],"endings":[]}', "utf-8"
        )
    assert not plan_of(world.house).level


def test_nothing_is_taken_in_before_the_reconcile_and_files_stay_in_the_inbox(
    sqlite_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = sqlite_world
    backup = world.backup()
    world.take_in(DAY)
    world.run(DAY)
    world.restore(backup)
    monkeypatch.setattr("sobank.jobs.start.house", lambda: world.house)
    waiting = world.house.settings.inbox / named(DAYS[2], 2)
    waiting.parent.mkdir(exist_ok=True)
    waiting.write_bytes(file_of(statement(1, DAYS[1], 5, opening=9)))
    for days in (1, 2):
        with pytest.raises(ConfigurationError, match=r"sobank reconcile(.|\n)*stay in the inbox"):
            jobs.ingest(now=lambda days=days: datetime.now(UTC) + timedelta(days=days))  # type: ignore[misc]
    assert waiting.exists()
    world.reconcile()
    wanted = world.arrived()
    assert jobs.ingest(now=lambda: datetime.now(UTC) + timedelta(hours=1))["files"] == 1
    world.run(DAY)
    assert world.arrived() == wanted
    world.run(DAYS[1])
    assert set(world.arrived().values()) == {1}
    assert len(world.arrived()) == len(wanted) + 1


def _left_days_before(world: World, moved: str) -> None:
    """All that the trace tells so far was written on an earlier day."""
    lineage = world.folder / "trace" / "000001"
    (day,) = (path for path in lineage.iterdir() if path.is_dir() and path.name >= "2026-03")
    day.rename(lineage / moved)


@pytest.mark.parametrize("told", [True, False])
def test_a_batch_that_was_held_before_the_backup_and_left_again_in_another_is_sent_once(
    world: World, told: bool
) -> None:
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    batch = hold(world)
    assert world.states() == {"held": 1}
    _left_days_before(world, "2026-02-01")
    (world.folder / "trace" / "000001" / "2026-02-03").mkdir()
    backup = world.backup()
    world.house.ledger.reject(batch.id, actor="anne", role="operator", reason="not his", now=NOW)
    world.house.sink_of(batch).discard(batch.outgoing, staging=world.house.ledger.batch(batch.id).staging or "")
    if not told:
        for path in (world.folder / "trace").rglob("*-ending-*"):
            path.unlink()
    release(world, 1)
    world.run(DAYS[1])
    wanted = world.arrived()
    world.restore(backup)
    world.reconcile()
    assert world.states() == {"rejected": 1, "delivered": 1}
    assert world.house.reasons() == []
    world.run(DAYS[1])
    assert world.arrived() == wanted
    assert world.states() == {"rejected": 1, "delivered": 1}
    assert (proof := world.proof(DAY)).holds, proof


def _held_days_before_the_backup(world: World) -> tuple[str, Batch]:
    """A backup in which a batch is held that left days before what the trace told last; and that batch."""
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    batch = hold(world)
    _left_days_before(world, "2026-02-01")
    world.take_in(DAYS[1], 3)
    world.run(DAYS[1])
    _left_days_before(world, "2026-02-03")
    return world.backup(), batch


def _receipt(world: World, batch: Batch) -> object:
    with world.house.database.read() as connection:
        query = sa.select(schema.batches.c.receipt).where(schema.batches.c.object_name == batch.outgoing.object_name)
        return connection.execute(query).scalar_one()


def test_what_a_person_confirmed_since_is_confirmed_though_it_left_days_before(world: World) -> None:
    backup, batch = _held_days_before_the_backup(world)
    world.house.ledger.confirm(batch.id, actor="anne", role="operator", reason="he has it", now=NOW)
    receipt = _receipt(world, batch)
    world.take_in(DAYS[2], 3)
    world.run(DAYS[2])
    wanted = world.arrived()
    world.restore(backup)
    world.reconcile()
    assert world.states() == {"delivered": 3}
    assert _receipt(world, batch) == receipt
    world.run(DAYS[2])
    assert world.arrived() == wanted


def test_what_a_person_gave_up_since_is_given_up_though_it_left_days_before(sqlite_world: World) -> None:
    world = sqlite_world
    backup, batch = _held_days_before_the_backup(world)
    world.house.ledger.reject(batch.id, actor="anne", role="operator", reason="not his", now=NOW)
    world.take_in(DAYS[2], 3)
    world.run(DAYS[2])
    world.restore(backup)
    world.reconcile()
    assert world.states() == {"delivered": 2, "rejected": 1}
    assert world.house.reasons() == [(1, "batch_rejected")]


def test_what_was_decided_before_the_backup_is_not_decided_again_by_an_older_ending(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    batch = hold(world)
    world.house.ledger.release(batch.id, actor="anne", role="operator", reason="not his", now=NOW, forget_staging=True)
    for path in (world.folder / "trace").rglob("*-departure-*"):
        path.unlink()
    assert hold(world).id == batch.id
    for path in (world.folder / "trace").rglob("*-departure-*"):
        path.unlink()
    backup = world.backup()
    world.take_in(DAYS[1], 3)
    world.run(DAYS[1])
    world.restore(backup)
    world.reconcile()
    assert world.states() == {"held": 1, "delivered": 1}


def _two_that_contradict(world: World) -> None:
    """One ingest takes in two files with the same statement and other contents; the later one's SHA-256 sorts first."""
    first = file_of(statement(1, DAY, 100, opening=1))
    told = (file_of(statement(1, DAY, 100, opening=1, label=f"AUTRE {n}")) for n in range(50))
    second = next(each for each in told if hashlib.sha256(each).digest() < hashlib.sha256(first).digest())
    world.house.settings.inbox.mkdir(exist_ok=True)
    for n, content in enumerate((first, second), 1):
        path = world.house.settings.inbox / named(DAYS[1], n)
        path.write_bytes(content)
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert len(list(ingest_inbox(world.house.inbox, world.house.ingest_parts(), now=NOW + timedelta(seconds=5)))) == 2
    assert world.house.reasons() == [(1, "conflict")]


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("left", [True, False])
def test_of_two_files_that_contradict_each_other_the_same_one_leaves_after_a_restore(
    sqlite_world: World, left: bool, numbered: bool
) -> None:
    world = sqlite_world
    backup = world.backup()
    _two_that_contradict(world)
    came = {path: path.read_bytes() for path in (world.folder / "trace").rglob("*-intake-*")}
    world.run(DAY)
    (sent,) = wanted = world.arrived()
    if not left:
        shutil.rmtree(world.folder / "trace")
        world.taken.clear()
        for path, content in came.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if not numbered:  # as the trace was written before there were numbers
        for path, content in came.items():
            path.write_bytes(re.sub(rb',"number":\d+', b"", content))
    world.restore(backup)
    assert len(world.reconcile().files) == 2
    world.run(DAY)
    assert [name for name, _ in world.arrived()] == [sent[0]]
    assert world.house.reasons() == [(1, "conflict")]
    if left or numbered:
        assert world.arrived() == wanted
        assert (proof := world.proof(DAY)).holds, proof


def _revoked(world: World, *accounts: int) -> None:
    """These accounts' mandates are not in force."""
    changed = dict.fromkeys(accounts, ("revoked", "fizen"))
    world.house.register(Cabinet("CAB1", connectors=("fizen", "fulll"), accounts=ACCOUNTS | changed))


def _correct(world: World) -> None:
    """The bank corrects the one statement there is, which is set aside; a person decides for the correction."""
    corrected = file_of(statement(1, DAY, 100, opening=1, label="CORRECT"))
    world.house.take_in(corrected, named(DAYS[2], 2), NOW + timedelta(hours=1))
    quarantine, anne = Quarantine(world.house.database), Operator("anne")
    assert reject_statements(quarantine, [1], actor=anne, reason="wrong", now=NOW).applied
    assert release_statements(quarantine, [2], actor=anne, reason="right", now=NOW).applied


@pytest.mark.parametrize("decided", [False, True])
def test_a_statement_whose_rival_was_released_and_left_since_is_set_aside(world: World, decided: bool) -> None:
    world.house.take_in(file_of(statement(1, DAY, 100, opening=1)), named(DAYS[1], 1))
    backup = world.backup()
    _revoked(world, 1)
    world.run(DAY)
    world.register()
    _correct(world)
    world.run(DAYS[1])
    wanted = world.arrived()
    assert len(wanted) == 1
    world.restore(backup)
    if decided:
        world.house.decide(DAY)
    world.reconcile()
    world.run(DAYS[1])
    assert world.arrived() == wanted
    assert world.house.reasons() == [(1, "conflict")]
    assert (proof := world.proof(DAYS[1])).holds, proof


def test_a_statement_that_may_have_left_before_its_rival_did_is_for_people_and_nothing_is_changed(
    sqlite_world: World,
) -> None:
    world = sqlite_world
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    batch = hold(world)
    _left_days_before(world, "2026-02-01")
    backup = world.backup()
    world.house.ledger.reject(batch.id, actor="anne", role="operator", reason="not his", now=NOW)
    _correct(world)
    world.run(DAYS[1])
    wanted = world.arrived()
    world.restore(backup)
    (ending,) = (path for path in (world.folder / "trace").rglob("*-ending-*") if b"rejected" in path.read_bytes())
    aside = ending.rename(world.folder / ending.name)
    with pytest.raises(LedgerError, match="contradicts another that may have left"):
        world.reconcile()
    assert world.states() == {"held": 1}
    aside.rename(ending)
    world.reconcile()
    world.run(DAYS[1])
    assert world.arrived() == wanted
    assert world.states() == {"rejected": 1, "delivered": 1}
