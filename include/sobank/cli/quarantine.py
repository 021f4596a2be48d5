"""`quarantine list|show|release|reject`: statements set aside, and what a named person decides of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from sobank.cli.legend import explain
from sobank.cli.show import (
    LARGEST_ID,
    AsJson,
    By,
    PageNumber,
    PageSize,
    SeenBy,
    Why,
    a_day,
    as_json,
    out,
    page_document,
    page_title,
    problems,
    table,
)
from sobank.domain.money import decimal_text
from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, RegistryError

if TYPE_CHECKING:
    from sobank.services.decide_quarantine import QuarantineReport
    from sobank.store.database import Database
    from sobank.store.quarantine_list import QuarantineSheet

app = typer.Typer(help="Statements set aside, with their reasons.", no_args_is_help=True)
Id = Annotated[int, typer.Argument(min=1, max=LARGEST_ID, help="Id of a statement, as `list` shows it.")]
Ids = Annotated[
    list[int] | None, typer.Argument(min=1, max=LARGEST_ID, help="Ids of statements, as `list` shows them.")
]
OfReason = Annotated[str | None, typer.Option("--reason", help="All that have this reason.")]
OfCabinet = Annotated[str | None, typer.Option("--cabinet", help="All of this cabinet (code).")]
OfDay = Annotated[str | None, typer.Option("--day", help="All of this business day, YYYY-MM-DD.")]


def _database() -> Database:
    from sobank.wiring import House

    return House.ready().database


@app.command("list")
def list_(
    reason: OfReason = None,
    cabinet: OfCabinet = None,
    day: OfDay = None,
    by: SeenBy = None,
    page: PageNumber = 1,
    size: PageSize = 50,
    json: AsJson = False,
) -> None:
    """List what is set aside."""
    from sobank.store.quarantine_list import QuarantineFilter, quarantine_page

    wanted = QuarantineFilter(user=scope_of(by), reason=reason, cabinet=cabinet, day=_day(day))
    found = quarantine_page(_database(), wanted, page=page, size=size)
    if json:
        as_json(page_document("statements", found, [asdict(row) for row in found.rows]))
        return
    columns = ("id", "account", "cabinet", "date", "entries", "file", "reasons")
    cells = [
        (r.statement_id, r.iban, r.cabinet, r.business_date, r.n_entries, r.bank_file, " ".join(r.reasons))
        for r in found.rows
    ]
    table(page_title("In quarantine", found), columns, cells, numbers=("id", "entries"))
    explain(code for row in found.rows for code in row.reasons)


@app.command()
def show(statement: Id, by: SeenBy = None, json: AsJson = False) -> None:
    """Show one statement: balances, movements without their labels, and what is wrong."""
    from sobank.store.quarantine_list import quarantine_sheet

    found = quarantine_sheet(_database(), statement, user=scope_of(by))
    if not json:
        _print(found)
        return
    moves = [
        {"seq": m.seq, "booking_date": m.booking_date, "value_date": m.value_date, "amount": m.amount}
        for m in found.movements
    ]
    also = {"off_by": found.statement.off_by, "errors": found.errors, "warnings": found.warnings}
    as_json(asdict(found.statement) | also | {"rivals": [asdict(r) for r in found.rivals], "entries": moves})


def _print(found: QuarantineSheet) -> None:
    row = found.statement
    table(
        f"Statement {row.statement_id}, {row.iban}, cabinet {row.cabinet or 'unknown'}, file {row.bank_file}",
        ("#", "booked", "value", "amount"),
        [(m.seq, m.booking_date, m.value_date, decimal_text(m.amount, row.decimals)) for m in found.movements],
        numbers=("#", "amount"),
    )
    if len(found.movements) < row.n_entries:
        out.print(f"the first {len(found.movements)} of {row.n_entries} movements", highlight=False)
    balances = [("opening", row.opening), ("Σ movements", row.sum), ("closing", row.closing)]
    if row.off_by is not None:
        balances.append(("off by", row.off_by))
    for name, amount in balances:
        shown = "unreadable" if amount is None else f"{decimal_text(amount, row.decimals)} {row.currency}"
        out.print(f"{name:>12} {shown}", highlight=False)
    for rival in found.rivals:
        out.print(
            f"the same with other content: statement {rival.statement_id}, {rival.status}, file {rival.bank_file}",
            highlight=False,
        )
    out.print(f"Set aside since {row.since:%Y-%m-%d %H:%M} UTC: {', '.join(row.reasons)}", highlight=False)
    explain(row.reasons)


@app.command()
def release(
    by: By,
    why: Why,
    statements: Ids = None,
    reason: OfReason = None,
    cabinet: OfCabinet = None,
    day: OfDay = None,
    json: AsJson = False,
) -> None:
    """Let statements go to the next run, the reasons found so far waived; mandate and connector are looked at again."""
    from sobank.services.decide_quarantine import release_statements

    _decide(release_statements, "released", statements, (reason, cabinet, day), by=by, why=why, json=json)


@app.command()
def reject(
    by: By,
    why: Why,
    statements: Ids = None,
    reason: OfReason = None,
    cabinet: OfCabinet = None,
    day: OfDay = None,
    json: AsJson = False,
) -> None:
    """Decide that statements never leave."""
    from sobank.services.decide_quarantine import reject_statements

    _decide(reject_statements, "rejected", statements, (reason, cabinet, day), by=by, why=why, json=json)


def _decide(
    verb: Callable[..., QuarantineReport],
    said: str,
    statements: list[int] | None,
    all_of: tuple[str | None, str | None, str | None],
    *,
    by: str,
    why: str,
    json: bool,
) -> None:
    """All of them in one transaction, or none if one is refused."""
    from sobank.store.quarantine import Quarantine

    database = _database()
    chosen = _chosen(database, statements, all_of, by=by)
    report = verb(Quarantine(database), chosen, actor=by, reason=why, now=datetime.now(UTC))
    if json:
        as_json({said: len(report.decided)} | asdict(report) | {"applied": report.applied})
    elif report.applied:
        out.print(f"{len(report.decided)} {said}")
    else:
        for refused in report.refused:
            problems.print(f"statement {refused.statement}: {refused.reason}", highlight=False)
        problems.print("nothing was changed: all or none")
    if not report.applied:
        raise typer.Exit(RegistryError.exit_code)


def _chosen(
    database: Database, ids: list[int] | None, all_of: tuple[str | None, str | None, str | None], *, by: str
) -> list[int]:
    from sobank.store.quarantine_list import QuarantineFilter, quarantine_ids

    if bool(ids) == any(all_of):
        raise ConfigurationError(
            "either ids, or --reason, --cabinet and --day, say which statements",
            remedy="name the ids that `sobank quarantine list` shows, or all of one reason",
        )
    reason, cabinet, day = all_of
    wanted = QuarantineFilter(user=scope_of(by), reason=reason, cabinet=cabinet, day=_day(day))
    chosen = ids or quarantine_ids(database, wanted)
    if not chosen:
        raise ConfigurationError("nothing in quarantine is like that", remedy="look at `sobank quarantine list`")
    return chosen


def _day(text: str | None) -> date | None:
    return a_day(text) if text else None
