"""What the folder sink promises beyond the suite of all sinks: rights, links, full disks, and the manifest beside."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

import pytest

from sobank.domain.sink import Presence
from sobank.errors import ConfigFault, NameTaken, Transient, Unknown
from sobank.sinks.folder import COMPANION_SUFFIX, FolderSink
from sobank.sinks.names import TAKEN
from tests.sinks.harness_folder import BreakingDisk
from tests.sinks.test_contract import NAME, NOW, PAYLOAD, outgoing, put

MANIFEST = b'{"statements": 3}'


def test_files_are_0640_in_a_folder_of_0750(tmp_path: Path) -> None:
    put(FolderSink(tmp_path / "global" / "CAB001", create=True, companion=MANIFEST))
    assert stat.S_IMODE((tmp_path / "global" / "CAB001").stat().st_mode) == 0o750
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "global" / "CAB001").iterdir()}
    assert modes == {NAME: 0o640, NAME + COMPANION_SUFFIX: 0o640}


def test_a_link_planted_under_the_final_name_is_neither_followed_nor_replaced(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NameTaken):
        put(FolderSink(tmp_path / "drop"))
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_planted_under_the_staging_name_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / f".{NAME}.1.part").symlink_to(tmp_path / "elsewhere")
    put(FolderSink(tmp_path / "drop"))
    assert not (tmp_path / "elsewhere").exists()
    assert (tmp_path / "drop" / NAME).read_bytes() == PAYLOAD


def test_a_pipe_under_the_final_name_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    assert FolderSink(tmp_path).probe(outgoing(), staging=None, now=NOW) is Presence.OTHER_BYTES


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_proved_not_received_and_leaves_nothing(tmp_path: Path, number: int) -> None:
    with pytest.raises(Transient):
        put(FolderSink(tmp_path, disk=BreakingDisk(broken="write", error=OSError(number, os.strerror(number)))))
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_our_own_folder_should_be_is_a_fault_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "drop").touch()
    with pytest.raises(ConfigFault, match="folder cannot be used"):
        put(FolderSink(tmp_path / "drop", create=True))


def test_a_file_system_that_cannot_refuse_to_replace_is_a_fault_of_configuration(tmp_path: Path) -> None:
    disk = BreakingDisk(broken="move", error=OSError(errno.EINVAL, os.strerror(errno.EINVAL)))
    with pytest.raises(ConfigFault, match="refuses to replace"):
        FolderSink(tmp_path, disk=disk).stage(outgoing(), io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    assert list(tmp_path.iterdir()) == [], "what was staged here could be published nowhere"
    assert "no rename" in FolderSink(tmp_path, disk=disk).test().degraded[0]


def test_a_file_taken_at_once_has_a_receipt_that_says_so(tmp_path: Path) -> None:
    disk = BreakingDisk(watch=lambda: (tmp_path / NAME).unlink(missing_ok=True))
    assert put(FolderSink(tmp_path, disk=disk)).answer == TAKEN


def test_a_file_changed_right_after_publishing_is_no_success(tmp_path: Path) -> None:
    def change() -> None:
        if (tmp_path / NAME).exists():
            (tmp_path / NAME).write_bytes(b"changed")

    with pytest.raises(Unknown):
        put(FolderSink(tmp_path, disk=BreakingDisk(watch=change)))


def test_staged_bytes_that_changed_since_are_not_published(tmp_path: Path) -> None:
    sink = FolderSink(tmp_path)
    staging = sink.stage(outgoing(), io.BytesIO(PAYLOAD), attempt=1, now=NOW)
    (tmp_path / staging).write_bytes(b"rotten")
    assert sink.probe(outgoing(), staging=staging, now=NOW) is Presence.OTHER_BYTES


def test_the_manifest_is_there_before_its_file(tmp_path: Path) -> None:
    order: list[str] = []

    def watch() -> None:
        order.extend(p.name for p in sorted(tmp_path.iterdir()) if p.name[0] != "." and p.name not in order)

    put(FolderSink(tmp_path, companion=MANIFEST, disk=BreakingDisk(watch=watch)))
    assert order == [NAME + COMPANION_SUFFIX, NAME]
    assert (tmp_path / (NAME + COMPANION_SUFFIX)).read_bytes() == MANIFEST


def test_the_same_manifest_twice_changes_nothing(tmp_path: Path) -> None:
    for attempt in (1, 2):
        put(FolderSink(tmp_path, companion=MANIFEST), attempt=attempt)
    assert sorted(p.name for p in tmp_path.iterdir()) == [NAME, NAME + COMPANION_SUFFIX]


def test_another_manifest_under_the_same_name_is_refused_not_replaced(tmp_path: Path) -> None:
    (tmp_path / (NAME + COMPANION_SUFFIX)).write_bytes(b"{}")
    sink = FolderSink(tmp_path, companion=MANIFEST)
    with pytest.raises(NameTaken):
        put(sink)
    assert sink.probe(outgoing(), staging=None, now=NOW) is Presence.OTHER_BYTES
    assert [p.name for p in tmp_path.iterdir()] == [NAME + COMPANION_SUFFIX]
