"""The seam to a partner: how sealed bytes are put somewhere, exactly once (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol, Self


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
    #: Something may have left, nobody can be asked, and sending it again could double it: a person must look.
    UNKNOWABLE = "unknowable"


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """An Airflow connection as a sink sees it. Secrets are in `password` and `extra`: neither is ever shown."""

    host: str
    port: int | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    extra: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """How a connector is reached: all that a sink is made from.

    destination: `connector:<cabinet>/<name>`, for messages. login: None where the connector names no connection.
    settings: of the connector, no secrets. transport: what the partner's file says of its sink.
    remembers_days: how long the partner remembers an idempotency key, None where it knows none.
    folder: where the folder sink puts files if the settings name no folder. payload: opens sealed bytes by SHA-256.
    private: whether an address on this machine or its network, and plain http, are allowed (development only).
    """

    destination: str
    login: Login | None
    settings: Mapping[str, object]
    transport: Mapping[str, object]
    remembers_days: int | None
    folder: Path
    payload: Callable[[str], BinaryIO]
    private: bool = False


class Sink(Protocol):
    """One way of putting bytes somewhere. Every backend obeys the same suite, `tests/sinks/test_contract.py`.

    Obligations: nothing is ever visible under the final name but the whole payload; an existing final name is never
    replaced; the same bytes twice change nothing; publishing *moves* one staging name, so that of two workers who
    publish it one moves it and the other finds nothing to move. A sink without staging (https) owes the same by the
    partner's memory of the idempotency key or of the content; where he has none, `probe` answers UNKNOWABLE.
    Every method raises only `Transient`, `Unknown`, `Rejected` or `ConfigFault`; whoever calls treats any other
    exception as `Unknown`. Messages hold no secret, no label and no full IBAN.
    """

    @classmethod
    def of(cls, reach: Reach) -> Self:
        """The sink of a connector; connects to nothing yet.

        Raises:
            ConfigurationError: connection, settings or transport lack something, or contradict one another.
        """
        ...

    @property
    def kind(self) -> str:
        """Name in the registry of sinks."""
        ...

    @property
    def holds_staged(self) -> bool:
        """Whether what is staged lies at the partner's. Where not, a first publish that is proved not received leaves
        nothing behind, and its staging name is forgotten."""
        ...

    def probe(self, outgoing: Outgoing, *, staging: str | None, now: datetime) -> Presence:
        """Look, change nothing: is the final name there with these bytes, with others, is `staging` there, or nothing?

        A staging name other than `staging` is not looked at: nobody may publish it. STAGED means that `publish` has
        something left to do.
        """
        ...

    def stage(self, outgoing: Outgoing, payload: BinaryIO, *, attempt: int, now: datetime) -> str:
        """Put the whole payload under a staging name of this attempt, durable, read back and compared; the name.

        Called only where the delivery ledger names no staging; removes first what attempts up to this one left. The
        name holds the address too: what was staged is finished where it was staged, wherever the sink puts files now.
        """
        ...

    def publish(self, outgoing: Outgoing, *, staging: str, again: bool, now: datetime) -> Receipt:
        """One atomic move: staging name → final name, refusing an existing one; then read back as evidence.

        Args:
            again: an earlier attempt recorded `staging`, so that it may have been published already.
        Raises:
            NameTaken: other bytes are there under the final name. Unknown: no answer, or `staging` is gone and an
            earlier attempt may have published it. Doubtful: `staging` went away before anybody published it, or the
            answer does not tell whether the bytes arrived, and never will.
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
