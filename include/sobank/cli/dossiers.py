"""`dossiers list|add`: the client companies of cabinets (A6, A9)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from sobank.cli.show import AsJson, By, PageNumber, PageSize, SeenBy, as_json, out, page_document, page_title, table
from sobank.domain.roles import scope_of

app = typer.Typer(help="Dossiers: the client companies of cabinets.", no_args_is_help=True)


@app.command("list")
def list_(
    cabinet: Annotated[str | None, typer.Option(help="Only those of this cabinet (code).")] = None,
    search: Annotated[str, typer.Option(help="Part of a company's name, a reference or a siret.")] = "",
    by: SeenBy = None,
    page: PageNumber = 1,
    size: PageSize = 50,
    json: AsJson = False,
) -> None:
    """List dossiers with how many accounts each has, and how many of those are associated."""
    from sobank.store.dossier_list import dossiers_seen
    from sobank.wiring import House

    found = dossiers_seen(
        House.ready().database, user=scope_of(by), cabinet=cabinet, search=search, page=page, size=size
    )
    if json:
        as_json(page_document("dossiers", found, [asdict(row) for row in found.rows]))
        return
    columns = ("cabinet", "reference", "company", "siret", "accounts", "associated")
    rows = [(row.cabinet, row.reference, row.name, row.siret, row.accounts, row.associated) for row in found.rows]
    table(page_title("Dossiers", found), columns, rows, numbers=columns[4:])


@app.command()
def add(
    reference: Annotated[str, typer.Argument(help="Reference of the dossier, new on its cabinet.")],
    cabinet: Annotated[str, typer.Option(help="Code of the cabinet.")],
    name: Annotated[str, typer.Option(help="Name of the company.")],
    by: By,
    siret: Annotated[str, typer.Option(help="14 digits, if known.")] = "",
    json: AsJson = False,
) -> None:
    """Register a client company; `accounts add` gives it accounts."""
    from sobank.services.add_dossier import add_dossier
    from sobank.store.registry_edit import RegistryEditor
    from sobank.wiring import House

    added = add_dossier(
        RegistryEditor(House.ready().database),
        cabinet=cabinet,
        reference=reference,
        name=name,
        siret=siret,
        actor=by,
        now=datetime.now(UTC),
    )
    if json:
        as_json({"cabinet": cabinet} | asdict(added))
        return
    out.print(f"{cabinet} has the dossier {added.reference} ({added.name})", highlight=False)
