"""`accounts list|add|associate|dissociate`: who is connected to what (A4–A9); `export`: a copy of statements (A11)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sobank.cli.mandates import dots
from sobank.cli.show import (
    AsJson,
    By,
    PageNumber,
    PageSize,
    SeenBy,
    a_day,
    as_json,
    out,
    page_document,
    page_title,
    problems,
    table,
)
from sobank.domain.iban import masked
from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, NotFound, RegistryError

if TYPE_CHECKING:
    from sobank.services.associate import AssociationReport, Selection
    from sobank.services.preview import Preview
    from sobank.store.registry_edit import RegistryEditor

app = typer.Typer(help="Accounts of cabinets, and the connector of each.", no_args_is_help=True)
Cabinet = Annotated[str, typer.Option(help="Code of the cabinet.")]
Ibans = Annotated[list[str] | None, typer.Argument(help="IBANs of the accounts; quote those with spaces.")]
OfDossier = Annotated[str | None, typer.Option("--dossier", help="All open accounts of the dossier of this reference.")]
Every = Annotated[bool, typer.Option("--all", help="All open accounts of the cabinet (tout associer).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]


def add_to(root: typer.Typer) -> None:
    """Add the group, and `export`, to the root."""
    root.command()(export)
    root.add_typer(app, name="accounts")


def _editor() -> RegistryEditor:
    from sobank.store.registry_edit import RegistryEditor
    from sobank.wiring import House

    return RegistryEditor(House.ready().database)


@app.command("list")
def list_(
    search: Annotated[str, typer.Option(help="Part of an IBAN, a company's name or a siret.")] = "",
    cabinet: Annotated[str | None, typer.Option(help="Code of the cabinet.")] = None,
    mandate: Annotated[str | None, typer.Option(help="A step, or none.")] = None,
    connector: Annotated[str | None, typer.Option(help="Name of a connector, or none (Aucun connecteur).")] = None,
    by: SeenBy = None,
    page: PageNumber = 1,
    size: PageSize = 50,
    json: AsJson = False,
) -> None:
    """List accounts: bank, company, dossier, mandate and connector."""
    from sobank.store.account_list import NO_CONNECTOR, AccountFilter, account_page
    from sobank.wiring import House

    wanted = AccountFilter(
        user=scope_of(by),
        search=search,
        cabinet=cabinet,
        mandate=mandate,
        connector=NO_CONNECTOR if connector == "none" else connector,
    )
    found = account_page(House.ready().database, wanted, page=page, size=size)
    if json:
        rows = [asdict(row) for row in found.rows]
        as_json(page_document("accounts", found, rows))
        return
    columns = ("IBAN", "", "bank", "company", "dossier", "siret", "cabinet", "mandate", "connector")
    table(
        page_title("Accounts", found),
        columns,
        [
            (
                row.iban, row.currency, row.bank_name, row.company, row.dossier, row.siret, row.cabinet,
                "closed" if row.closed else dots(row.mandate), row.connector or "none",
            )
            for row in found.rows
        ],
    )  # fmt: skip


@app.command()
def add(
    iban: Annotated[str, typer.Argument(help="IBAN of the account, spaces allowed.")],
    cabinet: Cabinet,
    dossier: Annotated[str, typer.Option(help="Reference of the dossier that owns it.")],
    by: By,
    currency: Annotated[str, typer.Option()] = "EUR",
    json: AsJson = False,
) -> None:
    """Register an account after checking its number, and start its mandate as draft (Ajouter un IBAN)."""
    from sobank.services.add_account import add_account
    from sobank.store.iban_check import checked_iban

    added = add_account(
        _editor(),
        cabinet=cabinet,
        dossier=dossier,
        iban=iban,
        currency=currency,
        check_iban=checked_iban,
        actor=by,
        now=datetime.now(UTC),
    )
    if json:
        found = {"account": added.id, "iban": added.iban, "currency": currency, "bank_name": added.bank_name}
        as_json(found | {"mandate": "draft", "claimed_by": added.claims})
        return
    bank = added.bank_name or "bank of unknown name"
    out.print(f"{masked(added.iban)} ({bank}) is account {added.id}; its mandate is draft", highlight=False)
    if added.claims > 1:
        problems.print("another cabinet has this account: its statements are set aside until one gives it up")


@app.command()
def associate(
    cabinet: Cabinet,
    connector: Annotated[str, typer.Option(help="Name of a connector on the cabinet.")],
    by: By,
    ibans: Ibans = None,
    dossier: OfDossier = None,
    every: Every = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Associate accounts with a connector, from their next statement on: all of them, or none if one is refused."""
    _change(_selection(cabinet, ibans, dossier, by=by, every=every), connector, by=by, dry_run=dry_run, json=json)


@app.command()
def dissociate(
    cabinet: Cabinet,
    by: By,
    ibans: Ibans = None,
    dossier: OfDossier = None,
    every: Every = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Give accounts no connector (Aucun connecteur): their next statements go into the global file."""
    _change(_selection(cabinet, ibans, dossier, by=by, every=every), None, by=by, dry_run=dry_run, json=json)


def _change(selection: Selection, connector: str | None, *, by: str, dry_run: bool, json: bool) -> None:
    from sobank.services.associate import associate as connect
    from sobank.services.associate import dissociate as disconnect
    from sobank.store.registry import Registry
    from sobank.wiring import House

    if dry_run:
        _foresee(selection, connector, by=by, json=json)
        return
    registry, now = Registry(House.ready().database), datetime.now(UTC)
    if connector is None:
        _tell(disconnect(registry, selection, actor=by, now=now), "without connector", json=json)
    else:
        _tell(connect(registry, selection, connector, actor=by, now=now), f"with {connector}", json=json)


def _selection(cabinet: str, ibans: list[str] | None, dossier: str | None, *, by: str, every: bool) -> Selection:
    from sobank.services.associate import Selection
    from sobank.services.preview import choose_accounts
    from sobank.store.iban_check import checked_iban

    if bool(ibans) + bool(dossier) + every != 1:
        raise ConfigurationError(
            "either IBANs, --dossier or --all says which accounts", remedy="give exactly one of the three"
        )
    if ibans:
        return choose_accounts(_editor(), cabinet=cabinet, ibans=ibans, check_iban=checked_iban, actor=by)
    return Selection(cabinet=cabinet, dossier=dossier)


def _foresee(selection: Selection, connector: str | None, *, by: str, json: bool) -> None:
    from sobank.services.preview import preview

    found = preview(_editor(), selection, connector, actor=by)
    if json:
        as_json(asdict(found) | {"changing": found.changing, "dry_run": True})
    else:
        for line in _sentences(found):
            out.print(line, highlight=False)
    if found.refused:
        raise typer.Exit(RegistryError.exit_code)


def _sentences(found: Preview) -> list[str]:
    said = [f"account {refusal.account}: {refusal.reason}; nothing would change" for refusal in found.refused]
    where = f"for {found.connector}" if found.connector else "for the global file"
    for name, count in sorted(found.leaving.items()):
        left = f"connector {name}" if name else "the global file"
        said.append(f"these {count} account(s) would leave {left} {where} from their next statement on")
    if found.waiting:
        said.append(f"{found.waiting} of them wait for their mandate first")
    if found.already:
        said.append(f"{found.already} are so already")
    if found.closed:
        said.append(f"{found.closed} closed account(s) stay as they are")
    if not found.global_file:
        said.append("every account of the cabinet would have a connector: there would be no global file any more")
    return said


def _tell(report: AssociationReport, what: str, *, json: bool) -> None:
    if json:
        as_json(asdict(report) | {"applied": report.applied})
    elif report.applied:
        out.print(f"{len(report.changed)} account(s) are now {what}; {len(report.already)} were already")
    else:
        for refusal in report.refused:
            problems.print(f"account {refusal.account}: {refusal.reason}", highlight=False)
        problems.print("nothing was changed: all or none")
    if not report.applied:
        raise typer.Exit(RegistryError.exit_code)


class Form(StrEnum):
    """The formats on demand (O1)."""

    CFONB120 = "cfonb120"
    CSV = "csv"
    CSV_EXCEL = "csv-excel"
    OFX = "ofx"
    CAMT053 = "camt053"
    PARQUET = "parquet"


def export(
    iban: Annotated[str, typer.Argument(help="IBAN of the account, spaces allowed.")],
    to: Annotated[Path, typer.Option("--to", help="File to write; it must not be there yet.")],
    by: By,
    form: Annotated[Form, typer.Option("--format")] = Form.CFONB120,
    first: Annotated[str | None, typer.Option("--from", help="First business day, YYYY-MM-DD.")] = None,
    last: Annotated[str | None, typer.Option("--until", help="Last business day, included.")] = None,
) -> None:
    """Write a copy of an account's statements, associated or not; the delivery ledger does not change (A11)."""
    from sobank.cli.new_file import new_file
    from sobank.formats.account_copy import write_copy
    from sobank.services.copy_statements import choose_copy, note_copy
    from sobank.store.account_statements import AccountStatements
    from sobank.wiring import House

    statements = AccountStatements(House.ready().database)
    since, until = a_day(first) if first else None, a_day(last) if last else None
    copy = choose_copy(statements, iban, first=since, last=until, actor=by)
    with new_file(to) as file:
        count = write_copy(statements.records(copy), form.value, file, country=copy.iban[:2])
        if not count:
            raise NotFound("no statement in these days", subject=masked(copy.iban), remedy="give other days, or none")
        # Before it has its name: what is noted and not there is a word too many, a copy without one would be hidden.
        note_copy(statements, copy, actor=by, form=form.value, now=datetime.now(UTC))
    out.print(f"{count} statements in {to}", highlight=False)
