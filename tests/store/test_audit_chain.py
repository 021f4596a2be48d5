"""The audit trail is chained by hash: whatever one row suffers behind our back is found and named (A13)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sobank.domain.audit_chain import START, Difference, Head, check_chain, event_hash
from sobank.errors import TrailBroken
from sobank.store import audit, migrate
from sobank.store import schema as t
from sobank.store.audit_trail import AuditTrail
from sobank.store.database import Database
from tests.builders import Cabinet, TestHouse, file_of, statement

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIELDS = ("id", "at", "actor", "role", "action", "subject", "cabinet_id", "before", "after", "reason", "hash")

#: JSON as connectors' settings may hold it, numbers that the two databases write differently among them.
_LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
)  # fmt: skip
JSON = st.dictionaries(st.sampled_from(["a", "b", "é"]), st.recursive(_LEAVES, st.lists, max_leaves=4), max_size=3)


def event(subject: str = "s", **other: Any) -> dict[str, Any]:
    fields = {"action": "a", "subject": subject, "before": None, "after": {"n": 1}, "cabinet_id": None, "reason": None}
    return fields | other


def append(database: Database, *events: Mapping[str, Any], at: datetime = NOW, actor: str = "anne") -> None:
    with database.write() as connection:
        audit.record_many(connection, events, at=at, actor=actor, role="superviseur")


@contextmanager
def behind_our_back(database: Database) -> Iterator[sa.Connection]:
    """Someone with every right on the database, for whom no trigger stands in the way."""
    with database.write() as connection:
        if database.is_sqlite:
            for change in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_events_no_{change}")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_events DISABLE TRIGGER ALL")
        yield connection


@pytest.fixture
def trail(database: Database) -> AuditTrail:
    append(database, *(event(f"s{n}") for n in range(1, 9)))
    return AuditTrail(database)


def test_events_are_numbered_without_holes_and_the_chain_holds(trail: AuditTrail, database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        append(database, event("undone"), event("of no cabinet", cabinet_id=99))
    append(database, event("s9"))
    report = trail.verify()
    assert (report.holds, report.events) == (True, 9)
    assert [row.id for row in trail.listed(limit=100)] == list(range(9, 0, -1))


def test_an_empty_trail_holds(database: Database) -> None:
    append(database)
    report = AuditTrail(database).verify()
    assert (report.holds, report.events, report.hash) == (True, 0, START)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(before=st.none() | JSON, after=st.none() | JSON, reason=st.none() | st.just("é ’\n"))
def test_whatever_is_written_is_read_back_to_the_same_hash(
    database: Database, before: Any, after: Any, reason: str | None
) -> None:
    append(database, event(before=before, after=after, reason=reason), at=NOW + timedelta(microseconds=1))
    assert AuditTrail(database).verify().broken is None


@pytest.mark.parametrize(
    "values",
    [
        {"at": NOW + timedelta(microseconds=1)}, {"actor": "Anne"}, {"role": None}, {"action": "b"}, {"subject": "S3"},
        {"before": {}}, {"after": {"n": 2}}, {"after": None}, {"reason": ""}, {"hash": b"\1" * 32},
    ],
)  # fmt: skip
def test_a_changed_row_is_named(trail: AuditTrail, database: Database, values: dict[str, Any]) -> None:
    with behind_our_back(database) as connection:
        connection.execute(sa.update(t.audit_events).where(t.audit_events.c.id == 3).values(values))
    broken = trail.verify().broken
    assert broken is not None
    assert (broken.event, broken.difference) == (3, Difference.CHANGED)


@pytest.mark.parametrize("number", [1, 3, 8])
def test_a_row_that_was_changed_and_given_a_hash_that_fits_breaks_what_follows(
    trail: AuditTrail, database: Database, number: int
) -> None:
    e = t.audit_events.c
    with behind_our_back(database) as connection:
        row = dict(connection.execute(sa.select(t.audit_events).where(e.id == number)).mappings().one())
        before = connection.scalar(sa.select(e.hash).where(e.id == number - 1)) or START
        forged = event_hash(before, row | {"actor": "eve"})
        connection.execute(sa.update(t.audit_events).where(e.id == number).values(actor="eve", hash=forged))
    broken = trail.verify().broken
    assert broken is not None
    assert (broken.event, broken.difference) == (min(number + 1, 8), Difference.CHANGED)
    assert f"event {number} was" in broken.shows or "the last event" in broken.shows


@pytest.mark.parametrize("number", [1, 4, 8])
def test_a_removed_row_is_named_even_the_last(trail: AuditTrail, database: Database, number: int) -> None:
    with behind_our_back(database) as connection:
        connection.execute(sa.delete(t.audit_events).where(t.audit_events.c.id == number))
    broken = trail.verify().broken
    assert broken is not None
    assert (broken.event, broken.difference) == (number, Difference.MISSING)


@pytest.mark.parametrize("number", [-1, 0, 9, 99])
def test_a_row_that_was_put_in_is_named_even_with_a_hash_that_fits(
    trail: AuditTrail, database: Database, number: int
) -> None:
    row = {"id": number, "at": NOW, "actor": "eve", "role": None} | event()
    with behind_our_back(database) as connection:
        row["hash"] = event_hash(trail.verify().hash, row)
        connection.execute(sa.insert(t.audit_events).values(row))
    broken = trail.verify().broken
    assert broken is not None
    assert (broken.event, broken.difference) == (number, Difference.INSERTED)


def test_two_rows_that_changed_places_are_found(trail: AuditTrail, database: Database) -> None:
    with behind_our_back(database) as connection:
        for old, new in ((2, -7), (6, 2), (-7, 6)):
            connection.execute(sa.update(t.audit_events).where(t.audit_events.c.id == old).values(id=new))
    broken = trail.verify().broken
    assert broken is not None
    assert (broken.event, broken.difference) == (2, Difference.CHANGED)


@pytest.mark.parametrize(
    ("spoil", "difference"),
    [
        (sa.delete(t.audit_head), Difference.MISSING),
        (sa.update(t.audit_head).values(hash=b"\1" * 32), Difference.CHANGED),
        (sa.update(t.audit_head).values(events=7), Difference.INSERTED),
        (sa.update(t.audit_head).values(events=9), Difference.MISSING),
    ],
)
def test_a_spoilt_head_is_found(
    trail: AuditTrail, database: Database, spoil: sa.Executable, difference: Difference
) -> None:
    with behind_our_back(database) as connection:
        connection.execute(spoil)
    broken = trail.verify().broken
    assert broken is not None
    assert broken.difference is difference


def test_without_its_head_nothing_is_added_to_the_trail(trail: AuditTrail, database: Database) -> None:
    with behind_our_back(database) as connection:
        connection.execute(sa.delete(t.audit_head))
    with pytest.raises(TrailBroken, match="restore the database"):
        append(database, event())


def test_a_trail_written_anew_from_an_event_on_shows_against_a_hash_noted_before(
    trail: AuditTrail, database: Database
) -> None:
    noted = trail.verify().hash
    with behind_our_back(database) as connection:
        connection.execute(sa.delete(t.audit_events).where(t.audit_events.c.id >= 5))
        last = connection.scalar(sa.select(t.audit_events.c.hash).where(t.audit_events.c.id == 4))
        connection.execute(sa.update(t.audit_head).values(events=4, hash=last))
    append(database, *(event("forged") for _ in range(4)))
    assert trail.verify().holds
    broken = trail.verify(known={8: noted}).broken
    assert broken is not None
    assert (broken.event, broken.difference) == (8, Difference.CHANGED)


def test_appends_of_many_at_once_follow_one_another(database: Database) -> None:
    def some(worker: int) -> None:
        for n in range(5):
            append(database, event(f"{worker}.{n}.a"), event(f"{worker}.{n}.b"), actor=f"w{worker}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(some, range(4)))
    report = AuditTrail(database).verify()
    assert (report.holds, report.events) == (True, 40)
    rows = AuditTrail(database).listed(limit=100)
    pairs = [(a.subject[:-1], b.subject[:-1]) for a, b in zip(rows[::2], rows[1::2], strict=True)]
    assert all(a == b for a, b in pairs), "events of one transaction stand together"


def test_a_change_that_has_added_its_event_and_not_ended_keeps_no_decision_waiting(
    fresh_postgres_url: Callable[[], str], tmp_path: Path
) -> None:
    house = TestHouse(tmp_path, fresh_postgres_url())
    day = date(2026, 3, 3)
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, day, 5)))
    with house.database.write() as connection:
        audit.record_many(connection, [event()], at=NOW, actor="anne", role=None)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(house.run, day).result(timeout=60)["decided"] == 1
    assert len(house.delivered()) == 1
    assert AuditTrail(house.database).verify().holds
    house.database.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_the_migration_chains_the_events_that_are_there_in_their_order(
    request: pytest.FixtureRequest, kind: str
) -> None:
    fresh: Callable[[], str] = request.getfixturevalue(f"fresh_{kind}_url")
    database = Database(fresh())
    command.downgrade(migrate.configuration(database), "0002")
    former = sa.table("audit_events", *(sa.column(name, t.audit_events.c[name].type) for name in FIELDS[:-1]))
    with database.write() as connection:
        for number in (3, 4, 11):
            row = {"id": number, "at": NOW, "actor": "anne", "role": None} | event(f"s{number}", after={"n": 1.5})
            connection.execute(sa.insert(former).values(row))
    migrate.upgrade(database)
    append(database, event("s12"))
    trail = AuditTrail(database)
    assert (trail.verify().holds, trail.verify().events) == (True, 4)
    assert [row.subject for row in reversed(trail.listed(limit=9))] == ["s3", "s4", "s11", "s12"]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), database.write() as connection:
        connection.exec_driver_sql("DELETE FROM audit_events")
    command.downgrade(migrate.configuration(database), "0002")
    with database.write() as connection:
        connection.execute(sa.insert(former).values({"at": NOW, "actor": "anne"} | event("s13")))
        assert connection.scalar(sa.select(sa.func.count()).select_from(former)) == 5
    database.close()


def _chain(size: int) -> tuple[list[dict[str, Any]], Head]:
    rows: list[dict[str, Any]] = []
    last = START
    for number in range(1, size + 1):
        row = {"id": number, "at": NOW, "actor": "anne", "role": None} | event(f"s{number % 3}")
        row["hash"] = last = event_hash(last, row)
        rows.append(row)
    return rows, Head(events=size, hash=last)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # slow is the machine, under load
@given(data=st.data(), size=st.integers(1, 12))
def test_any_single_change_removal_insertion_or_swap_is_found_and_named(data: st.DataObject, size: int) -> None:
    rows, head = _chain(size)
    place = data.draw(st.integers(0, size - 1))
    what = data.draw(st.sampled_from(["change", "remove", "insert", "swap"]))
    other = data.draw(st.integers(0, size - 1))
    if what == "change":
        name = data.draw(st.sampled_from(FIELDS))
        values = {"id": st.integers(-5, 99), "at": st.datetimes(timezones=st.just(UTC)), "hash": st.binary(min_size=1)}
        drawn = data.draw(values.get(name, st.none() | st.text(min_size=1)))
        rows[place] = rows[place] | {name: drawn}
        spoilt = drawn != _chain(size)[0][place][name]
        due = {place + 1, drawn} if name == "id" else {place + 1}
    elif what == "remove":
        del rows[place]
        spoilt, due = True, {place + 1}
    elif what == "insert":
        added = rows[place] | {"id": data.draw(st.integers(-5, 0) | st.integers(size + 1, size + 9)), "actor": "eve"}
        rows.append(added | {"hash": event_hash(data.draw(st.sampled_from([head.hash, START])), added)})
        spoilt, due = True, {added["id"]}
    else:
        first, second = sorted((place, other))
        a, b = rows[first], rows[second]
        rows[first], rows[second] = b | {"id": a["id"]}, a | {"id": b["id"]}
        spoilt, due = first != second, {first + 1}
    if len({row["id"] for row in rows}) < len(rows):
        return  # the primary key refuses two rows of one number
    report = check_chain(sorted(rows, key=lambda row: row["id"]), head, known={})
    assert (report.broken is not None) == spoilt
    if report.broken:
        assert report.broken.event in due


def test_a_trail_is_read_in_bounded_pieces(sqlite_database: Database) -> None:
    append(sqlite_database, *(event(f"s{n}") for n in range(30)))
    small = AuditTrail(sqlite_database, rows_at_once=7)
    assert (small.verify().holds, small.verify().events) == (True, 30)
