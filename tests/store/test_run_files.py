"""The promises of run files, one test each: in a folder, and in a bucket."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from sobank.errors import ConfigurationError
from sobank.simulator.bucket_inbox import BucketInbox, backend
from sobank.store.runfiles import RunFiles, newest_run
from tests.object_stores import bucket, url_of

DAY = date(2026, 3, 2)
SCHEMA = pa.schema([("n", pa.int64())])


def rows(*numbers: int) -> list[pa.RecordBatch]:
    return [pa.record_batch([pa.array([number], pa.int64())], schema=SCHEMA) for number in numbers]


class Place:
    """Where run files lie, looked at past them. `backdate` makes one look old."""

    def __init__(
        self, url: str, scratch: Path, objects: Callable[[], dict[str, bytes]], backdate: Callable[[str], None]
    ) -> None:
        self.url, self.scratch, self.objects, self.backdate = url, scratch, objects, backdate

    def run(self, run: str = "run-1") -> RunFiles:
        return RunFiles(self.url, day=DAY, run=run)


def lying_in(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    if request.param == "file":
        root = tmp_path / "runs"
        yield Place(root.as_uri(), scratch, lambda: lying_in(root), lambda name: os.utime(root / name, (1, 1)))
        return
    with bucket(tmp_path, monkeypatch) as store:
        yield Place(url_of(store), scratch, store.inbox.final, lambda name: backdate(store.inbox, name))


def backdate(inbox: BucketInbox, name: str) -> None:
    backend().buckets[inbox.bucket].keys[inbox.prefix + name].last_modified = datetime(2020, 1, 1)  # noqa: DTZ001


def test_rows_come_back_by_whoever_knows_the_run(place: Place) -> None:
    assert place.run().write("lots", rows(1, 2), SCHEMA) == 2
    assert place.run().read("lots")["n"].to_pylist() == [1, 2]


def test_the_same_rows_are_the_same_bytes_wherever_they_lie(place: Place, tmp_path: Path) -> None:
    beside = tmp_path / "beside"
    for files in (place.run(), RunFiles(beside.as_uri(), day=DAY, run="run-1")):
        files.write("lots", rows(1, 2), SCHEMA)
        files.write_json("verdict", {"é": 1})
    assert place.objects() == lying_in(beside)
    assert sorted(place.objects()) == ["2026-03-02/run-1/lots.arrow", "2026-03-02/run-1/verdict.json"]
    assert json.loads(place.objects()["2026-03-02/run-1/verdict.json"]) == {"é": 1}


def test_rows_are_mapped_not_loaded_and_no_copy_of_them_can_be_found(place: Place) -> None:
    many = pa.record_batch([pa.array(range(200_000), pa.int64())], schema=SCHEMA)
    place.run().write("lots", [many], SCHEMA)
    before = pa.total_allocated_bytes()
    table = place.run().read("lots")
    assert pa.total_allocated_bytes() - before < many.nbytes / 10
    assert list(place.scratch.iterdir()) == []
    assert table["n"][199_999].as_py() == 199_999


def test_a_file_written_again_is_replaced_and_who_has_read_it_keeps_his_rows(place: Place) -> None:
    place.run().write("lots", rows(1), SCHEMA)
    first = place.run().read("lots")
    place.run().write("lots", rows(2, 3), SCHEMA)
    assert (first["n"].to_pylist(), place.run().read("lots")["n"].to_pylist()) == ([1], [2, 3])


def test_a_write_that_fails_leaves_what_was_there(place: Place) -> None:
    place.run().write("lots", rows(1), SCHEMA)

    def failing() -> Iterator[pa.RecordBatch]:
        yield from rows(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.run().write("lots", failing(), SCHEMA)
    assert place.run().read("lots")["n"].to_pylist() == [1]
    assert (len(place.objects()), list(place.scratch.iterdir())) == (1, [])


def test_a_task_that_was_given_up_and_still_writes_spoils_nothing_of_its_next_try(place: Place) -> None:
    def overtaken() -> Iterator[pa.RecordBatch]:
        yield from rows(1)
        place.run().write("lots", rows(2, 3), SCHEMA)
        assert place.run().read("lots")["n"].to_pylist() == [2, 3]
        yield from rows(4)

    place.run().write("lots", overtaken(), SCHEMA)
    assert place.run().read("lots")["n"].to_pylist() == [1, 4]


def test_a_file_that_is_not_there_says_from_where_to_clear_the_run(place: Place) -> None:
    with pytest.raises(ConfigurationError, match=r"run-1/lots\.arrow: .*\n.*clear the run from its task `shards`"):
        place.run().read("lots")


def test_the_newest_run_of_a_day_is_the_one_whose_file_was_written_last(place: Place) -> None:
    assert newest_run(place.url, DAY, holding="lots") is None
    for run in ("b", "a"):
        place.run(run).write("lots", rows(1), SCHEMA)
    place.run("c").write("entries", rows(1), SCHEMA)
    RunFiles(place.url, day=date(2026, 3, 3), run="d").write("lots", rows(1), SCHEMA)
    place.backdate("2026-03-02/b/lots.arrow")
    assert newest_run(place.url, DAY, holding="lots") == "a"


@pytest.mark.parametrize("run", ["", ".", "..", "a/b", ".a"])
def test_a_run_key_that_leaves_its_folder_is_refused(place: Place, run: str) -> None:
    with pytest.raises(ConfigurationError, match="run key"):
        place.run(run)
