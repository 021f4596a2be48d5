"""Where each statement goes is decided once, from the facts in force, and recorded with them (D1–D4, D7, A4–A7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
import sqlalchemy as sa

from sobank.errors import DecisionConflict
from sobank.formats.cfonb120_write import Lines
from sobank.quality.judge import FAILURES
from sobank.services.decide import decide
from sobank.store import decision, records, schema
from sobank.store.bulk import Bulk, reading
from sobank.store.decision import deciding
from sobank.store.extract import extract, partition
from sobank.store.records import keys_of, records_of, wide_of
from tests.builders import NOW, Cabinet, TestHouse, file_of, iban_of, statement
from tests.conftest import FreshUrl

DAY = date(2026, 3, 3)


def _destinations(house: TestHouse) -> dict[int, str]:
    query = (
        sa.select(schema.statements.c.account, schema.batches.c.destination)
        .join(schema.allocations, schema.allocations.c.statement_id == schema.statements.c.id)
        .join(schema.batches, schema.batches.c.id == schema.allocations.c.batch_id)
    )
    with house.database.read() as connection:
        return {int(account): destination for account, destination in connection.execute(query)}


def test_a_statement_goes_to_the_connector_of_its_account_or_to_the_global_file_of_its_cabinet(
    house: TestHouse,
) -> None:
    house.register(
        Cabinet(
            "CAB1", ("fizen", "inqom"), {1: ("approved", "fizen"), 2: ("approved", "inqom"), 3: ("approved", None)}
        ),
        Cabinet("CAB2", ("fizen",), {4: ("approved", "fizen"), 5: ("approved", None)}),
    )
    house.take_in(file_of(*(statement(n, DAY, n) for n in range(1, 6))))
    house.run(DAY)
    assert _destinations(house) == {
        1: "connector:CAB1/fizen",
        2: "connector:CAB1/inqom",
        3: "global:CAB1",
        4: "connector:CAB2/fizen",
        5: "global:CAB2",
    }
    assert len([path for path in house.delivered() if not path.endswith(".manifest.json")]) == 5


@pytest.mark.parametrize("step", [None, "draft", "signed", "sent_to_bank", "bank_processing", "rejected"])
def test_a_statement_waits_while_its_mandate_is_not_approved(sqlite_house: TestHouse, step: str | None) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: (step, "fizen")}))
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    counts = sqlite_house.run(DAY)
    assert counts["waiting"] == 1
    assert sqlite_house.statuses() == {1: "pending"}
    assert sqlite_house.delivered() == {}


def test_an_account_associated_before_approval_flows_by_itself_once_approved(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("signed", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    house.run(DAY)
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}), now=NOW + timedelta(days=1))
    house.run(DAY + timedelta(days=1))
    assert _destinations(house) == {1: "connector:CAB1/fizen"}
    assert [path for path in house.delivered() if "20260303" in path]


@pytest.mark.parametrize("step", ["revoked", "expired"])
def test_a_statement_of_an_ended_mandate_is_set_aside_with_that_reason(sqlite_house: TestHouse, step: str) -> None:
    sqlite_house.register(Cabinet("CAB1", accounts={1: (step, "fizen")}))
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    sqlite_house.run(DAY)
    assert sqlite_house.reasons() == [(1, f"mandate_{step}")]


def test_statements_of_a_closed_cabinet_or_account_are_set_aside(sqlite_house: TestHouse) -> None:
    closed = Cabinet("CAB2", accounts={2: ("approved", "fizen")}, closed=True)
    sqlite_house.register(Cabinet("CAB1", accounts={1: ("approved", None)}), closed)
    with sqlite_house.database.write() as connection:
        first = schema.accounts.c.iban == iban_of(1)
        connection.execute(schema.accounts.update().where(first).values(closed_at=NOW))
    sqlite_house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 5)))
    sqlite_house.run(DAY)
    assert sqlite_house.reasons() == [(1, "account_closed"), (2, "cabinet_closed")]


def test_an_iban_that_two_cabinets_claim_is_set_aside(sqlite_house: TestHouse) -> None:
    sqlite_house.register(
        Cabinet("CAB1", accounts={1: ("approved", "fizen")}), Cabinet("CAB2", accounts={1: ("approved", None)})
    )
    sqlite_house.take_in(file_of(statement(1, DAY, 5)))
    sqlite_house.run(DAY)
    assert sqlite_house.reasons() == [(1, "claimed_by_two_cabinets")]


def test_an_account_whose_connector_is_gone_is_set_aside_and_never_in_the_global_file(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
    with house.database.write() as connection:
        connection.execute(schema.connectors.update().values(deleted_at=NOW))
    house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 5)))
    house.run(DAY)
    assert house.reasons() == [(1, "connector_missing")]
    assert _destinations(house) == {2: "global:CAB1"}


def test_a_decision_is_recorded_with_its_mandate_and_association_and_never_changes(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", ("fizen", "inqom"), {1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    house.run(DAY)
    before, files = house.batches(), house.delivered()
    house.register(Cabinet("CAB1", ("fizen", "inqom"), {1: ("approved", "inqom")}), now=NOW + timedelta(hours=1))
    for _ in range(2):
        house.run(DAY)
    assert (house.batches(), house.delivered()) == (before, files)
    with house.database.read() as connection:
        row = connection.execute(sa.select(schema.allocations)).mappings().one()
    assert row["mandate_id"] is not None
    assert row["association_id"] is not None


def test_an_association_withdrawn_before_the_first_attempt_has_its_statements_decided_anew(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 7)))
    house.decide(DAY)
    house.register(Cabinet("CAB1", accounts={1: ("approved", None)}), now=NOW + timedelta(hours=1))
    house.push()
    assert house.delivered() == {}
    house.run(DAY)
    assert _destinations(house) == {1: "global:CAB1", 2: "connector:CAB1/fizen"}


def test_a_statement_that_arrived_after_the_extract_waits_for_the_next_run(sqlite_house: TestHouse) -> None:
    house = sqlite_house
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    files = house.run_files(DAY, "early")
    extract(house.database, files)
    partition(files, house.line_ends())
    house.take_in(file_of(statement(2, DAY, 5)), "late.txt")
    with deciding(house.database, day=DAY, now=NOW) as decision:
        decide(
            decision,
            validated=files.read("partitioned")["statement_id"].combine_chunks(),
            failures=FAILURES.empty_table().select(["statement_id", "rule"]),
            envelopes=house.envelopes(),
            write=Lines,
            spool=house.spool,
            encryption=house.encryption,
        )
    assert decision.counts["unvalidated"] == 1
    assert house.statuses() == {1: "decided", 2: "pending"}
    house.run(DAY)
    assert house.statuses() == {1: "decided", 2: "decided"}


def test_names_and_bytes_are_the_same_on_any_machine_at_any_time(tmp_path: Path, fresh_sqlite_url: FreshUrl) -> None:
    worlds = []
    for number, now in enumerate((NOW, NOW + timedelta(days=40, seconds=1))):
        house = TestHouse(tmp_path / str(number), fresh_sqlite_url())
        house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen"), 2: ("approved", None)}))
        house.take_in(file_of(statement(1, DAY, 5), statement(2, DAY, 6)), now=now)
        house.run(DAY, now=now)
        worlds.append((house.batches(), house.delivered()))
    assert worlds[0] == worlds[1]


def test_an_association_withdrawn_between_two_runs_is_seen_by_the_next_run_itself(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    house.decide(DAY)
    house.register(Cabinet("CAB1", accounts={1: ("approved", None)}), now=NOW + timedelta(hours=1))
    house.run(DAY)
    assert _destinations(house) == {1: "global:CAB1"}
    assert sorted(state for *_, state in house.batches()) == ["cancelled", "delivered"]


@pytest.mark.parametrize(
    ("limits", "files"),
    [({"max_statements": 2}, 3), ({"max_bytes": 7 * 122}, 3), ({"max_bytes": 1}, 5), ({}, 1)],
)
def test_a_lot_over_a_partners_limits_is_cut_into_numbered_files_that_keep_to_them(
    sqlite_house: TestHouse, monkeypatch: pytest.MonkeyPatch, limits: dict[str, int], files: int
) -> None:
    fizen = replace(sqlite_house.partners["fizen"], **limits)
    monkeypatch.setitem(sqlite_house.partners, "fizen", fizen)
    sqlite_house.register(Cabinet("CAB1", accounts=dict.fromkeys(range(1, 6), ("approved", "fizen"))))
    sqlite_house.take_in(file_of(*(statement(n, DAY, n) for n in range(1, 6))))
    sqlite_house.run(DAY)
    sent = sqlite_house.delivered()
    assert sorted(sent) == [
        f"partners/fizen/CAB1/SOBANK_CAB1_fizen_20260303_{n:03d}.cfonb.txt" for n in range(1, files + 1)
    ]
    assert sum(data.count(b"\r\n01") + 1 for data in sent.values()) == 5
    if limits.get("max_bytes", 0) > 1:
        assert max(len(data) for data in sent.values()) <= limits["max_bytes"]


@pytest.mark.parametrize(("most", "reads"), [(1, 15), (2, 15), (7, 17), (14, 17), (60, 15)])
def test_small_files_of_a_large_lot_are_read_together_and_are_what_they_are_of_a_small_one(
    tmp_path: Path, fresh_url: FreshUrl, monkeypatch: pytest.MonkeyPatch, most: int, reads: int
) -> None:
    """Sixty statements of three records; twelve of these are read at once, then a million."""
    asked: list[int] = []

    def counted(rows: Bulk, ids: npt.NDArray[np.int64]) -> pa.Table:
        asked.append(len(ids))
        return records_of(rows, ids)

    monkeypatch.setattr(records, "records_of", counted)
    sealed = []
    for chunk in (12, 1_000_000):
        monkeypatch.setattr(decision, "CHUNK_RECORDS", chunk)
        house = TestHouse(tmp_path / str(chunk), fresh_url())
        house.partners["fizen"] = replace(house.partners["fizen"], max_statements=most)
        house.register(Cabinet("CAB1", accounts=dict.fromkeys(range(1, 61), ("approved", "fizen"))))
        house.take_in(file_of(*(statement(n, DAY, n) for n in range(60, 0, -1))))
        house.run(DAY)
        sealed.append((house.batches(), house.delivered()))
        house.database.close()
    assert sealed[0] == sealed[1]
    assert len(sealed[0][1]) == -(-60 // most)
    assert max(asked) <= 4
    assert sum(asked) == 60
    assert len(asked) == reads


ROUNDS, DECIDERS = 15, 6


def test_six_deciders_at_once_decide_each_statement_once_and_leave_none(fresh_url: FreshUrl, tmp_path: Path) -> None:
    url = fresh_url()
    houses = [TestHouse(tmp_path / f"decider-{n}", url) for n in range(DECIDERS)]
    accounts = {n: ("approved", "fizen" if n % 2 else None) for n in range(1, 9)}
    houses[0].register(Cabinet("CAB1", accounts=accounts))
    with ThreadPoolExecutor(DECIDERS) as pool:
        for number in range(ROUNDS):
            day = DAY + timedelta(days=number)
            houses[0].take_in(file_of(*(statement(n, day, n) for n in accounts)), f"{day}.txt")
            counts = list(pool.map(lambda house, day=day: house.decide(day), houses))
            assert sum(c["decided"] for c in counts) == len(accounts)
    with houses[0].database.read() as connection:
        left = connection.execute(sa.select(sa.func.count()).select_from(schema.undecided)).scalar_one()
        allocated = connection.execute(sa.select(sa.func.count()).select_from(schema.allocations)).scalar_one()
        carried = connection.execute(sa.select(sa.func.sum(schema.batches.c.n_statements))).scalar_one()
    assert (left, allocated, carried) == (0, ROUNDS * len(accounts), ROUNDS * len(accounts))
    for house in houses:
        house.database.close()


def test_a_statement_that_went_away_since_it_was_found_stops_the_decision(house: TestHouse) -> None:
    house.register(Cabinet("CAB1", accounts={1: ("approved", "fizen")}))
    house.take_in(file_of(statement(1, DAY, 5)))
    for read in (keys_of, wide_of, records_of):
        with reading(house.database) as rows, pytest.raises(DecisionConflict, match="1 statements went away"):
            read(rows, np.array([1, 2]))
        with reading(house.database) as rows:
            assert read(rows, np.array([1])).num_rows == 1
