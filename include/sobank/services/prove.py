"""Prove a business day: in = partners + global files + quarantine, in count and to the cent (D10).

Nothing is taken on trust from the run: sums come from the entry rows, and every sealed payload is read back from the
spool and cut into statements again, so that one that is missing from the bytes, or in two files, is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from sobank.domain.delivery import BatchState
from sobank.domain.proof import DestinationProof, Proof

if TYPE_CHECKING:
    from sobank.store.objects import ObjectStore
    from sobank.store.proof import BatchFacts, ProofRows


class Tally(Protocol):
    """What a reader of our own files counts: content hashes of its statements, and the sums of its movements."""

    content: Sequence[bytes]
    entries: int
    credit: int
    debit: int


Read = Callable[[bytes, str | None], Tally]


def prove(day: date, *, rows: ProofRows, spool: ObjectStore, read: Read) -> Proof:
    """Reconcile one day. `read` counts a payload of a partner (code), or of a global file (None)."""
    batches = rows.batches(day)
    sealed: Counter[bytes] = Counter()
    faults: list[str] = []
    for batch in batches:
        tally = read(spool.read(batch.payload_sha256), batch.partner)
        sealed.update(tally.content)
        faults += _faults(batch, tally)
    known = {b.id for b in batches}
    content = rows.content(day)
    expected = Counter(
        sha
        for batch_id, sha in zip(content["batch_id"].to_pylist(), content["content_sha256"].to_pylist(), strict=True)
        if batch_id in known
    )
    waiting, undecided = rows.undecided(day)
    return Proof(
        day=day,
        received=rows.received(day),
        destinations=tuple(_destination(name, list(found)) for name, found in groupby(batches, _name)),
        quarantine=tuple(rows.quarantine(day)),
        waiting=waiting,
        undecided=undecided,
        missing=undecided + (expected - sealed).total(),
        doubled=(sealed - expected).total(),
        faults=tuple(faults),
    )


def _name(batch: BatchFacts) -> str:
    return batch.destination


def _faults(batch: BatchFacts, tally: Tally) -> list[str]:
    """What is wrong with one batch: its bytes against its figures, its receipt against its bytes."""
    where = f"{batch.destination} {batch.business_date} #{batch.seq}"
    found = []
    noted = (batch.n_statements, batch.n_entries, batch.credit, batch.debit)
    counted = (len(tally.content), tally.entries, tally.credit, tally.debit)
    if noted != counted:
        found.append(f"{where}: the ledger notes {noted}, the bytes hold {counted}")
    if batch.state == BatchState.DELIVERED and (
        batch.receipt_sha256 != batch.payload_sha256 or batch.receipt_size != batch.payload_size
    ):
        found.append(f"{where}: the receipt is not for these bytes")
    return found


def _destination(name: str, found: list[BatchFacts]) -> DestinationProof:
    delivered = sum(b.n_statements for b in found if b.state == BatchState.DELIVERED)
    statements = sum(b.n_statements for b in found)
    return DestinationProof(
        destination=name,
        kind=found[0].kind,
        batches=len(found),
        statements=statements,
        entries=sum(b.n_entries for b in found),
        sum=sum(b.credit + b.debit for b in found),
        delivered=delivered,
        pending=statements - delivered,
    )
