"""Decide every undecided statement once, and seal the batches that will carry them (D1–D4, D9)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sobank.domain.routing import Kind

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from sobank.store.decision import Decision, Lot
    from sobank.store.objects import ObjectStore


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


#: The global file of a cabinet: CRLF, ISO-8859-1, and a French name, because a cabinet reads it (O1).
GLOBAL_FILE = Envelope(object_name="fichier-global_{cabinet}_{business_date}_{seq:02d}.cfonb.txt", terminator=b"\r\n")


def decide(
    decision: Decision,
    *,
    validated: pa.Array,
    failures: pa.Table,
    envelopes: dict[str, Envelope],
    write: Callable[[memoryview, bytes], bytes | np.ndarray],
    spool: ObjectStore,
) -> None:
    """Set aside what must be, then seal a batch for every lot; each payload is in the spool before the commit.

    Args:
        validated: ids of the statements that were judged.
        failures: `statement_id`, `rule` of those that failed an error.
        envelopes: by partner code. write: canonical records and line end → the bytes of the file.
    """
    aside = decision.set_aside(failures)
    for lot in decision.lots(validated, aside, envelopes):
        envelope = GLOBAL_FILE if lot.kind is Kind.GLOBAL_FILE else envelopes[lot.partner]
        payload = bytes(write(lot.records, envelope.terminator))
        decision.seal(lot, object_name=object_name(envelope, lot), sha256=spool.put(payload), size=len(payload))


def object_name(envelope: Envelope, lot: Lot) -> str:
    """The frozen name of a lot's file."""
    day: date = lot.business_date
    return envelope.object_name.format(cabinet=lot.cabinet, connector=lot.connector, business_date=day, seq=lot.seq)
