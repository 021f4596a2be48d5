"""What the SFTP sink promises beyond the suite of all sinks: who the server is, what is lost on the way, the marker."""

from __future__ import annotations

import io
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sobank.domain.sink import Presence
from sobank.errors import ConfigFault, ConfigurationError, SinkError, Transient, Unknown
from sobank.simulator import partner_sftp_session
from sobank.simulator.partner_sftp import SftpPartner
from sobank.simulator.script import Fault
from sobank.sinks import sftp_connections
from sobank.sinks.sftp import SftpSink
from sobank.sinks.sftp_remote import Remote
from tests.sinks.harness_sftp import (
    another_key,
    breaking_sink,
    names,
    public,
    reach,
    sink_of,
    with_extra,
)
from tests.sinks.test_contract import NAME, NOW, PAYLOAD, outgoing, probe, publish, put, stage
from tests.sshd import sshd


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[SftpPartner]:
    with SftpPartner(tmp_path) as there:
        yield there


# Who the server is, and who we are


def test_a_changed_host_key_is_a_fault_of_configuration_and_no_byte_is_sent(partner: SftpPartner) -> None:
    sink = sink_of(partner)
    put(sink)
    partner.reset()
    partner.change_host_key()
    with suppress(Transient, ConfigFault):  # it may go out on the line that was cut, before that was heard of
        put(sink)
    with pytest.raises(ConfigFault, match="host key is not the pinned one"):
        put(sink)
    assert partner.bytes_written == 0


@contextmanager
def all_at_once(port: int) -> Iterator[int]:
    """A way to the server at `port`, once: after its greeting, all that it says comes together with its hanging up."""
    with socket.create_server(("127.0.0.1", 0)) as entrance:

        def carry() -> None:
            client, server = entrance.accept()[0], socket.create_connection(("127.0.0.1", port))
            with client, server, client.makefile("rb", 0) as asked, server.makefile("rb") as said:

                def carry_questions() -> None:
                    with suppress(OSError):
                        while question := asked.read(65536):
                            server.sendall(question)

                client.sendall(said.readline())
                asking = threading.Thread(target=carry_questions)
                asking.start()
                client.sendall(said.read())
                client.shutdown(socket.SHUT_WR)
                asking.join(10)

        carrier = threading.Thread(target=carry)
        carrier.start()
        yield int(entrance.getsockname()[1])
        carrier.join(10)


def test_why_a_server_hung_up_is_heard_even_if_it_comes_with_the_hanging_up(partner: SftpPartner) -> None:
    for _ in range(10):
        with all_at_once(partner.port) as port:
            login = replace(with_extra(partner.login(), host_key="", host_ca=public(another_key())), port=port)
            with pytest.raises(ConfigFault, match="none for the pinned host key"):
                put(SftpSink.of(reach(login, transport={"timeout_seconds": 5})))


def test_a_server_is_known_by_one_of_several_pinned_keys_or_by_the_base64_alone(partner: SftpPartner) -> None:
    several = f"{public(another_key())}\n{partner.host_key} a comment\n"
    for host_key in (several, partner.host_key.split()[1], f"a-host {partner.host_key}"):
        sink = SftpSink.of(reach(with_extra(partner.login(), host_key=host_key)))
        assert sink.test().reachable


def test_a_server_is_known_by_the_authority_that_signed_its_key(tmp_path: Path) -> None:
    sink = SftpSink.of(reach(sshd().login(by_ca=True), settings={"folder": str(tmp_path)}))
    put(sink)
    assert names(tmp_path) == [NAME]


def test_a_key_with_a_passphrase_opens_the_door(partner: SftpPartner) -> None:
    text = partner.user_key.export_private_key("pkcs8-pem", passphrase="a phrase").decode()  # noqa: S106
    login = with_extra(partner.login(by_key=True), private_key=text, private_key_passphrase="a phrase")  # noqa: S106
    put(SftpSink.of(reach(login)))
    assert partner.inbox.final() == {NAME: PAYLOAD}
    with pytest.raises(ConfigurationError, match="private key cannot be read"):
        SftpSink.of(reach(with_extra(login, private_key_passphrase="another")))  # noqa: S106


@pytest.mark.parametrize(
    ("extra", "what"),
    [
        ({"host_key": ""}, "no host key is pinned"),
        ({"no_host_key_check": "true"}, "believe any server"),
        ({"no_host_key_check": True}, "believe any server"),
        ({"allow_host_key_change": True}, "believe any server"),
        ({"host_key": "ssh-ed25519 AAAAnonsense"}, "host_key cannot be read"),
        ({"host_key": "no key at all"}, "host_key cannot be read"),
        ({"host_ca": "ssh-ed25519"}, "host_ca cannot be read"),
        ({"private_key": "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n"}, "private key cannot be read"),
    ],
)
def test_a_login_that_cannot_be_meant_makes_no_sink(partner: SftpPartner, extra: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigurationError, match=what) as raised:
        SftpSink.of(reach(with_extra(partner.login(), **extra)))
    assert "secret" not in str(raised.value)
    assert partner.password not in str(raised.value)


def test_a_connector_without_login_user_secret_or_plain_folder_makes_no_sink(partner: SftpPartner) -> None:
    login = partner.login()
    for wrong in (None, replace(login, host=""), replace(login, user=None), replace(login, password=None)):
        with pytest.raises(ConfigurationError):
            SftpSink.of(reach(wrong))
    for folder in ("a\nb", "a\0b", "a\rb"):
        with pytest.raises(ConfigurationError, match="folder"):
            SftpSink.of(reach(login, settings={"folder": folder}))


_opened: list[str] = []


def test_nothing_in_the_home_of_a_user_is_read_or_believed(
    partner: SftpPartner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home" / ".ssh"
    home.mkdir(parents=True)
    (home / "known_hosts").write_text(f"* {partner.host_key}\n")
    (home / "id_ed25519").write_bytes(partner.user_key.export_private_key("openssh"))
    (home / "config").write_text("Host *\n  Port 1\n  User nobody\n")
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    sys.addaudithook(lambda event, given: _opened.append(str(given[0])) if event == "open" else None)
    put(sink_of(partner))
    login = partner.login(by_key=True)
    stranger = another_key().export_private_key("openssh").decode()
    for wrong in (with_extra(login, host_key=public(another_key())), with_extra(login, private_key=stranger)):
        with pytest.raises(ConfigFault):
            put(SftpSink.of(reach(wrong)), attempt=2)
    assert not [path for path in _opened if str(home) in path]


# What is lost, late, cut or full


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("connect", Transient), ("open", Transient), ("write", Transient), ("fsync", Transient), ("read", Transient),
        ("rename", Unknown),
    ],
)  # fmt: skip
def test_a_black_hole_ends_in_time(partner: SftpPartner, operation: str, kind: type[SinkError]) -> None:
    partner.script.add(operation, Fault.BLACK_HOLE)
    start = time.monotonic()
    with pytest.raises(kind):
        put(sink_of(partner, timeout_seconds=2))
    assert time.monotonic() - start < 10
    assert partner.inbox.final() == {}
    put(sink_of(partner), attempt=2)
    assert names(partner.inbox.folder) == [NAME]


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.LOSE_REQUEST, Fault.RESET_MID_BODY, Fault.DISK_FULL])
@pytest.mark.parametrize("operation", ["open", "write", "fsync", "read"])
def test_whatever_is_lost_while_staging_is_proved_not_received(
    partner: SftpPartner, operation: str, fault: Fault
) -> None:
    sink = sink_of(partner)
    partner.script.add(operation, fault, times=2)
    with pytest.raises(Transient):
        put(sink)
    assert partner.inbox.final() == {}
    partner.script.clear()
    put(sink, attempt=2)
    assert names(partner.inbox.folder) == [NAME]


def test_a_lost_answer_to_publishing_is_found_by_looking(partner: SftpPartner) -> None:
    sink = sink_of(partner)
    staging = stage(sink)
    for fault, found in ((Fault.LOSE_REQUEST, Presence.STAGED), (Fault.LOSE_ANSWER, Presence.PUBLISHED)):
        partner.script.add("rename", fault)
        with pytest.raises(Unknown):
            publish(sink, staging, again=True)
        assert probe(sink, staging) is found
    assert sink.receipt(outgoing(), staging=staging, now=NOW).answer == "found in place"
    assert partner.inbox.received() == [(NAME, PAYLOAD)]


def test_nobody_who_listens_is_proved_not_received_and_a_probe_knows_nothing(partner: SftpPartner) -> None:
    sink = SftpSink.of(reach(replace(partner.login(), port=1)))
    with pytest.raises(Transient, match="refused"):
        put(sink)
    with pytest.raises(Transient):
        publish(sink, f"sftp://sobank@127.0.0.1:1/.{NAME}.1.part")
    with pytest.raises(Unknown):
        probe(sink, None)


@pytest.mark.parametrize(
    "error",
    [asyncssh.SFTPPermissionDenied("x"), asyncssh.PermissionDenied("x"), TimeoutError(), ConnectionResetError()],
)
def test_once_the_file_was_moved_no_fault_of_the_set_up_says_that_it_was_not(
    partner: SftpPartner, error: Exception
) -> None:
    sink, remote = breaking_sink(reach(partner.login()))
    staging = stage(sink)
    remote.broken, remote.error = "digest", error
    with pytest.raises(Unknown):
        publish(sink, staging)
    assert partner.inbox.final() == {NAME: PAYLOAD}


def test_a_server_that_truncates_is_noticed_before_publishing(partner: SftpPartner) -> None:
    partner.script.add("write", Fault.TRUNCATE)
    with pytest.raises(Transient, match="read back are not those sent"):
        put(sink_of(partner))
    assert names(partner.inbox.folder) == []


def test_without_room_nothing_is_sent(partner: SftpPartner, monkeypatch: pytest.MonkeyPatch) -> None:
    create: Callable[..., Any] = Remote.create
    monkeypatch.setattr(Remote, "create", lambda *given: (create(*given)[0], len(PAYLOAD) - 1))
    with pytest.raises(Transient, match="no room"):
        put(sink_of(partner))
    assert (partner.bytes_written, names(partner.inbox.folder)) == (0, [])


def test_a_dripping_server_gets_everything(partner: SftpPartner) -> None:
    for operation in ("connect", "open", "write", "read", "rename"):
        partner.script.add(operation, Fault.DRIP)
    put(sink_of(partner))
    assert partner.inbox.final() == {NAME: PAYLOAD}


def test_a_server_that_answers_reads_with_less_is_read_to_the_end(
    partner: SftpPartner, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = asyncssh.SFTPServer.read
    monkeypatch.setattr(partner_sftp_session.Files, "read", lambda *given: read(*given[:-1], min(given[-1], 100)))
    sink = sink_of(partner)
    put(sink)
    assert probe(sink, None) is Presence.PUBLISHED
    (partner.inbox.folder / NAME).write_bytes(PAYLOAD + b"x")
    assert probe(sink, None) is Presence.OTHER_BYTES


# One connection, many files


def test_twenty_threads_share_one_connection_and_no_more_files_are_in_flight_than_allowed(
    partner: SftpPartner,
) -> None:
    partner.script.add("write", Fault.DRIP, times=20)
    sink = sink_of(partner, at_once=4)

    def deliver(number: int) -> None:
        batch = outgoing(name=f"file{number}.txt")
        staging = sink.stage(batch, io.BytesIO(PAYLOAD), attempt=1, now=NOW)
        sink.publish(batch, staging=staging, again=False, now=NOW)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(deliver, range(20)))
    assert partner.inbox.final() == {f"file{number}.txt": PAYLOAD for number in range(20)}
    assert partner.connections_made == 1
    assert 1 < partner.open_most <= 4


def test_a_connection_that_the_server_dropped_is_made_anew(partner: SftpPartner) -> None:
    sink = sink_of(partner)
    staging = stage(sink)
    partner.drop()
    with suppress(Unknown):  # where the request left before we saw that nobody was there any more
        publish(sink, staging)
    with suppress(Unknown):
        publish(sink, staging, again=True)
    assert partner.inbox.received() == [(NAME, PAYLOAD)]
    assert partner.connections_made == 2


def test_a_forked_child_makes_connections_of_its_own(partner: SftpPartner) -> None:
    sink = sink_of(partner)
    assert sink.test().reachable
    child = os.fork()
    if not child:
        signal.alarm(60)  # a child that waits for ever is ended, and seen to be
        delivered = 1
        try:
            put(sink)
            delivered = 0
        finally:
            os._exit(delivered)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sink.test().reachable, "the connection of the parent is as it was"
    assert (partner.connections_made, list(partner.inbox.final())) == (2, [NAME])


def test_after_everything_was_closed_a_sink_connects_again(partner: SftpPartner) -> None:
    sink = sink_of(partner)
    staging = stage(sink)
    sftp_connections.close_all()
    publish(sink, staging)
    assert partner.connections_made == 2
