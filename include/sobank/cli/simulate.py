"""`simulate bank`: a seeded world to run on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sobank.cli.show import AsJson, a_day, as_json, out, table

app = typer.Typer(help="Seeded worlds for demonstrations and tests.", no_args_is_help=True)


def add_to(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="simulate")


@app.callback()
def _group() -> None:
    """Keep `bank` a command of a group, even while it is alone."""


@app.command()
def bank(
    folder: Annotated[Path, typer.Argument(help="Folder to fill; it must hold no world yet.")],
    first: Annotated[str, typer.Option("--from", help="First business day, YYYY-MM-DD.")],
    days: Annotated[int, typer.Option(help="Calendar days; banks send statements of Monday to Friday.")] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    cabinets: int = 5,
    accounts: Annotated[int, typer.Option(help="Accounts in all.")] = 60,
    entries: Annotated[int, typer.Option(help="Mean movements of a statement that has any.")] = 6,
    json: AsJson = False,
) -> None:
    """Write a registry, days of bank files shaped like So bank's own, and where every statement must end."""
    from sobank.simulator.bank import simulate

    world = simulate(
        folder, seed=seed, first_day=a_day(first), days=days, cabinets=cabinets, accounts=accounts, entries=entries
    )
    if json:
        as_json(asdict(world))
        return
    where = sorted(world.destinations.items())
    table(
        f"Where the {world.statements} statements must end",
        ("destination", "statements"),
        where,
        numbers=("statements",),
    )
    out.print(f"{world.files} files in {world.inbox}; then:", highlight=False)
    out.print(f"  sobank registry import {world.registry}\n  sobank ingest {world.inbox}", highlight=False)
    out.print(f"  sobank deliver --day {world.days[-1]}", highlight=False)
