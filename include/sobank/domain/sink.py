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
    replaced; the same bytes twice change nothing. Every method raises only `Transient`, `Unknown`, `Rejected` or
    `ConfigFault`; whoever calls treats any other exception as `Unknown`.
    """

    kind: str

    def probe(self, outgoing: Outgoing) -> Presence:
        """Look, change nothing: is the final name there with these bytes, with others, staged only, or absent?"""
        ...

    def stage(self, outgoing: Outgoing, payload: BinaryIO) -> None:
        """Put the whole payload under a staging name of our own, durable, read back and compared."""
        ...

    def publish(self, outgoing: Outgoing, *, now: datetime) -> Receipt:
        """One atomic operation: staging name → final name, refusing an existing one; then read back as evidence."""
        ...

    def receipt(self, outgoing: Outgoing, *, now: datetime) -> Receipt:
        """Evidence of bytes that a probe found published."""
        ...

    def test(self) -> ConnectionReport:
        """Connect and look at capabilities; send nothing."""
        ...
