"""`reconcile`: bring a database that was restored from a backup level with what was sent and taken in since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, By, Why, as_json, out, table
from sobank.domain.delivery import BatchState
from sobank.services.ingest import ingest_file
from sobank.services.reconcile import Plan, look
from sobank.services.reconcile import reconcile as bring_level

if TYPE_CHECKING:
    from sobank.domain.trace import Intake, SealedBatch
    from sobank.wiring import House

_MEANS = {
    BatchState.DELIVERED: "has arrived: its receipt is taken over",
    BatchState.UNCERTAIN: "may have arrived: looked for at the partner's before anything else",
    BatchState.SEALED: "did not arrive: sent as it was sealed",
    BatchState.REJECTED: "was given up: its statements go to quarantine",
}


def add_to(app: typer.Typer) -> None:
    """Add this command to the root."""
    app.command()(reconcile)


def reconcile(
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only show what would be done.")] = False,
    by: By = "",
    why: Why = "",
    json: AsJson = False,
) -> None:
    """After a restore: take files in again and take up what left since the backup. Stop every worker first.

    Everybody may look; --apply is an operator's, who says why.
    """
    from sobank.wiring import House

    house = House.ready()
    plan = carry_out(house, by=by, why=why, now=datetime.now(UTC)) if apply else plan_of(house)
    if json:
        as_json(_document(plan) | {"applied": apply and not plan.level})
    elif plan.level:
        out.print("The database knows all that its trace tells: nothing to do.")
    else:
        _print(plan, applied=apply)


def plan_of(house: House) -> Plan:
    """What a database is behind of."""
    from sobank.store.reconciling import Reconciling

    return look(house.trace, Reconciling(house.database))


def carry_out(house: House, *, by: str, why: str, now: datetime) -> Plan:
    """Bring the database of a house level; see `services.reconcile`."""
    from sobank.store.reconciling import Reconciling

    parts = house.parts_to_reconcile()

    def take_in(intake: Intake) -> None:
        with house.archive.open(intake.sha256) as stream:
            outcome = ingest_file(intake.name, stream, parts, now=now)
        if outcome.refused:
            raise outcome.refused

    def statements_in(batch: SealedBatch) -> Sequence[bytes]:
        return house.read_sealed(house.spool.read(batch.plain_sha256 or batch.payload_sha256)).content_sha256

    return bring_level(
        house.trace, Reconciling(house.database), take_in=take_in, statements_in=statements_in, actor=by, reason=why,
        now=now,
    )  # fmt: skip


def _document(plan: Plan) -> dict[str, Any]:
    return {
        "level": plan.level,
        "files": [{"name": intake.name, "sha256": intake.sha256} for intake in plan.files],
        "batches": [
            {
                "destination": change.fate.departure.batch.destination,
                "business_date": change.fate.departure.batch.business_date,
                "seq": change.fate.departure.batch.seq,
                "object_name": change.fate.departure.batch.object_name,
                "statements": change.fate.departure.batch.n_statements,
                "before": change.before,
                "after": change.fate.state,
            }
            for change in plan.batches
        ],
        "unknown": list(plan.unknown),
    }


def _print(plan: Plan, *, applied: bool) -> None:
    done = "were" if applied else "would be"
    table(f"Files that {done} taken in again", ("file",), [(intake.name,) for intake in plan.files])
    rows = [
        (b.destination, b.business_date, b.object_name, b.n_statements, change.before or "not there", change.fate.state)
        for change in plan.batches
        for b in (change.fate.departure.batch,)
    ]
    columns = ("destination", "date", "file", "statements", "before", "after")
    table(f"Batches that {done} taken up", columns, rows, numbers=("statements",))
    for state, count in sorted(Counter(change.fate.state for change in plan.batches).items()):
        out.print(f"  {state}: {count} · {_MEANS[state]}", highlight=False)
    if plan.unknown:
        out.print(f"Not in the registry, import it first: {', '.join(plan.unknown)}", highlight=False)
    if applied:
        out.print("The database is level. Start the workers; decisions of people since the backup must be made again.")
    else:
        out.print("Nothing was changed. `sobank reconcile --apply --by NAME --why TEXT` does it.")
