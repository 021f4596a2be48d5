"""Hand a cabinet its global file: the sealed bytes, proved, and an event that says who took them (O1, A13)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from sobank.domain.delivery import Batch, BatchState
from sobank.domain.roles import Action
from sobank.domain.routing import Kind
from sobank.errors import LedgerError, NotFound
from sobank.services.allow import allowed

if TYPE_CHECKING:
    from sobank.store.registry import Registry


def take_global_file(
    registry: Registry, batch: Batch, *, read: Callable[[str], bytes], actor: str, now: datetime
) -> bytes:
    """The bytes of a written global file, from the spool: they are the same on whatever machine it was written.

    Args:
        read: the proved bytes of a SHA-256, as `ObjectStore.read` has them.
    Raises:
        NotFound: the batch is no global file. NotAllowed: no right to it.
        LedgerError: it is not written yet, was withdrawn, or its bytes are not in the spool.
    """
    subject = f"batch:{batch.id} {batch.outgoing.object_name}"
    if batch.kind != Kind.GLOBAL_FILE:
        raise NotFound("this batch is no global file", subject=f"batch:{batch.id}", remedy="choose one from the list")
    if batch.state is not BatchState.DELIVERED:
        raise LedgerError(f"the file is {batch.state}, not written", subject=subject, remedy="wait for the next run")
    payload = read(batch.outgoing.sha256)
    with registry.change() as change:
        there, role = allowed(change, batch.cabinet, actor, Action.DOWNLOAD)
        event = {"action": "batch.download", "subject": subject, "before": None, "cabinet_id": there.id, "reason": None}
        after = {"sha256": batch.outgoing.sha256, "statements": batch.outgoing.n_statements}
        change.record([event | {"after": after}], at=now, actor=actor, role=role)
    return payload
