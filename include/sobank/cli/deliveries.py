"""`deliveries list|show|release|reject`: batches under way, and those that wait for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, By, Why, a_day, as_json, out, table
from sobank.domain.delivery import Batch

if TYPE_CHECKING:
    from sobank.wiring import House

app = typer.Typer(help="Batches of the delivery ledger.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(help="Id of a batch, as `list` shows it.")]


def _house() -> House:
    from sobank.wiring import House

    return House.ready()


@app.command("list")
def list_(
    until: Annotated[str | None, typer.Option(help="Last business day, YYYY-MM-DD.")] = None, json: AsJson = False
) -> None:
    """List the batches that have not arrived, been rejected or been cancelled."""
    found = _house().ledger.open_batches(until=a_day(until) if until else None)
    if json:
        as_json([_row(batch) for batch in found])
        return
    columns = ("id", "destination", "date", "seq", "state", "statements", "file")
    table(
        "Batches under way", columns, [tuple(_row(b).values())[:7] for b in found], numbers=("id", "seq", "statements")
    )


@app.command()
def show(batch: Id, json: AsJson = False) -> None:
    """Show one batch, whatever its state."""
    row = _row(_house().ledger.batch(batch))
    if json:
        as_json(row)
        return
    for name, value in row.items():
        out.print(f"{name:>16} {value}", highlight=False, markup=False)


@app.command()
def release(batch: Id, by: By, why: Why) -> None:
    """Let a held batch be sent: you have seen that the partner does not have it."""
    from sobank.services.held import release_held

    house = _house()
    sink = house.sink_of(house.ledger.batch(batch))
    release_held(house.ledger, sink, batch, actor=by, role=None, reason=why, now=datetime.now(UTC))
    out.print(f"batch {batch} is sealed again; the next run sends it")


@app.command()
def reject(batch: Id, by: By, why: Why) -> None:
    """Give a held batch up: its statements go to quarantine, and what was staged of it is removed."""
    from sobank.services.held import reject_held

    house = _house()
    sink = house.sink_of(house.ledger.batch(batch))
    reject_held(house.ledger, sink, batch, actor=by, role=None, reason=why, now=datetime.now(UTC))
    out.print(f"batch {batch} is rejected; its statements are in quarantine")


def _row(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "destination": batch.destination,
        "business_date": batch.business_date,
        "seq": batch.seq,
        "state": batch.state.value,
        "statements": batch.outgoing.n_statements,
        "file": batch.outgoing.object_name,
        "entries": batch.n_entries,
        "credit": batch.credit,
        "debit": batch.debit,
        "size": batch.outgoing.size,
        "sha256": batch.outgoing.sha256,
    }
