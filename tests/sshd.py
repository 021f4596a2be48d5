"""A real OpenSSH server on loopback, for SFTP only, with keys and settings of its own; one for a whole run of tests."""

from __future__ import annotations

import atexit
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import asyncssh

from sobank.domain.sink import Login
from tests.servers import end_group, free_port, wait_until

_PROGRAM = "/usr/sbin/sshd"
#: Where sshd, started by root, insists on an empty folder of root's own.
_PRIVILEGE_SEPARATION = Path("/run/sshd")
_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
HostCertificate {folder}/host_key-cert.pub
AuthorizedKeysFile {folder}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowUsers {user}
MaxStartups 200
LogLevel ERROR
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True, kw_only=True)
class Sshd:
    """A server that listens. `host_key`, `host_ca`: public, as `type base64`. Keys to get in are in OpenSSH form."""

    port: int
    user: str
    host_key: str
    host_ca: str
    key: str
    read_only_key: str
    process: subprocess.Popen[bytes]

    def login(self, *, read_only: bool = False, by_ca: bool = False) -> Login:
        """How to get in, as an Airflow connection would give it."""
        pinned = {"host_ca": self.host_ca} if by_ca else {"host_key": self.host_key}
        key = self.read_only_key if read_only else self.key
        return Login(host="127.0.0.1", port=self.port, user=self.user, extra={**pinned, "private_key": key})


@cache
def sshd() -> Sshd:
    """The server of this run of tests; it ends with the process."""
    folder = Path(tempfile.mkdtemp(prefix="sobank-sshd-"))
    if os.geteuid() == 0:
        _PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    host, ca, key, read_only = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(4))
    _write(folder / "host_key", host.export_private_key("openssh"))
    certificate = ca.generate_host_certificate(host.convert_to_public(), "loopback", principals=["127.0.0.1"])
    certificate.write_certificate(folder / "host_key-cert.pub")
    allowed = [_public(key), f'command="internal-sftp -R" {_public(read_only)}', ""]
    _write(folder / "authorized_keys", "\n".join(allowed).encode())
    port, user = free_port(), getpass.getuser()
    _write(folder / "config", _CONFIG.format(port=port, folder=folder, user=user).encode())
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_PROGRAM, "-D", "-e", "-f", folder / "config"], stdout=log, stderr=log, start_new_session=True
        )

    def end() -> None:
        end_group(process)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(end)

    def answers() -> bool:
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_until(answers, what="sshd answers")
    return Sshd(
        port=port, user=user, host_key=_public(host), host_ca=_public(ca), key=_text(key),
        read_only_key=_text(read_only), process=process,
    )  # fmt: skip


def _write(path: Path, content: bytes) -> None:
    path.touch(0o600)
    path.write_bytes(content)


def _public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()


def _text(key: asyncssh.SSHKey) -> str:
    return key.export_private_key("openssh").decode()
