"""Bring a database that was restored from a backup level with its trace, so that nothing leaves twice (ADR 0022).

Files that came since are taken in again under their names. Batches that may have left since are there again as they
were sealed, each in the state from which the protocol goes on by itself: what has arrived is delivered, what may have
is looked for at the partner's before anything else. Whatever else was decided since is decided anew by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sobank.domain.delivery import BatchState
from sobank.domain.roles import Action
from sobank.domain.trace import Fate, Intake, Known, SealedBatch, ended_alone, fates
from sobank.errors import LedgerError, RegistryError
from sobank.services.allow import operator_role, require_reason

if TYPE_CHECKING:
    from sobank.store.reconciling import Reconciling
    from sobank.store.trace import Trace


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One batch that the database is behind of; `known` is what it knows, None where it does not have the batch."""

    fate: Fate
    known: Known | None

    @property
    def before(self) -> BatchState | None:
        """The state in the database."""
        return self.known.state if self.known else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a database is behind of: files in the order in which they came, batches in that of their sealing.

    unknown: cabinets and connectors of these batches that the registry does not have.
    """

    level: bool
    files: tuple[Intake, ...] = ()
    batches: tuple[Change, ...] = ()
    unknown: tuple[str, ...] = ()


def look(trace: Trace, reconciling: Reconciling) -> Plan:
    """Compare the database with the whole of its trace; changes nothing."""
    if trace.is_level(whole=True):
        return Plan(level=True)
    records = trace.lost()
    files = trace.unknown_files(intake for record in records for intake in record.intakes)
    told = fates(records, reconciling.under_way(ended_alone(records)))
    known = reconciling.known([fate.departure.batch.idempotency_key for fate in told])
    changes = [Change(fate=fate, known=known.get(fate.departure.batch.idempotency_key)) for fate in told]
    changes = [change for change in changes if change.fate.is_news(change.known)]
    unknown = reconciling.unknown([change.fate.departure.batch for change in changes if change.known is None])
    return Plan(level=False, files=tuple(files), batches=tuple(changes), unknown=tuple(unknown))


def reconcile(
    trace: Trace,
    reconciling: Reconciling,
    *,
    take_in: Callable[[Intake], None],
    statements_in: Callable[[SealedBatch], Sequence[bytes]],
    actor: str,
    reason: str,
    now: datetime,
) -> Plan:
    """Carry out what `look` shows, and begin a new lineage; doing it again after a failure is safe.

    The lineages before are closed first: a worker that is still alive there either has written before, and is taken
    into account, or learns of it before it publishes.

    Args:
        take_in: takes a file in again from the archive. statements_in: SHA-256 of each statement in a sealed payload.
    Raises:
        LedgerError: no name or no reason is given; or database, spool and trace contradict one another.
        NotAllowed: the actor is no operator.
        RegistryError: the registry lacks a cabinet, a connector or an account of what was sent. Nothing has left the
            database level then, and nothing is sent.
    """
    require_reason(actor, reason, subject="reconcile", refusal=LedgerError)
    role = operator_role(actor, Action.RECONCILE)
    if trace.is_level(whole=True):
        return Plan(level=True)
    following = trace.close()
    plan = look(trace, reconciling)
    if plan.unknown:
        raise RegistryError(
            f"the registry of the backup lacks {len(plan.unknown)} of what was sent to since",
            subject=", ".join(plan.unknown[:10]),
            remedy="bring the registry up to date first (`sobank registry import`), then run this again",
        )
    for intake in plan.files:
        take_in(intake)
    with reconciling.change(actor=actor, role=role, reason=reason, now=now) as change:
        for each in plan.batches:
            batch = each.fate.departure.batch
            change.take_up(each.fate, each.known, statements_in(batch) if each.known is None else ())
        change.begin(following, files=len(plan.files), batches=len(plan.batches))
    trace.follow()
    return plan
