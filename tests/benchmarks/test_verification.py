"""No time counts for a wrong output: each verification finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmarks.check_day import files_of, verify_files
from benchmarks.frame import WrongOutput
from benchmarks.ingest import BROKEN, Bank, broken, clean
from benchmarks.ours import ingest as our_reader

from benchmarks import day, sftp

SIZE = 0.002


def _deliver(folder: Path) -> tuple[day.Plan, day.Made]:
    """The day as it should lie there, written the slow and obvious way: line by line, a file a destination."""
    planned, made = day.plan(SIZE), day.Made()
    rows = np.concatenate(list(day.blocks(planned, made)))
    for row in rows:
        account = int(row[21:32].tobytes()) - 1
        kind = "partners/fizen" if planned.associated[account] else "global"
        place = folder / kind / f"CAB{planned.cabinet[account]:05d}"
        place.mkdir(parents=True, exist_ok=True)
        with (place / "sent.txt").open("ab") as out:
            out.write(row.tobytes() + b"\r\n")
    return planned, made


def _first(folder: Path, kind: str) -> Path:
    return next(path for path in files_of(folder) if kind in path.parts)


def _lose_a_statement(folder: Path) -> None:
    path = _first(folder, "global")
    lines = path.read_bytes().split(b"\r\n")
    closed = next(n for n, line in enumerate(lines) if line.startswith(b"07"))
    path.write_bytes(b"\r\n".join(lines[closed + 1 :]))


def _double_a_file(folder: Path) -> None:
    path = _first(folder, "partners")
    path.with_name("again.txt").write_bytes(path.read_bytes())


def _cut_a_line(folder: Path) -> None:
    path = _first(folder, "partners")
    path.write_bytes(path.read_bytes()[:-3])


def _end_lines_otherwise(folder: Path) -> None:
    path = _first(folder, "partners")
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\n\n"))


def _change_a_cent(folder: Path) -> None:
    path = next(path for path in files_of(folder) if b"\r\n04" in path.read_bytes())
    content = bytearray(path.read_bytes())
    at = content.index(b"\r\n04") + 2 + 102
    content[at] = ord("1") if content[at] != ord("1") else ord("2")
    path.write_bytes(content)


def _swap_partner_and_cabinet(folder: Path) -> None:
    partner = _first(folder, "partners")
    moved = folder / "global" / partner.parent.name / "moved.txt"
    moved.parent.mkdir(parents=True, exist_ok=True)
    partner.rename(moved)


def _give_to_another_cabinet(folder: Path) -> None:
    path = _first(folder, "global")
    other = next(p for p in files_of(folder) if "global" in p.parts and p.parent != path.parent)
    path.rename(other.with_name("moved.txt"))


def test_a_day_delivered_whole_passes(tmp_path: Path) -> None:
    verify_files(tmp_path, *_deliver(tmp_path))


@pytest.mark.parametrize(
    "harm",
    [
        _lose_a_statement,
        _double_a_file,
        _cut_a_line,
        _end_lines_otherwise,
        _change_a_cent,
        _swap_partner_and_cabinet,
        _give_to_another_cabinet,
    ],
)
def test_a_day_delivered_otherwise_does_not_count(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    asked = _deliver(tmp_path)
    harm(tmp_path)
    with pytest.raises(WrongOutput):
        verify_files(tmp_path, *asked)


@pytest.mark.parametrize("harm", ["missing", "other bytes", "one more", "lies"])
def test_files_that_did_not_arrive_as_they_were_sent_do_not_count(tmp_path: Path, harm: str) -> None:
    files = sftp.outgoing(tmp_path / "outgoing", 3)
    drop = tmp_path / "drop"
    drop.mkdir()
    for file in files:
        path = Path(str(file["path"]))
        (drop / path.name).write_bytes(path.read_bytes())
    work = {"files": 3, "bytes": 3 * sftp.FILE_BYTES}
    sftp.verify(drop, files, work)
    first = sorted(drop.iterdir())[0]
    match harm:
        case "missing":
            first.unlink()
        case "other bytes":
            first.write_bytes(b"x" + first.read_bytes()[1:])
        case "one more":
            (drop / "left.part").touch()
        case "lies":
            work["files"] = 2
    with pytest.raises(WrongOutput):
        sftp.verify(drop, files, work)


def test_what_a_reader_says_of_a_file_is_compared_with_what_was_written(tmp_path: Path) -> None:
    whole = clean(tmp_path, "clean", day.plan(SIZE))
    harmed = broken(whole, tmp_path / "broken.txt")
    assert harmed.faulty == -(-whole.statements // BROKEN)
    assert max(len(line) for line in harmed.path.read_bytes().split(b"\n")) <= 120
    assert not any(line.endswith(b" ") for line in harmed.path.read_bytes().split(b"\n"))
    for bank in (whole, harmed):
        bank.read(_read(bank))
        with pytest.raises(WrongOutput):
            bank.read(_read(bank) | {"faulty": bank.faulty + 1})
    with pytest.raises(WrongOutput):
        whole.read(_read(whole) | {"cents": whole.cents + 1})


def _read(bank: Bank) -> dict[str, int]:
    return our_reader.counted(bank.path)
