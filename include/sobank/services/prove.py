"""Prove a business day: in = partners + global files + quarantine, in count and to the cent (D10).

Nothing is taken on trust from the run: sums come from the entry rows, and every sealed payload is read back from the
spool and cut into statements again, so that one that is missing from the bytes, or in two files, is found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from sobank.domain.delivery import BatchState
from sobank.domain.proof import DestinationProof, Proof, Received
from sobank.errors import LedgerError

if TYPE_CHECKING:
    from sobank.store.objects import ObjectStore
    from sobank.store.proof import BatchFacts, ProofRows


class Tally(Protocol):
    """What a reader of our own files counts: the SHA-256 of each of its statements, and the sums of its movements."""

    @property
    def content_sha256(self) -> Sequence[bytes]: ...
    @property
    def entries(self) -> int: ...
    @property
    def credit(self) -> int: ...
    @property
    def debit(self) -> int: ...


Read = Callable[[bytes], Tally]


def prove(day: date, *, rows: ProofRows, spool: ObjectStore, read: Read) -> Proof:
    """Reconcile one day. `read` counts the statements and movements of a payload.

    Bytes that cannot be read back are a fault of the day, and their statements are missing; the rest is still shown.
    """
    batches = rows.batches(day)
    tallies: list[Tally] = []
    faults: list[str] = []
    for batch in batches:
        try:
            tally = read(_plain(batch, spool))
        except (LedgerError, ValueError) as error:
            faults.append(f"{_place(batch)}: its sealed bytes cannot be read back ({_first_line(error)})")
            continue
        tallies.append(tally)
        faults += _faults(batch, tally)
    came_in = rows.received(day)
    out = _total([_figures(tally) for tally in tallies])
    if out != came_in.decided:
        faults.append(
            f"the entry rows of decided statements make {_said(came_in.decided)}; the sealed bytes {_said(out)}"
        )
    missing, doubled = rows.compare(day, [tally.content_sha256 for tally in tallies])
    waiting, undecided = rows.undecided(day)
    return Proof(
        day=day,
        received=came_in.all,
        destinations=tuple(_destination(name, list(found)) for name, found in groupby(batches, _name)),
        quarantine=tuple(rows.quarantine(day)),
        waiting=waiting,
        undecided=undecided,
        missing=undecided + missing,
        doubled=doubled,
        faults=tuple(faults),
    )


def _plain(batch: BatchFacts, spool: ObjectStore) -> bytes:
    """The file that people can read: what was sealed, or what was encrypted into it, which must be there too.

    Raises:
        LedgerError: one of them is not in the spool, or has changed, or is not what the ledger notes.
    """
    sealed = spool.read(batch.payload_sha256)
    if len(sealed) != batch.payload_size:
        raise LedgerError(f"they are {len(sealed)} bytes, the ledger notes {batch.payload_size}")
    if batch.plain_sha256 is None:
        return sealed
    plain = spool.read(batch.plain_sha256)
    if plain == sealed:
        raise LedgerError("they are noted as encrypted, and are not")
    return plain


def _figures(tally: Tally) -> Received:
    return Received(statements=len(tally.content_sha256), entries=tally.entries, credit=tally.credit, debit=tally.debit)


def _said(sums: Received) -> str:
    return f"{sums.statements} statements, {sums.entries} entries, credit {sums.credit}, debit {sums.debit}"


def _total(parts: list[Received]) -> Received:
    return Received(
        statements=sum(p.statements for p in parts),
        entries=sum(p.entries for p in parts),
        credit=sum(p.credit for p in parts),
        debit=sum(p.debit for p in parts),
    )


def _place(batch: BatchFacts) -> str:
    return f"{batch.destination} {batch.business_date} #{batch.seq}"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _name(batch: BatchFacts) -> str:
    return batch.destination


def _faults(batch: BatchFacts, tally: Tally) -> list[str]:
    """What is wrong with one batch: its figures and allocations against its bytes, and its receipt against them."""
    where = _place(batch)
    found = []
    noted = Received(statements=batch.n_statements, entries=batch.n_entries, credit=batch.credit, debit=batch.debit)
    counted = _figures(tally)
    if noted != counted:
        found.append(f"{where}: the ledger notes {noted}, the bytes hold {counted}")
    if batch.allocated != batch.n_statements:
        found.append(f"{where}: {batch.allocated} statements are allocated to it, it holds {batch.n_statements}")
    if batch.state == BatchState.DELIVERED and (
        batch.receipt_sha256 != batch.payload_sha256
        or batch.receipt_size != batch.payload_size
        or batch.object_name not in batch.receipt_name
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
