"""How the command line shows things: tables for people on a terminal, JSON for programs, problems on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from sobank.domain.day import in_paris
from sobank.domain.proof import Proof
from sobank.domain.sink import ConnectionReport
from sobank.errors import ConfigurationError

#: Broken in two, the name of a destination can be neither read nor copied: other columns give way first.
_WHOLE = frozenset({"destination", "id"})
#: Into a file or a pipe a table is wide enough for file names and account numbers in one piece.
_WIDE = 160
#: The largest number that a row can have.
LARGEST_ID: Final = 2**63 - 1
#: No markup unless a print asks for it, and no emoji: a name, a hash or a reason that holds `[copie]` or `:100:` must
#: be shown as it is.
out = Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, emoji=False)
problems = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE, markup=False, emoji=False)

if TYPE_CHECKING:
    from sobank.store.listing import Page


def _actor(name: str | None) -> str | None:
    from sobank.wiring import House

    return None if name is None else House.from_environment().actor(name)


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables.")]
Day = Annotated[str, typer.Option(help="Business day, YYYY-MM-DD: the date of the closing balances.")]
By = Annotated[str, typer.Option(help="Who decides: a name; it is kept in the audit trail.", callback=_actor)]
SeenBy = Annotated[str | None, typer.Option("--by", help="Look as this user: at his cabinets only.", callback=_actor)]
AskedBy = Annotated[
    str | None,
    typer.Option("--by", help="Who asks, under his rights; not given: whoever runs this machine.", callback=_actor),
]
PageNumber = Annotated[int, typer.Option("--page", min=1, max=2**31 - 1, help="Which page, from 1 on.")]
PageSize = Annotated[int, typer.Option("--size", min=1, max=200, help="Rows of a page.")]
Why = Annotated[str, typer.Option(help="Why; it is kept in the audit trail.")]


def as_json(content: Any) -> None:
    """Print one JSON document, indented."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def json_line(content: Any) -> None:
    """Print one JSON document on one line, for commands that print several."""
    typer.echo(json.dumps(content, ensure_ascii=False, default=str))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """Print a table; the columns named in `numbers` are aligned to the right."""
    shown = Table()
    for column in columns:
        shown.add_column(
            column, justify="right" if column in numbers else "left", overflow="fold", no_wrap=column in _WHOLE
        )
    for row in rows:
        shown.add_row(*("" if cell is None else str(cell) for cell in row))
    if not shown.row_count:
        out.print(f"{title}: none", highlight=False)
        return
    out.print(title, style="bold", highlight=False)
    out.print(shown)


def page_title(what: str, found: Page[Any]) -> str:
    """The title of a table that shows one page; of a list that fits on one it is the count alone."""
    total = f"{what}: {'over ' if found.more else ''}{found.total}"
    return f"{total}, page {found.page} of {found.pages}" if found.pages > 1 else total


def page_document(key: str, found: Page[Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """One page for programs: its rows under `key`; `more` where the list is longer than `total` says."""
    return {"total": found.total, "more": found.more, "page": found.page, "size": found.size, key: rows}


def progress() -> Progress:
    """A progress bar on stderr, silent where stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=problems, transient=True, disable=not problems.is_terminal)


def a_day(text: str) -> date:
    """A day given as an argument.

    Raises:
        ConfigurationError: it is not written YYYY-MM-DD.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            "is not a day", subject=text, remedy="write it YYYY-MM-DD, such as 2026-03-02"
        ) from None


def moment(at: datetime | None) -> str:
    """A moment as people in France read it; empty where there is none. JSON keeps UTC."""
    return in_paris(at) if at else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """What to do about a name that is not known: the one that was meant, else those that there are."""
    names = sorted(known)
    if close := get_close_matches(word, names, n=1):
        return f"did you mean {close[0]}?"
    return f"choose one of {', '.join(names[:20])}{', …' if len(names) > 20 else ''}" if names else "there is none yet"


def print_report(report: ConnectionReport) -> None:
    """Print what a tested connection can do (+), and what cannot be promised with it or went wrong (!)."""
    for sign, texts in (("+", report.capabilities), ("!", report.degraded)):
        for text in texts:
            out.print(f"  {sign} {text}", highlight=False)


def proof(found: Proof) -> None:
    """Print the proof of a day, and last whether it holds and if not, why."""
    received = found.received
    table(
        f"Proof of {found.day}: {received.statements} statements in, {received.entries} entries,"
        f" credit {received.credit}, debit {received.debit} (minor units)",
        ("destination", "batches", "statements", "entries", "sum", "delivered", "pending"),
        [
            (d.destination, d.batches, d.statements, d.entries, d.sum, d.delivered, d.pending)
            for d in found.destinations
        ],
        numbers=("batches", "statements", "entries", "sum", "delivered", "pending"),
    )
    if found.quarantine:
        table(
            "Set aside",
            ("reason", "statements"),
            [(q.reason, q.statements) for q in found.quarantine],
            numbers=("statements",),
        )
    out.print(
        f"waiting for a mandate {found.waiting} · undecided {found.undecided} · missing {found.missing}"
        f" · doubled {found.doubled}",
        highlight=False,
    )
    for fault in found.faults:
        out.print(f"  {fault}")
    if found.holds:
        out.print("[bold green]The proof holds:[/] each statement is in exactly one place, to the cent.", markup=True)
    else:
        out.print("[bold red]The proof does not hold.[/] See docs/runbooks/deliver_statements.md.", markup=True)
