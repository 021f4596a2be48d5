"""Contenders find room as if none had been before them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.aside import put_aside


def test_what_a_contender_left_is_emptied_and_out_of_the_way_and_none_of_it_is_deleted(tmp_path: Path) -> None:
    run = tmp_path / "run"
    for turn in range(2):
        (run / "deep").mkdir(parents=True)
        (run / "deep" / "file").write_bytes(b"bytes")
        (run / "link").symlink_to(run / "deep" / "file")
        put_aside(run)
        assert not run.exists()
        assert len([path for path in tmp_path.rglob("file") if path.stat().st_size == 0]) == turn + 1
    put_aside(run)


def test_a_file_that_is_linked_to_from_there_keeps_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"bytes")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "link").symlink_to(tmp_path / "elsewhere")
    put_aside(tmp_path / "run")
    assert (tmp_path / "elsewhere").read_bytes() == b"bytes"
