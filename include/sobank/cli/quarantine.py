"""`quarantine list|show|release|reject`: statements set aside, and what a named person decides of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sobank.cli.legend import explain
from sobank.cli.show import AsJson, By, Why, as_json, out, table
from sobank.domain.money import decimal_text
from sobank.errors import ConfigurationError

if TYPE_CHECKING:
    from sobank.store.quarantine import Quarantine, SetAside

app = typer.Typer(help="Statements set aside, with their reasons.", no_args_is_help=True)
Ids = Annotated[list[int] | None, typer.Argument(help="Ids of statements, as `list` shows them.")]
OfReason = Annotated[str | None, typer.Option("--reason", help="All that have this reason.")]
OfCabinet = Annotated[str | None, typer.Option("--cabinet", help="All of this cabinet (code).")]


def _quarantine() -> Quarantine:
    from sobank.store.quarantine import Quarantine
    from sobank.wiring import House

    return Quarantine(House.ready().database)


def _every(found: Quarantine, reason: str | None, cabinet: str | None) -> list[SetAside]:
    rows: list[SetAside] = []
    while page := found.listed(reason=reason, cabinet=cabinet, after=rows[-1].statement_id if rows else 0):
        rows += page
    return rows


@app.command("list")
def list_(reason: OfReason = None, cabinet: OfCabinet = None, json: AsJson = False) -> None:
    """List what is set aside."""
    rows = _every(_quarantine(), reason, cabinet)
    if json:
        as_json([asdict(row) for row in rows])
        return
    columns = ("id", "account", "cabinet", "date", "entries", "file", "reasons")
    cells = [
        (r.statement_id, r.iban, r.cabinet, r.business_date, r.n_entries, r.bank_file, " ".join(r.reasons))
        for r in rows
    ]
    table(f"In quarantine: {len(rows)}", columns, cells, numbers=("id", "entries"))
    explain(code for row in rows for code in row.reasons)


@app.command()
def show(statement: int, json: AsJson = False) -> None:
    """Show one statement: balances, movements without their labels, and what is wrong."""
    found = _quarantine()
    row, amounts = found.shown(statement), found.amounts(statement)
    if json:
        moves = [{"seq": s, "booking_date": b, "value_date": v, "amount": a} for s, b, v, a in amounts]
        as_json(asdict(row) | {"entries": moves})
        return
    table(
        f"Statement {row.statement_id}, {row.iban}, cabinet {row.cabinet or 'unknown'}, file {row.bank_file}",
        ("#", "booked", "value", "amount"),
        [(seq, booked, valued, decimal_text(amount, row.decimals)) for seq, booked, valued, amount in amounts],
        numbers=("#", "amount"),
    )
    balances = [("opening", row.opening), ("Σ movements", row.sum), ("closing", row.closing)]
    if row.opening is not None and row.closing is not None:
        balances.append(("off by", row.closing - row.opening - row.sum))
    for name, amount in balances:
        shown = "unreadable" if amount is None else f"{decimal_text(amount, row.decimals)} {row.currency}"
        out.print(f"{name:>12} {shown}", highlight=False)
    out.print(f"Set aside since {row.since:%Y-%m-%d %H:%M} UTC: {', '.join(row.reasons)}", highlight=False)
    explain(row.reasons)


@app.command()
def release(
    by: By, why: Why, statements: Ids = None, reason: OfReason = None, cabinet: OfCabinet = None, json: AsJson = False
) -> None:
    """Let statements go to the next run, the reasons found so far waived; mandate and connector are looked at again."""
    found = _quarantine()
    chosen = _chosen(found, statements, reason, cabinet)
    _say("released", found.release(chosen, actor=by, why=why, now=datetime.now(UTC)), json=json)


@app.command()
def reject(
    by: By, why: Why, statements: Ids = None, reason: OfReason = None, cabinet: OfCabinet = None, json: AsJson = False
) -> None:
    """Decide that statements never leave."""
    found = _quarantine()
    chosen = _chosen(found, statements, reason, cabinet)
    _say("rejected", found.reject(chosen, actor=by, why=why, now=datetime.now(UTC)), json=json)


def _chosen(found: Quarantine, ids: list[int] | None, reason: str | None, cabinet: str | None) -> list[int]:
    if bool(ids) == bool(reason or cabinet):
        raise ConfigurationError(
            "either ids, or --reason and --cabinet, say which statements",
            remedy="name the ids that `sobank quarantine list` shows, or all of one reason",
        )
    chosen = ids or [row.statement_id for row in _every(found, reason, cabinet)]
    if not chosen:
        raise ConfigurationError("nothing in quarantine is like that", remedy="look at `sobank quarantine list`")
    return chosen


def _say(what: str, count: int, *, json: bool) -> None:
    as_json({what: count}) if json else out.print(f"{count} {what}")
