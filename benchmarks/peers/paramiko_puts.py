"""paramiko, one file after another on one connection: a temporary name, then a rename. `check` adds a read-back."""

from __future__ import annotations

import base64
import hashlib
import io
import posixpath
import socket
from pathlib import Path

from benchmarks.child import Child


def main() -> None:
    """Send the files that `asked` names."""
    child = Child()
    with child.step("imports"):
        import paramiko

    asked = child.asked
    kind, key = asked["host_key"].split()[:2]
    client = paramiko.SSHClient()
    host = f"[{asked['host']}]:{asked['port']}"
    client.get_host_keys().add(host, kind, paramiko.PKey.from_type_string(kind, base64.b64decode(key)))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        asked["host"],
        port=asked["port"],
        username=asked["user"],
        pkey=paramiko.Ed25519Key.from_private_key(io.StringIO(asked["private_key"])),
        allow_agent=False,
        look_for_keys=False,
    )
    if asked["no_delay"]:
        client.get_transport().sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with child.step("puts"), client.open_sftp() as sftp:
        for file in asked["files"]:
            final = posixpath.join(asked["folder"], Path(file["path"]).name)
            # confirm=False leaves out the one question that put() asks by itself, the size of what arrived.
            sftp.put(file["path"], f"{final}.part", confirm=not asked["check"])
            if asked["check"]:
                _compare(sftp, f"{final}.part", file["sha256"])
            sftp.rename(f"{final}.part", final)
            if asked["check"]:
                _compare(sftp, final, file["sha256"])
    client.close()
    child.did(
        files=len(asked["files"]),
        bytes=sum(file["size"] for file in asked["files"]),
        durable="no fsync",
        checked="SHA-256 read back before and after publishing" if asked["check"] else "size only, before publishing",
        published="rename that refuses to replace",
    )


def _compare(sftp: object, path: str, sha256: str) -> None:
    with sftp.open(path, "rb") as file:  # type: ignore[attr-defined]
        file.prefetch()
        found = hashlib.sha256(file.read()).hexdigest()
    if found != sha256:
        raise ValueError(f"{path}: other bytes were read back")


if __name__ == "__main__":
    main()
