"""A database restored from a backup: what left since leaves no second time, and nothing is lost (ADR 0022).

Judged from what partners took away the moment it came, and from the global files; never from our ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from sobank.cli.reconcile import carry_out, plan_of
from sobank.domain.delivery import BatchState
from sobank.errors import ConfigurationError, LedgerError, RegistryError, StoreAway
from sobank.services.push import push_all, push_batch
from sobank.store import schema
from tests.builders import NOW, Cabinet, TestHouse, file_of, iban_of, named, statement
from tests.services.restored import ACCOUNTS, DAY, DAYS, World, forget_lineages, hold_and_reject, release


def _history(world: World) -> list[Callable[[], object]]:
    """Two days on time, then a late file of the first, then the third; the runs of days one by one."""
    steps: list[Callable[[], object]] = []
    for day in DAYS[:2]:
        steps += [
            lambda day=day: world.take_in(day),
            lambda day=day: world.house.decide(day),
            lambda day=day: world.push(day),
        ]
    steps += [
        lambda: world.house.take_in(file_of(statement(1, DAY, 7, opening=50)), named(DAYS[3], 7)),
        lambda: world.take_in(DAYS[2]),
        lambda: world.house.decide(DAYS[2]),
        world.push,
    ]
    return steps


def test_restored_to_any_moment_of_two_days_each_file_arrives_once_with_the_same_name_and_bytes(world: World) -> None:
    backups = [world.backup()]
    for step in _history(world):
        step()
        backups.append(world.backup())
    wanted, batches, taken = world.arrived(), world.house.batches(), list(world.taken)
    assert set(wanted.values()) == {1}
    assert len(wanted) == 10
    level = []
    for moment, backup in enumerate(backups):
        world.taken[:] = taken
        world.restore(backup)
        level.append(plan_of(world.house).level)
        if not level[-1]:
            with pytest.raises(ConfigurationError, match="sobank reconcile"):
                world.push()
        world.reconcile()
        world.register()
        for day in DAYS:
            world.run(day)
        assert world.arrived() == wanted, f"restored to moment {moment}"
        assert world.house.batches() == batches, f"restored to moment {moment}"
        for day in DAYS[:3]:
            assert (proof := world.proof(day)).holds, f"restored to moment {moment}: {proof}"
        forget_lineages(world.folder, 1)
    assert level == [False] * (len(backups) - 1) + [True]


def test_what_was_sealed_and_never_left_is_decided_anew(world: World) -> None:
    world.take_in(DAY)
    backup = world.backup()
    world.house.decide(DAY)
    before = world.house.batches()
    world.restore(backup)
    assert plan_of(world.house).level
    world.run(DAY)
    assert {row[:-1] for row in before} == {row[:-1] for row in world.house.batches()}
    assert set(world.arrived().values()) == {1}


def test_without_its_ending_a_batch_is_looked_for_at_the_partner_and_taken_for_taken(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY)
    backup = world.backup()
    world.run(DAY)
    for path in (world.folder / "trace").rglob("*-ending-*"):
        path.unlink()
    world.restore(backup)
    assert {change.fate.state for change in world.reconcile().batches} == {BatchState.UNCERTAIN}
    wanted = world.arrived()
    world.run(DAY)
    assert world.arrived() == wanted
    assert world.states() == {"delivered": 3}


def test_a_batch_that_was_sealed_before_the_backup_and_decided_anew_since_gives_its_statement_up(world: World) -> None:
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    backup = world.backup()
    world.house.register(Cabinet("CAB1", connectors=("fizen", "fulll"), accounts=ACCOUNTS | {1: ("approved", "fulll")}))
    world.run(DAY)
    (sent,) = world.taken
    assert "fulll" in sent[0]
    world.restore(backup)
    world.reconcile()
    assert world.states() == {"cancelled": 1, "delivered": 1}
    world.run(DAY)
    assert world.taken == [sent]


def test_a_batch_that_was_given_up_and_left_again_in_another_is_sent_once(world: World) -> None:
    world.take_in(DAY, 1, 2)
    backup = world.backup()
    world.house.decide(DAY)
    hold_and_reject(world)
    given_up = world.backup()
    release(world, 1)
    world.run(DAYS[1])
    wanted = world.arrived()
    assert len(wanted) == 1
    for moment in (backup, given_up):
        world.restore(moment)
        world.reconcile()
        world.run(DAYS[1])
        assert world.arrived() == wanted
        assert world.states() == {"rejected": 1, "delivered": 1}
        assert world.house.reasons() == [(2, "batch_rejected")]
        forget_lineages(world.folder, 1)


def test_a_batch_that_a_person_gave_up_is_not_taken_for_delivered(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY, 1)
    backup = world.backup()
    world.house.decide(DAY)
    hold_and_reject(world)
    world.restore(backup)
    world.reconcile()
    assert world.house.reasons() == [(1, "batch_rejected")]


def test_a_connector_that_was_added_since_is_asked_for_before_anything_is_changed(sqlite_world: World) -> None:
    world = sqlite_world
    backup = world.backup()
    world.house.register(Cabinet("CAB2", connectors=("inqom",), accounts={9: ("approved", "inqom")}))
    world.take_in(DAY, 9)
    world.run(DAY)
    world.restore(backup)
    with pytest.raises(RegistryError, match=r"connector:CAB2/inqom(.|\n)*registry import"):
        world.reconcile()
    with pytest.raises(ConfigurationError, match="sobank reconcile"):
        world.push()
    world.house.register(Cabinet("CAB2", connectors=("inqom",), accounts={9: ("approved", "inqom")}))
    world.reconcile()
    assert world.states() == {"delivered": 1}


def test_an_account_that_was_added_since_is_asked_for_masked(sqlite_world: World) -> None:
    world = sqlite_world
    backup = world.backup()
    world.house.register(Cabinet("CAB1", connectors=("fizen", "fulll"), accounts=ACCOUNTS | {9: ("approved", "fizen")}))
    world.take_in(DAY, 9)
    world.run(DAY)
    world.restore(backup)
    with pytest.raises(RegistryError, match=r"\*\*\*\* … \d{4}: the registry"):
        world.reconcile()
    world.house.register(Cabinet("CAB1", connectors=("fizen", "fulll"), accounts=ACCOUNTS | {9: ("approved", "fizen")}))
    world.reconcile()
    world.run(DAY)
    assert world.states() == {"delivered": 1}
    assert len(world.taken) == 1


def test_a_reconcile_that_broke_off_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.take_in(DAY)
    backup = world.backup()
    world.run(DAY)
    world.take_in(DAYS[1])
    world.restore(backup)
    with monkeypatch.context() as broken:
        broken.setattr("sobank.store.reconciling.ReconcilingChange.begin", _die)
        with pytest.raises(KeyboardInterrupt):
            world.reconcile()
    with pytest.raises(ConfigurationError, match="sobank reconcile"):
        world.push()
    assert len(world.reconcile().batches) == 3
    wanted = world.arrived()
    world.run(DAY)
    assert world.arrived() == wanted
    world.run(DAYS[1])
    assert len(world.arrived()) == 2 * len(wanted)


def _die(*_arguments: object, **_named: object) -> None:
    raise KeyboardInterrupt


def test_restored_twice_to_the_same_backup_nothing_is_sent_again(world: World) -> None:
    world.take_in(DAY)
    backup = world.backup()
    world.run(DAY)
    world.restore(backup)
    world.reconcile()
    world.take_in(DAYS[1])
    world.run(DAYS[1])
    wanted = world.arrived()
    world.restore(backup)
    assert len(world.reconcile().files) == 1
    for day in DAYS:
        world.run(day)
    assert world.arrived() == wanted
    assert set(wanted.values()) == {1}


@pytest.mark.parametrize("shares_the_database", [False, True])
def test_a_worker_that_lives_on_publishes_nothing_once_the_database_is_reconciled(
    sqlite_world: World, shares_the_database: bool
) -> None:
    world = sqlite_world
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    backup = world.backup()
    old, database = world.house, world.house.database
    worker = old.worker(lambda: NOW)
    world.take_in(DAY, 2, amount=5)
    world.restore(backup)
    world.reconcile()
    if shares_the_database:
        database = world.house.database
    old.ledger._database = database
    (batch,) = old.ledger.open_batches()
    if shares_the_database:
        with pytest.raises(LedgerError, match="before the database was restored"):
            push_batch(worker, old.sink_of(batch), batch)
    else:
        assert "was restored and reconciled" in (push_batch(worker, old.sink_of(batch), batch).error or "")
    world.empty()
    assert world.taken == []


def test_a_file_is_taken_in_again_under_its_name_so_that_its_day_of_reception_is_the_same(sqlite_world: World) -> None:
    world = sqlite_world
    backup = world.backup()
    world.take_in(DAY)
    world.restore(backup)
    assert [intake.name for intake in world.reconcile().files] == [named(DAYS[1], 100)]
    with world.house.database.read() as connection:
        assert connection.execute(sa.select(schema.bank_files.c.received_on)).scalars().all() == [DAYS[1]]


def test_nothing_leaves_while_the_trace_cannot_be_written(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY)
    world.house.decide(DAY)
    trace = world.folder / "trace"
    trace.rename(world.folder / "aside")
    trace.write_text("a file where the folder was", "utf-8")
    with pytest.raises(StoreAway, match="Not a directory"):
        world.push()
    trace.unlink()
    let_in = world.house.worker(lambda: NOW)
    trace.write_text("a file where the folder was", "utf-8")
    report = push_all(let_in, world.house.sink_of, world.house.ledger.open_batches())
    assert (report.delivered, len(report.errors)) == (0, 3)
    assert not world.arrived()
    trace.unlink()
    (world.folder / "aside").rename(trace)
    world.push()
    assert world.states() == {"delivered": 3}


def test_a_batch_staged_while_the_trace_was_away_is_in_it_before_it_leaves(sqlite_world: World) -> None:
    world = sqlite_world
    world.take_in(DAY, 1)
    world.house.decide(DAY)
    backup = world.backup()
    (batch,) = world.house.ledger.open_batches()
    ledger = world.house.ledger
    claim = ledger.claim(batch.id, worker="w", now=NOW - timedelta(hours=1), lease=timedelta(minutes=1))
    with world.house.spool.open(batch.outgoing.sha256) as payload:
        staging = world.house.sink_of(batch).stage(batch.outgoing, payload, attempt=1, now=NOW)
    untraced = TestHouse(world.folder, world.house.database.url.render_as_string(hide_password=False))
    untraced.ledger._trace._trace = None
    untraced.ledger.mark_staged(
        batch.id, claim.fence, staging, now=NOW - timedelta(hours=1), lease=timedelta(minutes=1)
    )
    world.push()
    assert len(world.taken) == 1
    world.restore(backup)
    world.reconcile()
    world.run(DAY)
    assert len(world.taken) == 1


def test_a_statement_that_left_to_the_cabinet_that_took_its_account_over_is_that_cabinets_again(world: World) -> None:
    world.house.take_in(file_of(statement(1, DAY, 5, closing=999)), named(DAYS[1]))
    backup = world.backup()
    _take_over(world)
    release(world, 1)
    world.run(DAY)
    wanted = world.arrived()
    world.restore(backup)
    world.register()
    world.house.register(Cabinet("CAB2"))
    with pytest.raises(RegistryError, match="lacks 1 accounts"):
        world.reconcile()
    _take_over(world)
    world.reconcile()
    world.run(DAY)
    assert world.arrived() == wanted
    assert world.proof(DAY).holds
    query = (
        sa.select(schema.cabinets.c.code)
        .join(schema.accounts, schema.accounts.c.cabinet_id == schema.cabinets.c.id)
        .join(schema.statements, schema.statements.c.account_id == schema.accounts.c.id)
    )
    with world.house.database.read() as connection:
        assert connection.scalars(query).all() == ["CAB2"]


def _take_over(world: World) -> None:
    """CAB1 has closed account 1, and CAB2 has registered it."""
    world.house.register(Cabinet("CAB2", accounts={1: ("approved", "fizen")}))
    mine = sa.select(schema.cabinets.c.id).where(schema.cabinets.c.code == "CAB1").scalar_subquery()
    with world.house.database.write() as connection:
        closed = sa.and_(schema.accounts.c.iban == iban_of(1), schema.accounts.c.cabinet_id == mine)
        connection.execute(sa.update(schema.accounts).where(closed).values(closed_at=NOW))


def test_the_trace_holds_no_label_and_no_account(sqlite_world: World) -> None:
    world = sqlite_world
    world.house.take_in(file_of(statement(1, DAY, 1, label="SALAIRE MARTIN")), named(DAYS[1]))
    world.run(DAY)
    written = [path.read_text("utf-8") for path in (world.folder / "trace").rglob("*.json")]
    assert len(written) == 3
    assert not any("MARTIN" in text or "00000000001" in text.replace(named(DAYS[1]), "") for text in written)


def test_a_person_and_a_reason_are_needed(sqlite_world: World) -> None:
    with pytest.raises(LedgerError, match="--by NAME and --why TEXT"):
        carry_out(sqlite_world.house, by=" ", why="x", now=NOW)
