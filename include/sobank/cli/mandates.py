"""`mandates set|show`: the five steps of an account's mandate, each with its date (A9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, By, SeenBy, a_day, as_json, moment, out, table
from sobank.domain.day import BANK_ZONE
from sobank.domain.iban import masked
from sobank.domain.registry import ENDED_STEPS, MandateStep
from sobank.domain.roles import scope_of

if TYPE_CHECKING:
    from sobank.store.registry_edit import RegistryEditor

app = typer.Typer(help="Mandates of accounts.", no_args_is_help=True)
Iban = Annotated[str, typer.Argument(help="IBAN of the account, spaces allowed.")]
Cabinet = Annotated[str | None, typer.Option(help="Code of the cabinet, where two have the account.")]
Currency = Annotated[str | None, typer.Option(help="Where the account is in two currencies.")]
_PATH = tuple(step for step in MandateStep if step not in ENDED_STEPS)


def dots(step: MandateStep | None) -> str:
    """A step as five dots and its name: as many full ones as steps are done; a cross where the mandate ended."""
    if step is None:
        return "○○○○○ none"
    if step in ENDED_STEPS:
        return f"✗ {step}"
    done = _PATH.index(step) + 1
    return f"{'●' * done}{'○' * (len(_PATH) - done)} {step}"


def _editor() -> RegistryEditor:
    from sobank.store.registry_edit import RegistryEditor
    from sobank.wiring import House

    return RegistryEditor(House.ready().database)


@app.command("set")
def set_(
    iban: Iban,
    step: Annotated[MandateStep, typer.Argument(help="The step that was taken.")],
    by: By,
    on: Annotated[str | None, typer.Option("--date", help="Day of the step, YYYY-MM-DD; today if not given.")] = None,
    why: Annotated[str | None, typer.Option(help="Why; a step that ends the mandate needs it.")] = None,
    cabinet: Cabinet = None,
    currency: Currency = None,
    json: AsJson = False,
) -> None:
    """Take the next step of a mandate; the same step with another date corrects the date."""
    from sobank.services.step_mandate import step_mandate

    now = datetime.now(UTC)
    done = step_mandate(
        _editor(),
        iban=iban,
        step=step,
        on=a_day(on) if on else now.astimezone(BANK_ZONE).date(),
        actor=by,
        now=now,
        cabinet=cabinet,
        currency=currency,
        reason=why,
    )
    if json:
        found: dict[str, Any] = {"account": done.account, "cabinet": done.cabinet, "before": done.before}
        as_json(found | {"step": done.step, "since": done.since.isoformat(), "changed": done.changed})
        return
    since = f"since {done.since.astimezone(BANK_ZONE):%Y-%m-%d}"
    was = f"it was {done.before or 'not started'}" if done.changed else "as it was"
    out.print(f"{done.cabinet}, {masked(iban)}: {dots(done.step)} {since}; {was}", highlight=False)
    if done.step is MandateStep.APPROVED and done.changed:
        out.print("Statements that waited for it leave with the next run.")


@app.command()
def show(
    iban: Iban, cabinet: Cabinet = None, currency: Currency = None, by: SeenBy = None, json: AsJson = False
) -> None:
    """Show the mandate of an account, and the steps that the audit trail has."""
    from sobank.services.step_mandate import account_of

    with _editor().look() as change:
        account = account_of(change, iban, user=scope_of(by), cabinet=cabinet, currency=currency)
        steps = change.steps_taken(account.id)
    if json:
        now = {"step": account.step, "since": account.since and account.since.isoformat()}
        taken = [
            {"step": s.step, "since": s.since, "by": s.actor, "why": s.reason, "noted_at": s.at.isoformat()}
            for s in steps
        ]
        as_json(
            {"account": account.id, "cabinet": account.cabinet, "dossier": account.dossier} | now | {"steps": taken}
        )
        return
    since = f" since {moment(account.since)}" if account.since else ""
    out.print(
        f"{account.cabinet}, dossier {account.dossier}, {masked(account.iban)} {account.currency}:"
        f" {dots(account.step)}{since}",
        highlight=False,
    )
    rows = [(s.step, moment(datetime.fromisoformat(s.since)), s.actor, moment(s.at), s.reason) for s in steps]
    table("Steps", ("step", "since", "noted by", "noted at", "why"), rows)
