"""What the conformance suite needs to know of each kind of sink: how to make one, break it, and read as the partner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sobank.domain.sink import Sink
from tests.sinks.harness_folder import FolderHarness
from tests.sinks.harness_https import HttpsHarness, MyUnisoftHarness
from tests.sinks.harness_s3 import S3Harness
from tests.sinks.harness_sftp import OpenSshHarness, SimulatedSftpHarness

Look = Callable[[], object]


class Harness(Protocol):
    """A kind of sink on a real server, and its partner.

    breakable: the remote's operations that a delivery uses. errors: one of every kind of exception that the library
    below may raise. secrets: what must never be in a message.
    """

    breakable: tuple[str, ...]
    errors: tuple[BaseException, ...]
    secrets: tuple[str, ...]

    def sink(self) -> Sink:
        """A sink with good settings."""
        ...

    def sinks_refused(self) -> list[Sink]:
        """Sinks that the partner does not let in: wrong password, key, host key, token, rights."""
        ...

    def sinks_set_up_wrong(self) -> list[Sink]:
        """Sinks whose address is wrong."""
        ...

    def break_in(self, operation: str, error: BaseException) -> None:
        """From now on the operation raises this instead of doing its work."""
        ...

    def mend(self) -> None:
        """From now on nothing breaks."""
        ...

    def watch(self, look: Look) -> None:
        """Call `look` at every moment at which the partner may see something new, the upload included."""
        ...

    def final(self) -> dict[str, bytes]:
        """What the partner reads: names and bytes, nothing staged."""
        ...

    def put_by_hand(self, name: str, content: bytes) -> None:
        """The partner has a file already."""
        ...

    def everything(self) -> list[str]:
        """Every name at the partner's, what is staged included."""
        ...

    def received(self) -> list[tuple[str, bytes]]:
        """Name and bytes of all that ever arrived."""
        ...

    def payload_bytes_seen(self) -> int:
        """How many bytes of payloads ever reached the partner, staged or not."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


#: By kind of sink; `kind-variant` where one kind meets several servers.
HARNESSES: dict[str, Callable[[Path], Harness]] = {
    "folder": FolderHarness,
    "https": HttpsHarness,
    "https-myunisoft": MyUnisoftHarness,
    "s3": S3Harness,
    "sftp": SimulatedSftpHarness,
    "sftp-openssh": OpenSshHarness,
}
#: Partners to whom a name means nothing: they know a file by its content, and keep both of one name.
BY_CONTENT: tuple[type, ...] = (MyUnisoftHarness,)
