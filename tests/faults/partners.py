"""The partners that the suite delivers to, and the judge: he looks into a partner's inbox, never into our ledger.

A partner is a real server on loopback, or a folder. What a sink does to it goes through one object, its remote, each
method of which is one exchange: `around` wraps it, to break a delivery before and after each.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol

from sobank.domain.sink import Reach, Sink
from sobank.simulator.script import Fault, Script
from sobank.sinks import sink_class
from sobank.sinks.disk import Disk
from sobank.sinks.folder import COMPANION_SUFFIX, FolderSink
from tests.faults.seeds import PARTNER, RECORD, statement_bytes
from tests.faults.steps import Stepped, SteppedDisk, Steps

Around = Callable[[Any], Any]
Payload = Callable[[str], BinaryIO]
#: Where a sink of each kind keeps its remote.
_REMOTES = {"folder": "_disk", "sftp": "_remote", "https": "_exchange", "s3": "_bucket"}


def as_it_is(remote: Any) -> Any:
    """No wrapping."""
    return remote


def nothing(_sha256: str) -> BinaryIO:
    """The payload of an address that no world uses yet."""
    raise LookupError("an address by itself has no payloads")


class Partner(Protocol):
    """Whoever receives. `title` is his name in the table; `operations` are those that his script knows."""

    title: str
    greedy: bool
    script: Script | None
    operations: frozenset[str]
    #: What the library below raises where no answer comes.
    no_answer: Callable[[], BaseException]
    #: Seconds until no answer counts as one; of who is on a network.
    patience: int
    #: Whether a fault may leave it to a person, because nothing else can be certain.
    may_hold: bool
    #: Steps after which a delivery that is picked up again finds him in another state each time.
    telling: tuple[str, ...]
    #: Exchanges that change, or tell, what another worker may see.
    telling_exchanges: frozenset[str]
    #: Faults of his that no sender can do anything about.
    beyond_us: frozenset[Fault]

    def sink(self, *, payload: Payload, companion: bytes | None = None, around: Around = as_it_is) -> Sink:
        """A sink to him whose remote is wrapped."""
        ...

    def reset(self, *, greedy: bool) -> None:
        """He has nothing, knows nothing and behaves."""
        ...

    def take(self) -> None:
        """He takes away what has a final name."""
        ...

    def received(self) -> list[tuple[str, bytes]]:
        """Name and bytes of all that ever arrived."""
        ...

    def put_by_hand(self, name: str, content: bytes) -> None:
        """He has a file of that name already."""
        ...

    def look(self) -> None:
        """Take what has appeared, if greedy; where the server does not do that by itself."""
        ...

    def cut(self) -> None:
        """Cut the connections that are open to him."""
        ...

    def stepped(self, remote: Any, steps: Steps) -> Any:
        """His remote, each exchange of it two steps."""
        ...

    @property
    def address(self) -> Address:
        """How another process reaches him."""
        ...

    def state(self) -> object:
        """All that decides how he answers from now on; two that are equal have the same future."""
        ...


@dataclass(frozen=True, kw_only=True)
class Address:
    """All that another process needs to reach a partner; in that process it stands for him."""

    kind: str
    reach: Reach
    steps: type[Stepped] = Stepped

    def sink(self, *, payload: Payload, companion: bytes | None = None, around: Around = as_it_is) -> Sink:
        """See Partner."""
        sink = sink_class(self.kind).of(replace(self.reach, payload=payload))
        setattr(sink, _REMOTES[self.kind], around(getattr(sink, _REMOTES[self.kind])))
        return sink

    def stepped(self, remote: Any, steps: Steps) -> Any:
        """See Partner."""
        return self.steps(remote, steps)


@dataclass(kw_only=True)
class Found:
    """What is wrong with what a partner has."""

    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def violations(self) -> list[str]:
        """All of it in words."""
        return [f"{what} {one}" for what in ("missing", "doubled", "foreign") for one in getattr(self, what)]


def judge(partner: Partner, expected: list[int]) -> Found:
    """Count each statement in what the partner ever had."""
    pieces = [
        content[start : start + RECORD] for _, content in partner.received() for start in range(0, len(content), RECORD)
    ]
    counts, wanted = Counter(pieces), {statement_bytes(number) for number in expected}
    return Found(
        missing=[repr(piece[:16]) for piece in sorted(wanted) if counts[piece] == 0],
        doubled=[repr(piece[:16]) for piece, count in counts.items() if count > 1],
        foreign=[repr(piece[:16]) for piece in counts if piece not in wanted],
    )


@dataclass
class PartnerFolder:
    """A folder: whatever has a final name is read there, and where the partner is greedy taken away at once."""

    folder: Path
    greedy: bool = False
    taken: list[tuple[str, bytes]] = field(default_factory=list)

    title = "folder"
    script = None
    operations: ClassVar[frozenset[str]] = frozenset()
    patience = 0
    may_hold = False
    telling = ("after create", "middle of write", "before move", "after move")
    telling_exchanges: ClassVar[frozenset[str]] = frozenset({"create", "digest", "move", "remove"})
    beyond_us: ClassVar[frozenset[Fault]] = frozenset()

    @property
    def address(self) -> Address:
        """See Partner."""
        reach = Reach(
            destination=PARTNER, login=None, settings={"folder": str(self.folder)}, transport={}, remembers_days=None,
            folder=self.folder, payload=nothing,
        )  # fmt: skip
        return Address(kind="folder", reach=reach, steps=SteppedDisk)

    @staticmethod
    def no_answer() -> BaseException:
        """A disk may say that it failed whether it has done what was asked or not."""
        return OSError(errno.EIO, os.strerror(errno.EIO))

    def sink(self, *, payload: Payload, companion: bytes | None = None, around: Around = as_it_is) -> Sink:
        """See Partner."""
        return FolderSink(self.folder, companion=companion, disk=around(WatchedDisk(self)))

    def stepped(self, remote: Any, steps: Steps) -> Any:
        """See Partner."""
        return SteppedDisk(remote, steps)

    def reset(self, *, greedy: bool) -> None:
        """See Partner."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.greedy, self.taken = greedy, []

    def look(self) -> None:
        """Take what has appeared, if greedy."""
        if self.greedy:
            self.take()

    def take(self) -> None:
        """See Partner."""
        for path in self._final():
            self.taken.append((path.name, path.read_bytes()))
            path.unlink()

    def received(self) -> list[tuple[str, bytes]]:
        """See Partner."""
        return self.taken + [(path.name, path.read_bytes()) for path in self._final()]

    def violations(self, expected: list[int]) -> list[str]:
        """What is missing, doubled or foreign in what he has."""
        return judge(self, expected).violations

    def put_by_hand(self, name: str, content: bytes) -> None:
        """See Partner."""
        (self.folder / name).write_bytes(content)

    def cut(self) -> None:
        """There are none."""

    def state(self) -> object:
        """See Partner."""
        return sorted((path.name, path.read_bytes()) for path in self.folder.iterdir()), self.taken

    def _final(self) -> list[Path]:
        return sorted(
            path
            for path in self.folder.iterdir()
            if not path.name.startswith(".") and not path.name.endswith(COMPANION_SUFFIX)
        )


class WatchedDisk(Disk):
    """The real disk, with the partner looking after every operation that may show him something."""

    def __init__(self, partner: PartnerFolder) -> None:
        self._partner = partner

    def move(self, root: int, old: str, new: str) -> None:
        super().move(root, old, new)
        self._partner.look()

    def look(self) -> None:
        """The partner looks now."""
        self._partner.look()

    def sync(self, descriptor: int) -> None:
        """No wait: these tests end workers, never the machine."""
