"""The simulated SFTP partner: a stranger gets nothing from him, and each fault is what its name says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sobank.simulator.partner_sftp import SftpPartner
from sobank.simulator.script import Fault

Session = Callable[[asyncssh.SFTPClient], Awaitable[Any]]


@pytest.fixture
def partner(tmp_path: Path) -> Iterator[SftpPartner]:
    with SftpPartner(tmp_path) as there:
        yield there


def ask(partner: SftpPartner, session: Session, **changes: Any) -> Any:
    """What a client of asyncssh, who knows nothing of ours, gets."""
    given: dict[str, Any] = {
        "username": "sobank", "password": partner.password, "client_keys": None, "agent_path": None, "config": [],
        "known_hosts": ([asyncssh.import_public_key(partner.host_key)], [], []),
    }  # fmt: skip

    async def run() -> Any:
        connection = await asyncssh.connect("127.0.0.1", partner.port, **{**given, **changes})
        try:
            return await asyncio.wait_for(session(await connection.start_sftp_client()), 0.5)
        finally:
            connection.abort()

    return asyncio.run(run())


async def write(client: asyncssh.SFTPClient) -> None:
    file = await client.open("a", "wb")
    await file.write(b"0123456789")


def test_only_who_has_the_password_or_the_key_comes_in(partner: SftpPartner) -> None:
    assert ask(partner, lambda client: client.listdir()) == [".", ".."]
    assert ask(partner, lambda client: client.listdir(), password=None, client_keys=[partner.user_key])
    stranger = asyncssh.generate_private_key("ssh-ed25519")
    for wrong in ({"password": "x"}, {"username": "x"}, {"password": None, "client_keys": [stranger]}):
        with pytest.raises(asyncssh.PermissionDenied):
            ask(partner, lambda client: client.listdir(), **wrong)


def test_nothing_beside_the_inbox_can_be_reached(partner: SftpPartner, tmp_path: Path) -> None:
    assert (tmp_path / "host_key").exists()
    for path in ("../host_key", "/host_key", str(tmp_path / "host_key")):
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            ask(partner, lambda client, path=path: client.stat(path))


def test_his_own_rename_refuses_an_existing_name_and_posix_rename_does_not(partner: SftpPartner) -> None:
    for name in ("a", "b"):
        (partner.inbox.folder / name).write_text(name)
    with pytest.raises(asyncssh.SFTPFailure):
        ask(partner, lambda client: client.rename("a", "b"))
    assert partner.inbox.final() == {"a": b"a", "b": b"b"}
    ask(partner, lambda client: client.posix_rename("a", "b"))
    assert partner.inbox.final() == {"b": b"a"}


def test_a_greedy_partner_takes_a_file_the_moment_it_has_its_name(tmp_path: Path) -> None:
    with SftpPartner(tmp_path, greedy=True) as partner:
        for _ in range(2):
            (partner.inbox.folder / ".a").write_bytes(b"content")
            ask(partner, lambda client: client.rename(".a", "a"))
            assert partner.inbox.final() == {}
        assert partner.inbox.received() == [("a", b"content")] * 2


def test_what_he_does_not_offer_is_not_offered(tmp_path: Path) -> None:
    with SftpPartner(tmp_path, without=("statvfs", "posix-rename")) as partner:
        for session in (lambda client: client.statvfs("."), lambda client: client.posix_rename("a", "b")):
            with pytest.raises(asyncssh.SFTPOpUnsupported):
                ask(partner, session)


def test_his_host_key_stays_until_he_changes_it(tmp_path: Path) -> None:
    with SftpPartner(tmp_path) as partner:
        first = partner.host_key
    with SftpPartner(tmp_path) as partner:
        assert partner.host_key == first
        pinned = ([asyncssh.import_public_key(first)], [], [])
        assert ask(partner, lambda client: client.listdir(), known_hosts=pinned)
        partner.change_host_key()
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            ask(partner, lambda client: client.listdir(), known_hosts=pinned)
        assert ask(partner, lambda client: client.listdir())


LOST = (asyncssh.SFTPConnectionLost, asyncssh.ConnectionLost, OSError)


@pytest.mark.parametrize(
    ("fault", "raised", "kept"),
    [
        (Fault.LOSE_REQUEST, LOST, b""),
        (Fault.LOSE_ANSWER, LOST, b"0123456789"),
        (Fault.RESET_MID_BODY, LOST, b"01234"),
        (Fault.BLACK_HOLE, TimeoutError, b""),
        (Fault.DISK_FULL, asyncssh.SFTPFailure, b"01234"),
        (Fault.PERMISSION_DENIED, asyncssh.SFTPPermissionDenied, b""),
        (Fault.TRUNCATE, None, b"01234"),
        (Fault.DRIP, None, b"0123456789"),
    ],
)
def test_each_fault_of_a_write_is_what_its_name_says(
    partner: SftpPartner, fault: Fault, raised: type[Exception] | None, kept: bytes
) -> None:
    assert fault in partner.faults
    partner.script.add("write", fault)
    if raised is None:
        ask(partner, write)
    else:
        with pytest.raises(raised):
            ask(partner, write)
    assert partner.inbox.final() == {"a": kept}
    assert partner.bytes_written == len(kept)


def test_a_renaming_whose_answer_is_lost_was_done_and_one_whose_request_is_lost_was_not(partner: SftpPartner) -> None:
    (partner.inbox.folder / "a").write_bytes(b"content")
    for fault, found in ((Fault.LOSE_REQUEST, "a"), (Fault.LOSE_ANSWER, "b")):
        partner.script.add("rename", fault)
        with pytest.raises(LOST):
            ask(partner, lambda client: client.rename("a", "b"))
        assert list(partner.inbox.final()) == [found]


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.LOSE_ANSWER, Fault.PERMISSION_DENIED])
def test_a_connection_can_be_refused_at_the_door(partner: SftpPartner, fault: Fault) -> None:
    partner.script.add("connect", fault)
    with pytest.raises((asyncssh.Error, OSError)):
        ask(partner, lambda client: client.listdir())
    assert ask(partner, lambda client: client.listdir())


def test_after_a_reset_nothing_is_there_and_he_behaves(partner: SftpPartner) -> None:
    ask(partner, write)
    partner.script.add("write", Fault.DISK_FULL)
    partner.reset()
    assert (partner.inbox.received(), partner.bytes_written, partner.connections_made) == ([], 0, 0)
    ask(partner, write)
    assert partner.inbox.final() == {"a": b"0123456789"}
