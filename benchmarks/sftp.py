"""Many small files to an OpenSSH server on loopback: our sink beside paramiko."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.sshd import sshd

from benchmarks.frame import Benchmark, Comparison, Contender, Work, WrongOutput

FILES, FILE_BYTES = 2_000, 40_000
#: Threads that push side by side, and files in flight: what a partner of ours gets by default.
AT_ONCE = 16
#: Name, label, whether its socket sends at once, whether it reads back. As it comes, paramiko leaves Nagle's algorithm
#: on and waits some 40 ms a file for the server's delayed acknowledgement: shown with and without.
PARAMIKO = (
    ("paramiko", "paramiko as it comes", False, False),
    ("paramiko_no_delay", "paramiko, TCP_NODELAY", True, False),
    ("paramiko_checked", "paramiko, TCP_NODELAY, read back", True, True),
)


@contextmanager
def benchmarks(size: float, folder: Path) -> Iterator[Sequence[Benchmark]]:
    """A server, and `FILES` files of `FILE_BYTES` to send to it; a size below 1 sends fewer, one above 1 no more."""
    files = outgoing(folder / "outgoing", max(16, round(FILES * min(size, 1.0))))
    drop = folder / "drop"
    server = sshd()
    asked = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": server.user,
        "private_key": server.key,
        "host_key": server.host_key,
        "folder": str(drop),
        "files": files,
    }

    def empty() -> None:
        shutil.rmtree(drop, ignore_errors=True)
        drop.mkdir()

    def arrived(work: Work) -> None:
        verify(drop, files, work)

    yield [
        Benchmark(
            name="sftp",
            title=f"{len(files):,} files of {FILE_BYTES // 1000} kB to a loopback sshd",
            unit="files",
            contenders=(
                Contender(
                    name="ours",
                    label=f"our sink, {AT_ONCE} in flight",
                    module="benchmarks.ours.sftp_puts",
                    asked=asked | {"threads": AT_ONCE, "at_once": AT_ONCE},
                    verify=arrived,
                    before=empty,
                ),
                *(
                    Contender(
                        name=name,
                        label=label,
                        module="benchmarks.peers.paramiko_puts",
                        asked=asked | {"no_delay": no_delay, "check": check},
                        verify=arrived,
                        peer=True,
                        before=empty,
                    )
                    for name, label, no_delay, check in PARAMIKO
                ),
            ),
            comparisons=(
                Comparison(of="ours", to="paramiko", measure="rate", at_least=5),
                Comparison(of="ours", to="paramiko_checked", measure="rate"),
                Comparison(of="ours", to="paramiko_no_delay", measure="rate"),
            ),
        )
    ]


def verify(drop: Path, files: Sequence[dict[str, str | int]], work: Work) -> None:
    """Every file under its final name with its own bytes, and nothing else.

    Raises:
        WrongOutput: something is missing, more, or other.
    """
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in drop.iterdir()}
    wanted = {Path(str(file["path"])).name: file["sha256"] for file in files}
    if found != wanted:
        wrong = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
        raise WrongOutput(f"{len(wrong)} files did not arrive as they were sent, the first is {wrong[0]}")
    if (work["files"], work["bytes"]) != (len(files), sum(int(file["size"]) for file in files)):
        raise WrongOutput(f"says it sent {work['files']} files of {work['bytes']} bytes")


def outgoing(folder: Path, count: int) -> list[dict[str, str | int]]:
    """Files of bytes that no compression makes smaller, the same ones every time."""
    folder.mkdir()
    rng, found = random.Random(7), []
    for number in range(count):
        content, path = rng.randbytes(FILE_BYTES), folder / f"releves_{number:05d}.txt"
        path.write_bytes(content)
        found.append({"path": str(path), "size": FILE_BYTES, "sha256": hashlib.sha256(content).hexdigest()})
    return found
