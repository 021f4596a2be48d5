"""Many small files to an OpenSSH server on loopback: our sink beside paramiko."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.sshd import Sshd, sshd

from benchmarks.aside import put_aside
from benchmarks.far import far
from benchmarks.frame import Benchmark, Comparison, Contender, Work, WrongOutput, aim

File = dict[str, str | int]

FILES, FILE_BYTES, PARTS = 2_000, 40_000, 20
#: Seconds for a question and its answer between a data centre and a partner of the same country.
ROUND_TRIP = 0.02
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
    """A server, `FILES` files of `FILE_BYTES` to send to it, and a twentieth of them to send to it from afar.

    A size below 1 sends fewer, one above 1 no more.
    """
    files = outgoing(folder / "outgoing", max(16, round(FILES * min(size, 1.0))))
    part = files[: max(16, len(files) // PARTS)]
    drop = folder / "drop"
    server = sshd()
    with far(server.port, one_way=ROUND_TRIP / 2) as distant:
        yield [
            _puts(
                "sftp",
                "to a loopback sshd",
                server,
                server.port,
                drop,
                files,
                PARAMIKO,
                at_least=aim(size, 5),
            ),
            _puts("sftp_far", "to an sshd 20 ms away", server, distant, drop, part, PARAMIKO[1:]),
        ]


def _puts(
    name: str,
    where: str,
    server: Sshd,
    port: int,
    drop: Path,
    files: list[File],
    paramikos: Sequence[tuple[str, str, bool, bool]],
    *,
    at_least: float | None = None,
) -> Benchmark:
    """Our sink, and paramiko in some ways; the aim is held against the first of them."""
    asked = {
        "host": "127.0.0.1",
        "port": port,
        "user": server.user,
        "private_key": server.key,
        "host_key": server.host_key,
        "folder": str(drop),
        "files": files,
    }

    def empty() -> None:
        put_aside(drop)
        drop.mkdir()

    def arrived(work: Work) -> None:
        verify(drop, files, work)

    ours = Contender(
        name="ours",
        label=f"our sink, {AT_ONCE} in flight",
        module="benchmarks.ours.sftp_puts",
        asked=asked | {"threads": AT_ONCE, "at_once": AT_ONCE},
        verify=arrived,
        before=empty,
    )
    peers = [
        Contender(
            name=peer,
            label=label,
            module="benchmarks.peers.paramiko_puts",
            asked=asked | {"no_delay": no_delay, "check": check},
            verify=arrived,
            peer=True,
            before=empty,
        )
        for peer, label, no_delay, check in paramikos
    ]
    return Benchmark(
        name=name,
        title=f"{len(files):,} files of {FILE_BYTES // 1000} kB {where}",
        unit="files",
        contenders=(ours, *peers),
        comparisons=[
            Comparison(of="ours", to=peer.name, measure="rate", at_least=None if n else at_least)
            for n, peer in enumerate(peers)
        ],
    )


def verify(drop: Path, files: Sequence[File], work: Work) -> None:
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


def outgoing(folder: Path, count: int) -> list[File]:
    """Files of bytes that no compression makes smaller, the same ones every time."""
    folder.mkdir()
    rng, found = random.Random(7), []
    for number in range(count):
        content, path = rng.randbytes(FILE_BYTES), folder / f"releves_{number:05d}.txt"
        path.write_bytes(content)
        found.append({"path": str(path), "size": FILE_BYTES, "sha256": hashlib.sha256(content).hexdigest()})
    return found
