"""`cabinets list|show|edit|add`: accounting firms and what is told of them (A9, A13)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, By, PageNumber, PageSize, SeenBy, as_json, out, page_document, page_title, table
from sobank.domain.roles import scope_of
from sobank.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from sobank.services.edit_cabinet import Identity
    from sobank.store.registry_edit import RegistryEditor

app = typer.Typer(help="Cabinets and their identity.", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="Code of the cabinet: its client number.")]
Siret = Annotated[str | None, typer.Option(help="14 digits; empty takes it away.")]
Address = Annotated[str | None, typer.Option(help="Address, of one or more lines; empty takes it away.")]
Software = Annotated[
    list[str] | None, typer.Option("--software", help="A production software, once for each; empty takes all away.")
]


def _editor() -> RegistryEditor:
    from sobank.store.registry_edit import RegistryEditor
    from sobank.wiring import House

    return RegistryEditor(House.ready().database)


@app.command("list")
def list_(
    search: Annotated[str, typer.Option(help="Part of a code, a name or a siret.")] = "",
    by: SeenBy = None,
    page: PageNumber = 1,
    size: PageSize = 50,
    json: AsJson = False,
) -> None:
    """List cabinets with how many dossiers, accounts, connectors and members each has."""
    from sobank.store.cabinet_list import cabinets_seen
    from sobank.wiring import House

    found = cabinets_seen(House.ready().database, user=scope_of(by), search=search, page=page, size=size)
    if json:
        as_json(page_document("cabinets", found, [asdict(row) for row in found.rows]))
        return
    counts = ("dossiers", "accounts", "connectors", "members")
    rows = [
        (row.code, row.name, row.siret, *(getattr(row, count) for count in counts), "closed" if row.closed else "")
        for row in found.rows
    ]
    table(page_title("Cabinets", found), ("code", "name", "siret", *counts, ""), rows, numbers=counts)


@app.command()
def show(code: Code, by: SeenBy = None, json: AsJson = False) -> None:
    """Show what is told of a cabinet, and what it has."""
    from sobank.store.cabinet_list import cabinet_seen
    from sobank.wiring import House

    found = cabinet_seen(House.ready().database, code, user=scope_of(by))
    if found is None:
        raise NotFound("no such cabinet", subject=code, remedy="`sobank cabinets list` shows those that there are")
    if json:
        as_json(asdict(found))
        return
    told = asdict(found) | {"production_software": ", ".join(found.production_software)}
    table(f"Cabinet {code}", ("", "is"), [(key.replace("_", " "), told[key]) for key in told if key != "id"])


@app.command()
def edit(
    code: Code,
    by: By,
    name: Annotated[str | None, typer.Option(help="Raison sociale.")] = None,
    siret: Siret = None,
    address: Address = None,
    software: Software = None,
    json: AsJson = False,
) -> None:
    """Change what is told of a cabinet; what is not given stays as it is."""
    from sobank.services.edit_cabinet import edit_cabinet

    identity = _identity(name, siret, address, software)
    changed = edit_cabinet(_editor(), cabinet=code, identity=identity, actor=by, now=datetime.now(UTC))
    if json:
        as_json({"cabinet": code, "changed": changed})
        return
    what = ", ".join(part.replace("_", " ") for part in changed)
    out.print(f"{code}: {what} changed" if changed else f"{code} was so already", highlight=False)


@app.command()
def add(
    code: Code,
    name: Annotated[str, typer.Option(help="Raison sociale.")],
    by: By,
    siret: Siret = None,
    address: Address = None,
    software: Software = None,
    json: AsJson = False,
) -> None:
    """Register a cabinet; only an operator may. `members set` gives it its first administrateur."""
    from sobank.services.edit_cabinet import add_cabinet

    identity = _identity(name, siret, address, software)
    added = add_cabinet(_editor(), code=code, identity=identity, actor=by, now=datetime.now(UTC))
    if json:
        as_json({"id": added, "cabinet": code})
        return
    out.print(f"{code} is registered; `sobank members set` gives it members", highlight=False)


def _identity(name: str | None, siret: str | None, address: str | None, software: list[str] | None) -> Identity:
    from sobank.services.edit_cabinet import Identity

    told: dict[str, Any] = {"name": name, "siret": siret, "address": address}
    if software is not None:
        told["production_software"] = tuple(one for one in software if one.strip())
    if all(part is None for part in told.values()):
        raise ConfigurationError("nothing was told", remedy="give --name, --siret, --address or --software")
    return Identity(**told)
