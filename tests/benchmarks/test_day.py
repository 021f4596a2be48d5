"""The seeded day is what it says: counts, sums, shares, and records that its own reader takes without a doubt."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from benchmarks import day
from sobank.formats.cfonb120 import Cfonb120
from sobank.store.database import Database

SIZE = 0.004


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], day.Made]:
    return day.write(day.plan(SIZE), tmp_path_factory.mktemp("day"))


def test_a_day_has_the_counts_and_the_shares_that_it_promises() -> None:
    planned = day.plan(0.1)
    assert planned.statements == 10_000
    assert planned.n_entries.sum() == 100_000
    assert planned.cabinets == len(np.unique(planned.cabinet)) == 200
    assert np.bincount(planned.cabinet).max() / planned.statements == pytest.approx(0.05, rel=0.02)
    assert planned.associated.mean() == pytest.approx(0.6, abs=0.02)
    assert planned.destinations == 400
    assert day.plan(2).cabinets == 2_000


def test_the_same_size_gives_the_same_bytes(files: tuple[list[Path], day.Made], tmp_path: Path) -> None:
    again, made = day.write(day.plan(SIZE), tmp_path)
    assert made == files[1]
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files[0]]


def test_the_records_of_a_day_are_lines_of_120_characters_that_read_as_what_was_made(
    files: tuple[list[Path], day.Made],
) -> None:
    paths, made = files
    content = b"".join(path.read_bytes() for path in paths)
    assert {len(line) for line in content.split(b"\n")[:-1]} == {120}
    chunks = list(Cfonb120().read(io.BytesIO(content), chunk_bytes=1 << 20))
    statements = [chunk.statements for chunk in chunks]
    assert sum(chunk.counts.refused + chunk.counts.blank for chunk in chunks) == 0
    assert sum(chunk.counts.parsed for chunk in chunks) == made.records
    assert sum(table.num_rows for table in statements) == made.statements == day.plan(SIZE).statements
    assert sum(chunk.entries.num_rows for chunk in chunks) == made.entries
    assert sum(pc.sum(table["credit"]).as_py() for table in statements) == made.credit
    assert sum(pc.sum(table["debit"]).as_py() for table in statements) == made.debit
    for table in statements:
        assert pc.unique(pc.binary_join_element_wise(table["warnings"], table["errors"], "")).to_pylist() == [""]


def test_a_loaded_day_is_pending_whole_with_a_destination_for_each_statement(
    files: tuple[list[Path], day.Made], sqlite_database: Database
) -> None:
    paths, made = files
    planned = day.plan(SIZE)
    day.load(sqlite_database, planned, paths)
    with sqlite_database.read() as connection:
        stored = connection.exec_driver_sql(
            "SELECT status, count(*), sum(n_entries), sum(credit), sum(debit), count(account_id) FROM statements"
        ).one()
        undecided = connection.exec_driver_sql("SELECT count(*) FROM undecided").scalar_one()
        connected = connection.exec_driver_sql(
            "SELECT count(DISTINCT k.name), count(*) FROM associations x JOIN connectors k ON k.id = x.connector_id"
            " JOIN accounts a ON a.id = x.account_id AND a.cabinet_id = k.cabinet_id"
        ).one()
    assert undecided == made.statements
    assert tuple(stored) == ("accepted", made.statements, made.entries, made.credit, made.debit, made.statements)
    assert tuple(connected) == (8, planned.associated.sum())
