"""What a named person decides about a batch: try now, release what is held, confirm it, or give it up.

Only operators, and who has the right to it on the cabinet of the batch; to others the batch is not there.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from sobank.domain.delivery import BatchState
from sobank.domain.roles import Action, scope_of
from sobank.domain.sink import Presence, Sink
from sobank.services.allow import role_of

if TYPE_CHECKING:
    from sobank.store.circuits import Circuits
    from sobank.store.ledger import Ledger

_NOT_STAGED: Final = frozenset({Presence.ABSENT, Presence.UNKNOWABLE})


def ask_again(ledger: Ledger, circuits: Circuits, batch_id: int, *, actor: str, reason: str, now: datetime) -> str:
    """A person asks for a try now: whatever keeps the connector of the batch alone is closed; its destination.

    Raises:
        NotFound: the actor has no such batch. NotAllowed: no right to it. ForbiddenTransition: it is final or held.
        LedgerError: no reason.
    """
    role = _role(ledger, batch_id, actor)
    ledger.note_retry(batch_id, actor=actor, role=role, reason=reason, now=now)
    batch = ledger.batch(batch_id)
    if batch.connector_id is not None:
        circuits.close(batch.connector_id, actor=actor, role=role, reason=reason, now=now)
    return batch.destination


def release_held(ledger: Ledger, sink: Sink, batch_id: int, *, actor: str, reason: str, now: datetime) -> None:
    """A person who has seen that the partner does not have it lets a held batch be sent.

    What is staged at the partner's stays the one thing that may be published. Where nothing is staged there, it is sent
    anew on this person's word: what is recorded but gone would be taken for delivered.

    Raises:
        NotFound: the actor has no such batch. NotAllowed: no right to it. ForbiddenTransition: it is not held.
        LedgerError: no reason. SinkError: the partner does not tell what is staged; nothing is decided.
    """
    role = _role(ledger, batch_id, actor)
    batch, forget = ledger.batch(batch_id), not sink.holds_staged
    if batch.state is BatchState.HELD and batch.staging is not None and not forget:
        forget = sink.probe(batch.outgoing, staging=batch.staging, now=now) in _NOT_STAGED
    ledger.release(batch_id, actor=actor, role=role, reason=reason, now=now, forget_staging=forget)


def reject_held(ledger: Ledger, sink: Sink, batch_id: int, *, actor: str, reason: str, now: datetime) -> None:
    """A person gives a held batch up; what was staged of it is removed after, so that nothing is left to publish.

    Raises:
        NotFound: the actor has no such batch. NotAllowed: no right to it. ForbiddenTransition: it is not held.
        LedgerError: no reason. SinkError: it is rejected, but its staging file could not be removed.
    """
    role = _role(ledger, batch_id, actor)
    ledger.reject(batch_id, actor=actor, role=role, reason=reason, now=now)
    _discard_staged(ledger, sink, batch_id)


def confirm_held(ledger: Ledger, sink: Sink, batch_id: int, *, actor: str, reason: str, now: datetime) -> None:
    """A person has seen that the partner has a held batch: it is delivered on this person's word, never sent again.

    Without this a batch whose answer was lost for good could only be sent twice or be set aside though it arrived.

    Raises:
        NotFound: the actor has no such batch. NotAllowed: no right to it. ForbiddenTransition: it is not held.
        LedgerError: no reason. SinkError: it is confirmed, but what was staged of it could not be removed.
    """
    role = _role(ledger, batch_id, actor)
    ledger.confirm(batch_id, actor=actor, role=role, reason=reason, now=now)
    _discard_staged(ledger, sink, batch_id)


def _role(ledger: Ledger, batch_id: int, actor: str) -> str:
    profile = ledger.profile(batch_id, user=scope_of(actor))
    return role_of(actor, profile, Action.DECIDE_DELIVERY, subject=f"batch:{batch_id}")


def _discard_staged(ledger: Ledger, sink: Sink, batch_id: int) -> None:
    batch = ledger.batch(batch_id)
    if batch.staging is not None:
        sink.discard(batch.outgoing, staging=batch.staging)
