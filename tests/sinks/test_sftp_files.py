"""What the SFTP sink promises of its files: folders, staging, a server that died in a rename, the marker, the test."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from sobank.domain.sink import Presence
from sobank.errors import ConfigFault, Doubtful, NameTaken, SinkError, Unknown
from sobank.simulator.partner_sftp import SftpPartner
from sobank.sinks.names import TAKEN
from sobank.sinks.sftp import SftpSink
from sobank.sinks.sftp_remote import WINDOW
from tests.sinks.harness_sftp import OpenSshHarness, SimulatedSftpHarness, breaking_sink, names, reach, sink_of
from tests.sinks.test_contract import NAME, NOW, PAYLOAD, outgoing, probe, publish, put, stage
from tests.sshd import sshd

MARKER = NAME + ".ok"
Both = SimulatedSftpHarness | OpenSshHarness


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[SftpPartner]:
    with SftpPartner(tmp_path) as there:
        yield there


@pytest.fixture(params=[SimulatedSftpHarness, OpenSshHarness], ids=["simulated", "openssh"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    made: Both = request.param(tmp_path)
    yield made
    made.close()


# Names, folders and sizes


@pytest.mark.parametrize("without", [(), ("limits",)], ids=["limits", "no limits"])
def test_a_file_of_several_windows_arrives_whole(tmp_path: Path, without: tuple[str, ...]) -> None:
    payload = os.urandom(2 * WINDOW + 12345)
    with SftpPartner(tmp_path, without=without) as partner:
        put(sink_of(partner), payload)
        assert partner.inbox.final() == {NAME: payload}
        with pytest.raises(ConfigFault):
            sink_of(partner).stage(outgoing(payload), io.BytesIO(payload[:-1]), attempt=2, now=NOW)
        assert names(partner.inbox.folder) == [NAME]


def test_what_lies_under_the_final_name_is_other_bytes_whatever_it_is(both: Both) -> None:
    folder, sink = both.inbox.folder, both.sink()
    staging = stage(sink)
    (folder / NAME).symlink_to(folder / "nowhere")
    with pytest.raises((NameTaken, Unknown)):
        publish(sink, staging)
    (folder / NAME).unlink()
    (folder / NAME).mkdir()
    with pytest.raises((NameTaken, Unknown)):
        publish(sink, staging)
    assert probe(sink, staging) is Presence.OTHER_BYTES


@pytest.mark.parametrize("folder", ["drop", "a b/ ïn 'box' \"$x\" *[1]", ".hidden/in", "x.1.part/y", "sftp:/h:1"])
def test_what_a_folder_is_called_does_not_matter(both: Both, folder: str) -> None:
    base = str(both.of.settings.get("folder") or "")
    (both.inbox.folder / folder).mkdir(parents=True)
    for staging_folder in (None, "encours"):
        of = replace(both.of, settings={"folder": f"{base}/{folder}"}, transport={"staging": staging_folder})
        sink = SftpSink.of(of)
        staging = stage(sink)
        assert probe(sink, staging) is Presence.STAGED
        assert f"/{folder}/{NAME}" in publish(sink, staging).remote_name
        assert probe(sink, staging) is Presence.PUBLISHED
        (both.inbox.folder / folder / NAME).unlink()


def test_a_staging_folder_is_made_and_nothing_unpublished_lies_outside(partner: SftpPartner) -> None:
    sink = sink_of(partner, staging="encours")
    staging = stage(sink)
    assert names(partner.inbox.folder) == ["encours", f"encours/{NAME}.1.part"]
    publish(sink, staging)
    assert names(partner.inbox.folder) == [NAME, "encours"]


def test_what_was_staged_is_finished_where_it_was_staged(partner: SftpPartner) -> None:
    (partner.inbox.folder / "old").mkdir()
    (partner.inbox.folder / "new").mkdir()
    for transport in ({"staging": "encours"}, {}):
        old = SftpSink.of(reach(partner.login(), settings={"folder": "old"}, transport=transport))
        staging = stage(old)
        new = SftpSink.of(reach(partner.login(), settings={"folder": "new"}))
        assert probe(new, staging) is Presence.STAGED
        assert publish(new, staging, again=True).remote_name.endswith(f"old/{NAME}")
        (partner.inbox.folder / "old" / NAME).unlink()


def test_what_was_staged_on_another_server_is_not_taken_for_delivered(partner: SftpPartner) -> None:
    staging = stage(sink_of(partner))
    elsewhere = staging.replace("127.0.0.1", "another.example")
    assert probe(sink_of(partner), elsewhere) is Presence.UNKNOWABLE
    with pytest.raises(ConfigFault, match="another server"):
        publish(sink_of(partner), elsewhere)


def test_a_folder_that_is_gone_does_not_make_what_was_staged_in_it_look_taken(both: Both) -> None:
    folder = both.inbox.folder / "in"
    folder.mkdir()
    sink = SftpSink.of(replace(both.of, settings={"folder": f"{both.of.settings.get('folder') or '.'}/in"}))
    staging = stage(sink)
    folder.rename(folder.with_name("unmounted"))
    with pytest.raises(ConfigFault, match="no such folder"):
        probe(sink, staging)
    folder.with_name("unmounted").rename(folder)
    assert probe(sink, staging) is Presence.STAGED


@pytest.mark.parametrize("answer", [None, asyncssh.SFTPFailure("?"), asyncssh.SFTPPermissionDenied("?")])
@pytest.mark.parametrize("does", [False, True], ids=["moves nothing", "moves"])
@pytest.mark.parametrize("taken", [False, True], ids=["stays", "taken"])
def test_whatever_a_server_says_of_a_rename_only_what_it_did_counts(
    tmp_path: Path, answer: asyncssh.SFTPError | None, *, does: bool, taken: bool
) -> None:
    with SftpPartner(tmp_path, greedy=taken) as partner:
        sink, remote = breaking_sink(reach(partner.login()))
        staging = stage(sink)
        if answer is not None:
            remote.broken, remote.after, remote.error = "rename", does, answer
        elif not does:
            remote.rename = lambda _old, _new: None
        if does and (answer is None or (not taken and not isinstance(answer, asyncssh.SFTPPermissionDenied))):
            publish(sink, staging)
        else:
            with pytest.raises(SinkError):
                publish(sink, staging)
        assert partner.inbox.received() == ([(NAME, PAYLOAD)] if does else [])
        found = probe(sink, staging)
        assert found is ((Presence.ABSENT if taken else Presence.PUBLISHED) if does else Presence.STAGED)


# A server that died in the middle of a rename


def test_a_staging_name_left_beside_what_it_was_published_as_is_published_and_removed(both: Both) -> None:
    folder, sink = both.inbox.folder, both.sink()
    staging = stage(sink)
    os.link(folder / f".{NAME}.1.part", folder / NAME)
    assert probe(sink, staging) is Presence.PUBLISHED
    sink.receipt(outgoing(), staging=staging, now=NOW)
    assert both.everything() == [NAME]


def test_a_staging_name_whose_file_has_another_name_somewhere_is_not_published_again(both: Both) -> None:
    folder, sink = both.inbox.folder, both.sink()
    staging = stage(sink)
    os.link(folder / f".{NAME}.1.part", both.inbox.taken / NAME)
    assert probe(sink, staging) is Presence.STAGED
    with pytest.raises(Doubtful, match="published it and died"):
        publish(sink, staging, again=True)
    assert both.received() == [(NAME, PAYLOAD)]


# The marker


def test_the_marker_comes_last_and_is_empty(partner: SftpPartner) -> None:
    order: list[str] = []

    def look() -> None:
        order.extend(name for name in partner.inbox.final() if name not in order)

    partner.watch = look
    put(sink_of(partner, marker=".ok"))
    assert order == [NAME, MARKER]
    assert partner.inbox.final() == {NAME: PAYLOAD, MARKER: b""}
    assert names(partner.inbox.folder) == [NAME, MARKER]


@pytest.mark.parametrize("staging_folder", [None, "encours"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(("operation", "nth"), [("digest", 1), ("rename", 2)])
def test_a_marker_that_is_missing_is_left_to_do_and_finished(
    partner: SftpPartner, operation: str, nth: int, *, after: bool, staging_folder: str | None
) -> None:
    sink, remote = breaking_sink(reach(partner.login(), transport={"marker": ".ok", "staging": staging_folder}))
    staging = stage(sink)
    remote.asked.clear()
    remote.broken, remote.after, remote.nth = operation, after, nth
    with pytest.raises(Unknown):
        publish(sink, staging)
    remote.broken = ""
    if (operation, after) == ("rename", True):
        assert probe(sink, staging) is Presence.PUBLISHED
    else:
        assert probe(sink, staging) is Presence.STAGED
        publish(sink, staging, again=True)
        assert probe(sink, staging) is Presence.PUBLISHED
    sink.receipt(outgoing(), staging=staging, now=NOW)
    assert partner.inbox.final() == {NAME: PAYLOAD, MARKER: b""}
    assert [name for name in names(partner.inbox.folder) if name.endswith(".part")] == []


@pytest.mark.parametrize("staging_folder", [None, "encours"])
def test_a_marker_that_the_partner_took_is_not_written_again(partner: SftpPartner, staging_folder: str | None) -> None:
    sink = sink_of(partner, marker=".ok", staging=staging_folder)
    staging = stage(sink)
    publish(sink, staging)
    (partner.inbox.folder / MARKER).unlink()
    assert probe(sink, staging) is Presence.UNKNOWABLE
    publish(sink, staging, again=True)
    assert [name for name in names(partner.inbox.folder) if name != "encours"] == [NAME]


def test_a_marker_that_is_gone_before_it_was_written_is_not_thought_to_have_been_taken(partner: SftpPartner) -> None:
    sink = sink_of(partner, marker=".ok")
    staging = stage(sink)
    (partner.inbox.folder / f".{NAME}.1.marker.part").unlink()
    with pytest.raises(Doubtful, match="went away"):
        publish(sink, staging)


def test_nothing_of_a_marker_stays_when_its_file_is_given_up(partner: SftpPartner) -> None:
    sink = sink_of(partner, marker=".ok")
    sink.discard(outgoing(), staging=stage(sink))
    publish(sink, stage(sink, attempt=2))
    assert names(partner.inbox.folder) == [NAME, MARKER]
    stage(sink, attempt=1)
    stage(sink, attempt=2)
    assert names(partner.inbox.folder) == [f".{NAME}.2.marker.part", f".{NAME}.2.part", NAME, MARKER]


def test_a_marker_is_never_written_without_its_file(tmp_path: Path) -> None:
    with SftpPartner(tmp_path, greedy=True) as partner:
        sink = sink_of(partner, marker=".ok")
        staging = stage(sink)
        assert publish(sink, staging).answer == TAKEN
        assert partner.inbox.received() == [(NAME, PAYLOAD)]
        assert probe(sink, staging) is Presence.ABSENT, "with its staging recorded: taken by the partner"


# What a test of the connection says


def test_a_test_says_what_the_server_offers(both: Both) -> None:
    report = both.sink().test()
    assert report.reachable
    assert report.capabilities[0].startswith("SSH-2.0-")
    assert {"fsync", "rename that refuses to replace"} <= set(report.capabilities)
    assert [text for text in report.capabilities if text.endswith("MiB free")]


def test_a_server_without_fsync_and_free_space_works_and_the_test_says_so(tmp_path: Path) -> None:
    with SftpPartner(tmp_path, without=("fsync", "statvfs", "posix-rename", "limits")) as partner:
        put(sink_of(partner))
        assert partner.inbox.final() == {NAME: PAYLOAD}
        report = sink_of(partner).test()
    assert "fsync" not in report.capabilities
    assert [text for text in report.degraded if text.startswith("no fsync")]
    assert "free space is not known" in report.degraded


def test_a_test_sees_that_a_server_is_read_only(tmp_path: Path) -> None:
    sink = SftpSink.of(reach(sshd().login(read_only=True), settings={"folder": str(tmp_path)}))
    assert "no write permission" in sink.test().degraded
