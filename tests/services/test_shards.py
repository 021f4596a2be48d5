"""A day prepared in shards of cabinets: the same batches, bytes and verdicts however many; decided whole or not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from sobank import jobs
from sobank.domain.shards import Shard
from sobank.errors import ConfigurationError, DeliveryIncomplete
from sobank.store import schema
from tests.builders import NOW, Cabinet, TestHouse, file_of, statement
from tests.conftest import FreshUrl
from tests.services.quick_judge import judge_quickly

DAY = date(2026, 3, 3)
#: An account that changes cabinet in one test.
MOVING = 21
#: Six cabinets; of their accounts some go to partners, some to global files, some wait, some are set aside by routing.
CABINETS = [
    Cabinet(
        f"CAB{c}",
        ("fizen", "inqom"),
        {
            10 * c + 1: ("approved", "fizen"),
            10 * c + 2: ("approved", "inqom" if c % 2 else None),
            10 * c + 3: ("approved", None),
            10 * c + 4: ("signed", "fizen"),
            10 * c + 5: ("revoked", None),
        },
    )
    for c in range(1, 7)
]
#: Claimed by the first cabinet and by the one after the last: in different shards of any cut.
CABINETS.append(Cabinet("RIVAL", accounts={13: ("approved", None), 71: ("approved", None)}))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_quickly(monkeypatch)


Living = Callable[[int], AbstractContextManager[TestHouse]]


def living(fresh: FreshUrl, monkeypatch: pytest.MonkeyPatch) -> Living:
    """Gives a house of its own with the whole world received, whose jobs cut a day into so many shards."""

    @contextmanager
    def live(shards: int) -> Iterator[TestHouse]:
        with TemporaryDirectory() as folder:
            house = TestHouse(Path(folder), fresh())
            cut_into(house, shards)
            house.register(*CABINETS)
            receive(house)
            monkeypatch.setattr("sobank.jobs.start.house", lambda: house)
            yield house
            house.database.close()

    return live


def cut_into(house: TestHouse, shards: int) -> None:
    """The world is large enough for so many."""
    house.settings = replace(house.settings, shard_statements=1, shard_files=1, shards_most=shards)


@pytest.fixture
def lived(fresh_sqlite_url: FreshUrl, monkeypatch: pytest.MonkeyPatch) -> Living:
    """Houses on SQLite, for tests in which the kind of database plays no part."""
    return living(fresh_sqlite_url, monkeypatch)


def receive(house: TestHouse) -> None:
    """Three days of every account; since they came, an entry of one statement in three was altered in the database."""
    accounts = sorted({n for cabinet in CABINETS for n in cabinet.accounts})
    sent = [
        statement(n, DAY - timedelta(days=2 - number), 100 * n + number, -number, opening=n * (number % 2))
        for number in range(3)
        for n in accounts
    ]
    house.take_in(file_of(*sent), now=NOW)
    with house.database.write() as connection:
        connection.execute(
            sa.text(
                "UPDATE entries SET amount = amount + 1 WHERE statement_id % 3 = 0 AND amount / 100 NOT IN (0, :not)"
            ),
            {"not": MOVING},
        )


def prepared(run: str = "run", first: int = 0) -> list[jobs.Ref]:
    """The shards of a run, ready to be decided; those before the `first` are not."""
    return [jobs.validate(jobs.partition(jobs.extract(ref))) for ref in jobs.shards(DAY, run, now=lambda: NOW)[first:]]


def deliver(house: TestHouse) -> jobs.Ref:
    """The whole run."""
    decided = jobs.decide(prepared(), now=lambda: NOW)
    for partner in jobs.partners_to_push(DAY):
        jobs.push(partner, DAY, now=lambda: NOW)
    for ref in jobs.global_file_shards(DAY):
        jobs.write_global_files(ref, now=lambda: NOW)
    return decided


def rows_of(house: TestHouse, *tables: sa.Table) -> list[list[str]]:
    """Every row of some tables, without keys that count attempts."""
    with house.database.read() as connection:
        return [[str(tuple(row)) for row in connection.execute(sa.select(t).order_by(*t.primary_key))] for t in tables]


def outcome(house: TestHouse) -> dict[str, Any]:
    decided = deliver(house)
    return {
        "counts": {name: count for name, count in decided.items() if name != "of"},
        "files": house.delivered(),
        "batches": house.batches(),
        "rows": rows_of(house, schema.quarantine, schema.allocations),
    }


def test_the_only_shard_of_a_day_is_decided_as_airflow_hands_it_over_without_a_list(lived: Living) -> None:
    with lived(1):
        [only] = prepared()
        assert jobs.decide(only, now=lambda: NOW)["decided"] > 0


def test_batches_names_bytes_and_verdicts_are_the_same_in_one_shard_and_in_many(
    fresh_url: FreshUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived = living(fresh_url, monkeypatch)
    with lived(1) as house:
        wanted = outcome(house)
    assert wanted["counts"]["statements_with_errors"] > 9
    assert wanted["counts"]["statements_with_warnings"] > 9
    assert wanted["counts"]["waiting"] > 9
    assert len(wanted["files"]) > 20
    assert len(wanted["rows"][0]) > wanted["counts"]["statements_with_errors"], "some are set aside by their route"
    for shards in (2, 4, 7):
        with lived(shards) as house:
            assert len(jobs.shards(DAY, "look", now=lambda: NOW)) == shards
            assert outcome(house) == wanted


JUDGED = {
    "partitioned": ["statement_id"],
    "entries": ["statement_id", "seq", "amount"],
    "lots": ["destination", "business_day", "due_day", "size"],
    "errors": ["statement_id", "rule"],
    "warnings": ["statement_id", "rule"],
}


def test_each_row_that_is_judged_and_each_failure_is_in_one_shard(lived: Living) -> None:
    with lived(5) as house:
        keys = [Shard.told(ref).key("run") for ref in prepared()]
        cut_into(house, 1)
        prepared()
        for name, columns in JUDGED.items():
            parts = [rows_in(house, key, name, columns) for key in keys]
            whole = rows_in(house, "run", name, columns)
            assert sorted(row for part in parts for row in part) == whole
            assert len([part for part in parts if part]) > 2, name


def rows_in(house: TestHouse, run: str, name: str, columns: list[str]) -> list[tuple[Any, ...]]:
    """Rows of a run file, in order."""
    return sorted(tuple(row.values()) for row in house.run_files(DAY, run).read(name).select(columns).to_pylist())


def test_the_number_of_tasks_follows_the_shards_and_never_the_statements(lived: Living) -> None:
    with lived(3) as house:
        assert len(jobs.shards(DAY, "one")) == 3
        house.settings = replace(house.settings, shard_statements=1_000)
        assert len(jobs.shards(DAY, "two")) == 1
        deliver(house)
        assert jobs.global_file_shards(DAY) == []
        assert len(jobs.shards(DAY, "nothing is left")) == 1


def test_while_a_shard_has_no_verdict_nothing_is_decided_and_then_all_is(lived: Living) -> None:
    with lived(3) as house:
        refs = prepared(first=1)
        for missing in (refs, [], [*refs, refs[0]]):
            with pytest.raises(DeliveryIncomplete, match="nothing was decided"):
                jobs.decide(missing, now=lambda: NOW)
        failed = jobs.partition(jobs.extract(jobs.shards(DAY, "run")[0]))
        with pytest.raises(ConfigurationError, match="errors"):
            jobs.decide([failed | refs[0] | failed, *refs], now=lambda: NOW)
        assert rows_of(house, schema.batches, schema.allocations, schema.quarantine) == [[], [], []]
        assert jobs.decide([jobs.validate(failed), *refs], now=lambda: NOW)["unvalidated"] == 0
        assert house.batches()


def test_a_run_cut_anew_never_takes_what_an_earlier_try_of_it_left(lived: Living) -> None:
    with lived(5) as house:
        earlier = prepared()
        cut_into(house, 2)
        refs = prepared()
        with pytest.raises(DeliveryIncomplete):
            jobs.decide([refs[0], earlier[1]], now=lambda: NOW)
        for ref in earlier:
            for name in ("errors", "partitioned"):
                house.run_files(DAY, Shard.told(ref).key("run")).write(name, [], pa.schema([]))
        # Airflow hands over what the former shards gave, too: it keeps that of tasks which a cleared run has no more.
        decided = jobs.decide([*refs, *earlier[2:]], now=lambda: NOW)
        assert (decided["unvalidated"], decided["of"]) == (0, 2)
        assert [ref["of"] for ref in prepared()] == [1], "nothing is left"


@pytest.mark.parametrize("turned", [False, True], ids=["its own shard first", "its own shard last"])
def test_an_account_that_changes_cabinet_between_two_shards_is_delivered_once(lived: Living, turned: bool) -> None:
    with lived(2) as house:
        before, after = "CAB2", "CAB3"
        refs = jobs.shards(DAY, "run", now=lambda: NOW)
        ids = cabinet_ids(house)
        first, last = sorted(refs, key=lambda ref: (not ref["first"] <= ids[before] <= ref["last"]) != turned)
        seen = [jobs.validate(jobs.partition(jobs.extract(first)))]
        move(house, MOVING, ids[after])
        seen.append(jobs.validate(jobs.partition(jobs.extract(last))))
        decided = jobs.decide(seen, now=lambda: NOW)
        assert decided["unvalidated"] == 0, "one shard has it, whatever its account says meanwhile"
        with house.database.read() as connection:
            query = sa.text(
                "SELECT b.destination, count(*) FROM allocations l JOIN batches b ON b.id = l.batch_id"
                " JOIN statements s ON s.id = l.statement_id JOIN accounts a ON a.id = s.account_id"
                " WHERE a.iban LIKE :like GROUP BY b.destination"
            )
            found = connection.execute(query, {"like": f"%{MOVING:011d}%"}).all()
        assert found == [(f"global:{after}", 3)]


def cabinet_ids(house: TestHouse) -> dict[str, int]:
    with house.database.read() as connection:
        found = connection.execute(sa.select(schema.cabinets.c.code, schema.cabinets.c.id))
        return {row.code: row.id for row in found}


def move(house: TestHouse, n: int, cabinet: int) -> None:
    """The account is another cabinet's now, without a connector there."""
    accounts, associations = schema.accounts, schema.associations
    which = sa.select(accounts.c.id).where(accounts.c.iban.like(f"%{n:011d}%"))
    with house.database.write() as connection:
        connection.execute(associations.update().where(associations.c.account_id.in_(which)).values(until=NOW))
        connection.execute(accounts.update().where(accounts.c.id.in_(which)).values(cabinet_id=cabinet))


def test_two_shards_at_a_time_in_one_process_come_to_what_one_after_the_other_does(lived: Living) -> None:
    with lived(4) as house:
        told: list[str] = []
        beside = jobs.prepare_all(jobs.shards(DAY, "beside", now=lambda: NOW), told.append)
        alone = prepared("alone")
        assert [ref | {"run": ""} for ref in beside] == [ref | {"run": ""} for ref in alone]
        assert sorted(told) == sorted(
            f"{job} {n}/4" for job in ("extract", "partition", "validate") for n in range(1, 5)
        )
        for name, columns in JUDGED.items():
            for shard in map(Shard.told, alone):
                assert rows_in(house, shard.key("beside"), name, columns) == rows_in(
                    house, shard.key("alone"), name, columns
                )


def test_when_a_shard_cannot_be_read_no_further_one_is_begun(lived: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, cancelled = [], threading.Event()

    class Pool(ThreadPoolExecutor):
        """Says when those that wait were cancelled, before it waits for those that run."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            cancelled.set()
            super().shutdown(wait=wait)

    def extract(ref: jobs.Ref) -> jobs.Ref:
        begun.append(ref["shard"])
        if ref["shard"] == 0:
            raise DeliveryIncomplete("the first")
        cancelled.wait(30)
        raise DeliveryIncomplete("another")

    with lived(7):
        refs = jobs.shards(DAY, "run", now=lambda: NOW)
        monkeypatch.setattr("sobank.jobs.in_process.ThreadPoolExecutor", Pool)
        monkeypatch.setattr(jobs, "extract", extract)
        with pytest.raises(DeliveryIncomplete, match="the first"):
            jobs.prepare_all(refs)
    # The thread that failed may have begun the next one before the run heard of it.
    assert sorted(begun) in ([0, 1], [0, 1, 2])
