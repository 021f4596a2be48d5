"""The promises of a trace, in a folder and in a bucket (ADR 0022)."""

# ruff: noqa: S106  the token of a record is no password
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from sobank.domain.trace import Departure, End, Ending, Intake, Record, SealedBatch
from sobank.errors import ConfigurationError, LedgerError, StoreAway
from sobank.store import schema
from sobank.store.database import Database
from sobank.store.trace import Trace, beside
from sobank.store.trace_place import records_at
from tests.object_stores import bucket, url_of

NOW = datetime(2026, 3, 3, 23, 59, tzinfo=UTC)
DAY = date(2026, 3, 2)
BATCH = SealedBatch(
    destination="connector:CAB1/fizen", kind="connector", cabinet="CAB1", connector="fizen", business_date=DAY, seq=1,
    object_name="a.txt", idempotency_key="k", payload_sha256="ab" * 32, payload_size=240, plain_sha256=None,
    n_statements=1, n_entries=2, n_records=2, credit=5, debit=-3, first_date=DAY, last_date=DAY, run_day=DAY,
    sealed_at=NOW,
)  # fmt: skip
LEFT = Record(departures=(Departure(batch=BATCH, fence=3, staging=".a.txt.3.part"),))
ARRIVED = Record(endings=(Ending(idempotency_key="k", fence=3, end=End.DELIVERED, receipt={"size": 240}),))
CAME = Record(intakes=(Intake(name="b.txt", sha256="cd" * 32),))


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a trace is kept."""
    if request.param == "file":
        yield (tmp_path / "a trace").as_uri()
        return
    with bucket(tmp_path, monkeypatch) as store:
        yield url_of(store)


@pytest.fixture
def trace(url: str, sqlite_database: Database) -> Trace:
    """An empty one."""
    return Trace(url, sqlite_database)


def _know(database: Database, token: str) -> None:
    with database.write() as connection:
        connection.execute(sa.insert(schema.departures).values(token=token))


def test_what_is_written_comes_back_in_order_from_the_day_before_the_first_that_is_unknown(
    trace: Trace, sqlite_database: Database
) -> None:
    for days, token in enumerate(("old", "before", "lost", "after")):
        trace.write(LEFT, token=token, now=NOW + timedelta(days=days))
        if token in {"old", "before"}:
            _know(sqlite_database, token)
    trace.write(ARRIVED, token="e", now=NOW + timedelta(days=3, seconds=1))
    trace.write(CAME, token="cd" * 32, now=NOW + timedelta(days=3, seconds=2))
    assert trace.lost() == [LEFT, LEFT, LEFT, ARRIVED, CAME]
    assert trace.unknown_files(CAME.intakes * 2) == list(CAME.intakes)


def test_a_database_that_knows_all_is_level_and_has_lost_nothing(trace: Trace, sqlite_database: Database) -> None:
    trace.require_level()
    _know(sqlite_database, "t")
    trace.write(LEFT, token="t", now=NOW)
    trace.write(ARRIVED, token="e", now=NOW)
    trace.require_level()
    assert trace.lost() == []


@pytest.mark.parametrize(("record", "token"), [(LEFT, "t"), (CAME, "cd" * 32)])
def test_a_departure_or_a_file_that_the_database_does_not_know_lets_nothing_leave(
    trace: Trace, sqlite_database: Database, record: Record, token: str
) -> None:
    trace.write(record, token=token, now=NOW)
    _know(sqlite_database, "known")
    trace.write(LEFT, token="known", now=NOW + timedelta(minutes=2))
    with pytest.raises(ConfigurationError, match=r"older than what was sent(.|\n)*sobank reconcile"):
        trace.require_level()


def test_who_writes_into_a_lineage_that_is_closed_learns_it_and_what_he_wrote_is_there(
    trace: Trace, url: str, sqlite_database: Database
) -> None:
    alive = Trace(url, sqlite_database)
    assert alive.lineage == 1
    assert trace.close() == 2
    assert not trace.is_level()
    with pytest.raises(LedgerError, match="was restored and reconciled since"):
        alive.write(LEFT, token="t", now=NOW)
    assert trace.lost() == [LEFT]


def test_a_database_of_an_earlier_lineage_than_the_trace_is_not_level(
    trace: Trace, url: str, sqlite_database: Database
) -> None:
    with sqlite_database.write() as connection:
        connection.execute(sa.update(schema.lineage).values(number=2))
    _know(sqlite_database, "t")
    Trace(url, sqlite_database).write(LEFT, token="t", now=NOW)
    with sqlite_database.write() as connection:
        connection.execute(sa.update(schema.lineage).values(number=1))
    assert not trace.is_level()
    assert trace.close() == 3


def test_a_folder_that_cannot_be_written_is_said_to_be_away(tmp_path: Path, sqlite_database: Database) -> None:
    (tmp_path / "trace").write_text("a file", "utf-8")
    trace = Trace((tmp_path / "trace").as_uri(), sqlite_database)
    with pytest.raises(StoreAway, match="nothing was sent"):
        trace.write(LEFT, token="t", now=NOW)
    with pytest.raises(StoreAway, match="nothing was sent"):
        trace.require_level()


@pytest.mark.parametrize(
    ("spool", "wanted"),
    [
        ("file:///srv/sobank/spool", "file:///srv/sobank/trace"),
        ("s3://bucket/spool", "s3://bucket/trace"),
        ("s3://bucket/a/spool", "s3://bucket/a/trace"),
        ("s3://bucket", "s3://bucket/trace"),
    ],
)
def test_a_trace_lies_beside_the_spool(spool: str, wanted: str) -> None:
    assert beside(spool) == wanted


@pytest.mark.parametrize("spool", ["s3://[x", "ftp://somewhere/spool", "spool"])
def test_beside_an_address_that_is_none_there_is_no_trace(spool: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot keep files at this"):
        beside(spool)


def test_what_others_put_beside_the_records_is_passed_over(trace: Trace, url: str, sqlite_database: Database) -> None:
    trace.write(LEFT, token="t", now=NOW)
    records = records_at(url)
    for name in ("README", "README.json", "a-b-c.json", "000000000000-intake-zz.json", "000000000000-departure-u.txt"):
        for folder in ("000001/2026-03-03", "000001", "000001/lost+found", "notes"):
            records.write(f"{folder}/{name}", b"not a record")
    assert not trace.is_level()
    assert trace.lost() == [LEFT]
    _know(sqlite_database, "t")
    trace.require_level()


def test_the_marker_of_a_folder_in_a_bucket_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_database: Database
) -> None:
    with bucket(tmp_path, monkeypatch) as store:
        trace = Trace(url_of(store), sqlite_database)
        trace.write(LEFT, token="t", now=NOW)
        for marker in ("000001/", "000001/2026-03-03/"):
            records_at(url_of(store)).write(marker, b"")
        assert trace.lost() == [LEFT]


def test_a_database_that_has_let_something_leave_is_refused_where_there_is_no_trace(
    trace: Trace, url: str, sqlite_database: Database
) -> None:
    trace.require_level()
    _know(sqlite_database, "t")
    for whole in (False, True):
        with pytest.raises(ConfigurationError, match=r"no trace here(.|\n)*SOBANK_TRACE_URL(.|\n)*folder 000001"):
            trace.is_level(whole=whole)
    records_at(url).write("000001/begun", b"")  # what a person makes to begin one anew
    trace.require_level()
    assert trace.lost() == []
