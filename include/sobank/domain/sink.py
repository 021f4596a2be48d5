"""The seam to a partner: how sealed bytes are put somewhere, exactly once (DESIGN §6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO, Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A sealed batch as a sink sees it: frozen name, frozen bytes. `sha256` is hex; `size` in bytes."""

    object_name: str
    idempotency_key: str
    sha256: str
    size: int
    n_statements: int


class Presence(StrEnum):
    """What a probe finds at the partner's."""

    ABSENT = "absent"
    STAGED = "staged"
    PUBLISHED = "published"
    OTHER_BYTES = "other_bytes"


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Evidence of arrival, read back from the partner after publishing. `at` is UTC; `answer` never holds labels."""

    remote_name: str
    sha256: str
    size: int
    at: datetime
    answer: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionReport:
    """What a connection test found: capabilities, and what is degraded without them. Sends no payload."""

    reachable: bool
    capabilities: tuple[str, ...] = ()
    degraded: tuple[str, ...] = ()


class Sink(Protocol):
    """One way of putting bytes somewhere. Every backend obeys the same suite, `tests/sinks/test_contract.py`.

    Obligations: nothing is ever visible under the final name but the whole payload; an existing final name is never
    replaced; the same bytes twice change nothing; publishing *moves* one staging name, so that of two workers who
    publish it one moves it and the other finds nothing to move. Every method raises only `Transient`, `Unknown`,
    `Rejected` or `ConfigFault`; whoever calls treats any other exception as `Unknown`.
    """

    @property
    def kind(self) -> str:
        """Name in the registry of sinks."""
        ...

    def probe(self, outgoing: Outgoing, *, staging: str | None) -> Presence:
        """Look, change nothing: is the final name there with these bytes, with others, is `staging` there, or nothing?

        A staging name other than `staging` is not looked at: nobody may publish it.
        """
        ...

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int) -> str:
        """Put the whole payload under a staging name of this attempt, durable, read back and compared; the name.

        Called only where the delivery ledger names no staging; removes first what attempts up to this one left. The
        name holds the address too: what was staged is finished where it was staged, wherever the sink puts files now.
        """
        ...

    def publish(self, outgoing: Outgoing, *, staging: str, now: datetime) -> Receipt:
        """One atomic move: staging name → final name, refusing an existing one; then read back as evidence.

        Raises:
            NameTaken: other bytes are there under the final name. Unknown: `staging` is gone, or no answer.
        """
        ...

    def receipt(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Receipt:
        """Evidence of bytes that a probe, asked for the same `staging`, found published."""
        ...

    def discard(self, outgoing: Outgoing, *, staging: str) -> None:
        """Remove a staging name that nobody may publish any more; it need not be there."""
        ...

    def test(self) -> ConnectionReport:
        """Connect and look at capabilities; send nothing."""
        ...
