"""What the ledger writes into the trace: before anything may be published, and how it ended (ADR 0022)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from sobank.domain.delivery import FINAL_STATES, BatchState, Claim
from sobank.domain.ledger_step import Answer, Arrived, Claiming, Staged, Step
from sobank.domain.trace import Departure, End, Ending, Record, SealedBatch
from sobank.errors import LedgerError, SobankError
from sobank.store.ledger_rows import as_json
from sobank.store.registry import in_parts
from sobank.store.schema import batches, cabinets, connectors, departures, lineage

if TYPE_CHECKING:
    from sobank.store.trace import Trace

log = logging.getLogger(__name__)
_IDS: Final[sa.BindParameter[Any]] = sa.bindparam("ids", expanding=True)
_BATCHES: Final = sa.select(
    batches, cabinets.c.code.label("cabinet"), connectors.c.name.label("connector")
).select_from(
    batches.join(cabinets, cabinets.c.id == batches.c.cabinet_id).outerjoin(
        connectors, connectors.c.id == batches.c.connector_id
    )
)
_SEALED: Final = _BATCHES.where(batches.c.id.in_(_IDS))
#: All that an ending needs.
_KEYS: Final = sa.select(batches.c.id, batches.c.idempotency_key).where(batches.c.id.in_(_IDS))
_NUMBER: Final = sa.select(lineage.c.number)


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """What a transaction has noted: the record to write once it is committed, and the token that it knows it by."""

    token: str
    record: Record


class LedgerTrace:
    """The ledger's side of a trace; without one nothing is written."""

    def __init__(self, trace: Trace | None) -> None:
        self._trace = trace

    def require_lineage(self, connection: sa.Connection) -> None:
        """Refuse a process that began before the database was restored: its ids and fences are of another life.

        Raises:
            LedgerError: it is one.
        """
        if self._trace and connection.execute(_NUMBER).scalar_one() != self._trace.lineage:
            raise LedgerError(
                "this process began before the database was restored and reconciled",
                subject="lineage",
                remedy="end it and start it again; what it had under way is taken up by others",
            )

    def note(self, connection: sa.Connection, steps: Sequence[Step], answers: Sequence[Answer]) -> Noted | None:
        """What has to be written of steps before they are answered; departures are noted in their transaction.

        Whoever may publish is told so by one of two answers: that his staging is recorded, or a claim on a batch whose
        staging was recorded before. Both are departures.
        """
        leaving = {
            step.batch_id: which for step, answer in zip(steps, answers, strict=True) if (which := _may(step, answer))
        }
        arrived = [s for s, answer in zip(steps, answers, strict=True) if isinstance(s, Arrived) and _is_told(answer)]
        if self._trace is None or not (leaving or arrived):
            return None
        ids = [*leaving, *(step.batch_id for step in arrived)]
        query = _SEALED if leaving else _KEYS
        found = {row["id"]: row for row in connection.execute(query, {"ids": ids}).mappings()}
        record = Record(
            departures=tuple(
                Departure(batch=_sealed(found[id_]), fence=fence, staging=staging)
                for id_, (fence, staging) in leaving.items()
            ),
            endings=tuple(
                Ending(
                    idempotency_key=found[step.batch_id]["idempotency_key"], fence=step.fence, end=End.DELIVERED,
                    receipt=as_json(step.receipt),
                )
                for step in arrived
            ),
        )  # fmt: skip
        token = uuid.uuid4().hex
        if record.departures:
            connection.execute(sa.insert(departures).values(token=token))
        return Noted(token=token, record=record)

    def keep(self, noted: Noted | None, steps: Sequence[Step], answers: list[Answer], *, now: datetime) -> list[Answer]:
        """Write what was noted; the answers, an error in the place of each that would let somebody publish untraced.

        What has arrived stays arrived without its ending: after a restore it would be looked for at the partner's.
        """
        if self._trace is None or noted is None:
            return answers
        try:
            self._trace.write(noted.record, token=noted.token, now=now)
        except SobankError as error:
            log.error("the trace could not be written: %s", error)  # noqa: TRY400  the error says all there is to do
            return [error if _may(step, answer) else answer for step, answer in zip(steps, answers, strict=True)]
        return answers

    def ended(
        self, connection: sa.Connection, batch_id: int, end: End, *, now: datetime, by_person: bool = False
    ) -> None:
        """Write how a batch ended, before that is committed: untraced, it is not decided.

        Raises:
            StoreAway: it could not be written. LedgerError: this lineage is over.
        """
        if self._trace is None:
            return
        row = connection.execute(sa.select(batches).where(batches.c.id == batch_id)).one()
        ending = Ending(
            idempotency_key=row.idempotency_key, fence=row.fence, end=end, reason=row.reason, by_person=by_person,
            receipt=row.receipt if end is End.DELIVERED else None,
        )  # fmt: skip
        self._trace.write(Record(endings=(ending,)), token=uuid.uuid4().hex, now=now)


def _may(step: Step, answer: Answer) -> tuple[int, str] | None:
    """Fence and staging name of whoever may publish by this answer."""
    if isinstance(step, Staged) and answer is None:
        return step.fence, step.staging
    if isinstance(step, Claiming) and isinstance(answer, Claim) and answer.staging is not None:
        return answer.fence, answer.staging
    return None


def _is_told(answer: Answer) -> bool:
    return answer is BatchState.DELIVERED


def under_way(connection: sa.Connection, keys: Sequence[str]) -> dict[str, Departure]:
    """Batches that are not final, by idempotency key, as their departures would tell of them."""
    query = _BATCHES.where(batches.c.state.not_in(FINAL_STATES))
    return {
        row["idempotency_key"]: Departure(batch=_sealed(row), fence=row["fence"], staging=row["staging"])
        for part in in_parts(keys)
        for row in connection.execute(query.where(batches.c.idempotency_key.in_(part))).mappings()
    }


_TEXT: Final = ("payload_sha256", "plain_sha256")
_FIELDS: Final = tuple(field.name for field in fields(SealedBatch))


def _sealed(row: Mapping[Any, Any]) -> SealedBatch:
    values = {name: row[name] for name in _FIELDS}
    return SealedBatch(**values | {name: row[name].hex() if row[name] else None for name in _TEXT})


def as_row(batch: SealedBatch) -> dict[str, Any]:
    """The columns of `batches` that a sealed batch fills, but for those that refer to the registry."""
    values = {name: getattr(batch, name) for name in _FIELDS if name not in {"cabinet", "connector"}}
    return values | {name: bytes.fromhex(value) if (value := values[name]) else None for name in _TEXT}
