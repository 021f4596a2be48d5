"""Decide every undecided statement once, and seal the batches that will carry them (D1–D4, D9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Protocol

from sobank.domain.routing import Kind
from sobank.errors import ConfigurationError

if TYPE_CHECKING:
    import pyarrow as pa

    from sobank.store.decision import Decision
    from sobank.store.lots import Lot
    from sobank.store.objects import ObjectStore
    from sobank.store.records import Records


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """How a destination wants its file: name template (`cabinet, connector, business_date, seq`) and line end.

    The template is filled from our own codes and dates only: no clock, no run, no try (D9). A lot over the limits is
    cut into several files, numbered in order; None where there is no limit.
    """

    object_name: str
    terminator: bytes
    max_statements: int | None = None
    max_bytes: int | None = None

    @property
    def max_records(self) -> int | None:
        """How many records of 120 characters and their line ends fit."""
        return None if self.max_bytes is None else self.max_bytes // (120 + len(self.terminator))


class Payload(Protocol):
    """The bytes of a file in pieces, `size` of them together; the same however often they are iterated."""

    size: int

    def __iter__(self) -> Iterator[memoryview]: ...


#: The global file of a cabinet: CRLF, ISO-8859-1, and a French name, because a cabinet reads it (O1).
GLOBAL_FILE = Envelope(object_name="fichier-global_{cabinet}_{business_date}_{seq:02d}.cfonb.txt", terminator=b"\r\n")


@dataclass(frozen=True, kw_only=True, slots=True)
class Encryption:
    """How a file is encrypted as a connector's setting `encryption` asks.

    apply: plain bytes and the setting → the bytes that are sealed; ConfigurationError where the setting is wrong.
    room: how many plain bytes certainly fit into so many encrypted ones. suffix: of the file's name.
    check: refuses, in the same way, a setting that could not be followed.
    """

    apply: Callable[[bytes, object], bytes]
    room: Callable[[int, object], int]
    check: Callable[[object], None]
    suffix: str


def decide(
    decision: Decision,
    *,
    validated: pa.Array,
    failures: pa.Table,
    envelopes: dict[str, Envelope],
    write: Callable[[Records, int, bytes], Payload],
    spool: ObjectStore,
    encryption: Encryption,
) -> list[ConfigurationError]:
    """Set aside what must be, then seal a batch for every lot; each payload is in the spool before the commit.

    Of an encrypted file the plain bytes are in the spool too: from them the proof reads its statements back. A lot that
    cannot be encrypted as its connector asks never leaves in clear: its statements stay undecided, the others leave.
    So do those of a lot whose partner left the catalogue.

    Args:
        validated: ids of the statements that were judged.
        failures: `statement_id`, `rule` of those that failed an error.
        envelopes: by partner code. write: canonical records, how many, line end → the bytes of the file.
    Returns:
        Why lots were left undecided, one error for each connector.
    """
    wrong: dict[str, ConfigurationError] = {}
    decision.set_aside(failures)
    with spool.keeping() as keep:
        for lot in decision.lots(validated, envelopes, encryption.room):
            envelope = GLOBAL_FILE if lot.to.kind is Kind.GLOBAL_FILE else envelopes.get(lot.to.partner)
            if envelope is None:
                wrong[lot.to.name] = _no_such_partner(lot)
                decision.leave(lot)
                continue
            plain, name = write(lot.records, lot.n_records, envelope.terminator), object_name(envelope, lot)
            if lot.encryption is None:
                decision.seal(lot, object_name=name, sha256=keep(plain, at_once=not lot.in_memory), size=plain.size)
                continue
            try:
                sealed = encryption.apply(b"".join(plain), lot.encryption)
            except ConfigurationError as error:
                wrong[lot.to.name] = _left_undecided(lot, error)
                decision.leave(lot)
                continue
            decision.seal(
                lot,
                object_name=name + encryption.suffix,
                sha256=keep([sealed]),
                size=len(sealed),
                plain_sha256=keep(plain, at_once=not lot.in_memory),
            )
    return list(wrong.values())


def object_name(envelope: Envelope, lot: Lot) -> str:
    """The frozen name of a lot's file."""
    day: date = lot.business_date
    return envelope.object_name.format(
        cabinet=lot.to.cabinet, connector=lot.to.connector, business_date=day, seq=lot.seq
    )


def _no_such_partner(lot: Lot) -> ConfigurationError:
    return ConfigurationError(
        f"the catalogue has no partner {lot.to.partner} any more, so its statements stay undecided",
        subject=lot.to.name,
        remedy="put the partner's file back, or give the accounts another connector; the next run takes them",
    )


def _left_undecided(lot: Lot, error: ConfigurationError) -> ConfigurationError:
    return ConfigurationError(
        f"its files cannot be encrypted, so its statements stay undecided: settings.{error.subject} {error.what}",
        subject=lot.to.name,
        remedy=f"{error.remedy}; the next run takes them",
    )
