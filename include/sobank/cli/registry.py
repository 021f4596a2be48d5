"""`registry import|check`: who is connected to what."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from sobank.cli.show import AsJson, as_json, out, table

app = typer.Typer(help="Cabinets, dossiers, accounts, mandates, connectors and associations.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `import` a command of a group, even while it is alone."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Registry YAML.", exists=True, dir_okay=False)], json: AsJson = False
) -> None:
    """Bring the registry to what a file says, all or nothing; a second time changes nothing, nothing is deleted."""
    from sobank.services.register import register
    from sobank.store.iban_check import checked_iban
    from sobank.store.registry_file import read_registry_file
    from sobank.store.registry_import import RegistryImporter
    from sobank.wiring import House

    house = House.ready()
    report = register(
        RegistryImporter(house.database),
        read_registry_file(file),
        source=file.name,
        partners=house.partners,
        check_iban=checked_iban,
        check_encryption=house.encryption.check,
        now=datetime.now(UTC),
    )
    if json:
        as_json(
            {
                "created": report.created,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "warnings": report.warnings,
            }
        )
        return
    counts = (report.created, report.updated, report.unchanged)
    kinds = [kind for kind in report.created if any(part.get(kind) for part in counts)]
    rows = [(kind, *(part.get(kind, 0) for part in counts)) for kind in kinds]
    table(
        f"Registry from {file.name}",
        ("kind", "created", "updated", "unchanged"),
        rows,
        numbers=("created", "updated", "unchanged"),
    )
    for warning in report.warnings:
        out.print(f"warning: {warning}", highlight=False)
