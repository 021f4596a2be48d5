"""`audit list|verify`: who changed what, and whether anybody touched the trail since (A13)."""

from __future__ import annotations

from dataclasses import asdict
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, SeenBy, a_day, as_json, moment, out, problems, table
from sobank.domain.day import between
from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, TrailBroken

if TYPE_CHECKING:
    from sobank.store.audit_trail import AuditRow, AuditTrail

app = typer.Typer(help="The audit trail: who changed what, chained by hash.", no_args_is_help=True)
_LIMIT = 100


def _trail() -> AuditTrail:
    from sobank.store.audit_trail import AuditTrail
    from sobank.wiring import House

    return AuditTrail(House.ready().database)


@app.command("list")
def list_(
    cabinet: Annotated[str | None, typer.Option(help="Only events of this cabinet (code).")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this person, worker or job did.")] = None,
    action: Annotated[str | None, typer.Option(help="connector.add, or connector for all of its kind.")] = None,
    subject: Annotated[str | None, typer.Option(help="Part of a subject: connector:CAB001/fizen, account:12.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day in Paris, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day in Paris, included.")] = None,
    by: SeenBy = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = _LIMIT,
    json: AsJson = False,
) -> None:
    """List events, the newest first."""
    begin, end = between(a_day(first) if first else None, a_day(until) if until else None)
    found = _trail().listed(
        cabinet=cabinet,
        actor=actor,
        action=action,
        subject=subject,
        first=begin,
        end=end,
        user=scope_of(by),
        limit=limit,
    )
    if json:
        as_json([asdict(row) | {"at": row.at.isoformat()} for row in found])
    else:
        columns = ("#", "when", "who", "role", "what", "to what", "before → after", "why")
        table("Audit events", columns, [_cells(row) for row in found], numbers=("#",))
    if len(found) == limit:
        problems.print(f"only the newest {limit}: narrow it, or raise --limit", highlight=False)


@app.command()
def verify(
    known: Annotated[
        list[str] | None,
        typer.Option(help="NUMBER:HASH as an earlier verification said it: shows a trail that was written anew."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Follow the chain of hashes. Exit code 9 where it breaks: names the first event changed, missing or inserted."""
    report = _trail().verify(known=dict(_noted(text) for text in known or ()))
    last = f"{report.events}:{report.hash.hex()}"
    if json:
        broken = report.broken and {
            "event": report.broken.event,
            "difference": report.broken.difference.value,
            "shows": report.broken.shows,
        }
        as_json({"holds": report.holds, "events": report.events, "last": last, "broken": broken})
    elif report.broken is None:
        out.print(f"The trail holds: {report.events} events, each as it was written.", highlight=False)
        out.print(f"Note this elsewhere, and give it back later as --known: {last}", highlight=False)
    else:
        out.print(
            f"The trail is broken at event {report.broken.event} ({report.broken.difference}): {report.broken.shows}.\n"
            f"The {report.events} events before it are as they were written.",
            highlight=False,
        )
    if not report.holds:
        raise typer.Exit(TrailBroken.exit_code)


def _cells(row: AuditRow) -> tuple[Any, ...]:
    change = " → ".join("nothing" if part is None else _short(part) for part in (row.before, row.after))
    shown = "" if row.before is None and row.after is None else change
    return row.id, moment(row.at), row.actor, row.role, row.action, row.subject, shown, row.reason


def _short(fields: dict[str, Any]) -> str:
    return ", ".join(
        f"{name}={value if isinstance(value, str) else dumps(value, ensure_ascii=False)}"
        for name, value in fields.items()
    )


def _noted(text: str) -> tuple[int, bytes]:
    number, _, digest = text.partition(":")
    try:
        found = int(number), bytes.fromhex(digest)
    except ValueError:
        found = 0, b""
    if found[0] < 1 or len(found[1]) != 32:
        raise ConfigurationError(
            "is not NUMBER:HASH", subject=text[:80], remedy="give it as `sobank audit verify` printed it"
        )
    return found
