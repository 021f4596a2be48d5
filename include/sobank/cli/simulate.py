"""`simulate bank|partners|faults`: a seeded world to run on, and partners on loopback that receive and misbehave."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sobank.cli.show import AsJson, a_day, as_json, out, table
from sobank.errors import ConfigurationError

if TYPE_CHECKING:
    from sobank.simulator.partners import Simulated

app = typer.Typer(help="Seeded worlds and partners for demonstrations and tests.", no_args_is_help=True)


def add_to(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="simulate")


@app.command()
def bank(
    folder: Annotated[Path, typer.Argument(help="Folder to fill; it must hold no world yet.")],
    first: Annotated[str, typer.Option("--from", help="First business day, YYYY-MM-DD.")],
    days: Annotated[int, typer.Option(help="Calendar days; banks send statements of Monday to Friday.")] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    cabinets: Annotated[int, typer.Option(help="Cabinets in all.")] = 5,
    accounts: Annotated[int, typer.Option(help="Accounts in all.")] = 60,
    entries: Annotated[int, typer.Option(help="Mean movements of a statement that has any.")] = 6,
    connectors: Annotated[
        Path | None,
        typer.Option(help="The connectors.json of `simulate partners`: connectors send to those; else into folders."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Write a registry, days of bank files shaped like So bank's own, and where every statement must end."""
    from sobank.simulator.bank import PARTNERS, simulate
    from sobank.simulator.connections import read_connectors

    reached = read_connectors(connectors) if connectors else {}
    world = simulate(
        folder, seed=seed, first_day=a_day(first), days=days, cabinets=cabinets, accounts=accounts, entries=entries,
        partners=tuple(reached) or PARTNERS, reached=reached,
    )  # fmt: skip
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
    out.print(
        f"  sobank init\n  sobank registry import {world.registry}\n  sobank ingest {world.inbox}", highlight=False
    )
    out.print(f"  sobank deliver --day {world.days[-1]}", highlight=False)


@app.command()
def partners(
    folder: Annotated[Path, typer.Argument(help="Inboxes, keys and connections; taken up again if it has them.")],
    only: Annotated[
        list[str] | None, typer.Option(help="Code of a partner; may be given again. All if not given.")
    ] = None,
    greedy: Annotated[list[str] | None, typer.Option(help="Code of a partner who takes files away at once.")] = None,
    script: Annotated[
        list[str] | None, typer.Option(help="CODE=FILE.jsonl: what he does wrong; see `simulate faults`.")
    ] = None,
    new_host_key: Annotated[
        list[str] | None, typer.Option(help="Code of a partner who shows another host key than the one pinned.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Of the first partner, the others after it; 0: as the last time.")
    ] = 0,
) -> None:
    """Start partner servers on loopback (SFTP, HTTPS, S3) and leave them open until Ctrl-C."""
    from sobank.simulator.serve_partners import served, told_to_end, wait_for_end

    with (
        told_to_end(),
        served(
            folder, only=only or (), greedy=greedy or (), scripts=_scripts(script or []),
            new_host_key=new_host_key or (), port=port,
        ) as there,
    ):  # fmt: skip
        _introduce(folder, there)
        wait_for_end()
    out.print("stopped", highlight=False)


@app.command()
def faults(json: AsJson = False) -> None:
    """List what each simulated partner can do wrong: a line of his script names an operation and a fault."""
    from sobank.simulator.partners import SEATS

    known = {code: seat.server_class for code, seat in SEATS.items()}
    listed = {
        code: {"on": sorted(server.operations), "do": sorted(fault.value for fault in server.faults)}
        for code, server in known.items()
    }
    if json:
        as_json(listed)
        return
    rows = [(code, ", ".join(one["on"]), ", ".join(one["do"])) for code, one in listed.items()]
    table("What the simulated partners can do wrong", ("partner", "on", "do"), rows)
    out.print('A script has a line for each, such as {"on": "rename", "do": "lose_answer", "times": 2}')


def _scripts(given: list[str]) -> dict[str, Path]:
    found = {}
    for text in given:
        code, equals, path = text.partition("=")
        if not equals:
            raise ConfigurationError(
                "is not CODE=FILE", subject=f"--script {text}", remedy="such as fizen=faults.jsonl"
            )
        found[code] = Path(path)
    return found


def _introduce(folder: Path, there: list[Simulated]) -> None:
    """Addresses, inboxes, and how to send to them; no secret."""
    from sobank.simulator.connections import CONNECTIONS, CONNECTORS, ENVIRONMENT
    from sobank.simulator.partners import CATALOGUE, SEATS

    rows = [(one.seat.code, one.seat.sink, one.where, one.seat.connection, one.server.inbox.folder) for one in there]
    table("Partners listen", ("partner", "sink", "address", "connection", "inbox"), rows)
    if "entrepot" not in {one.seat.code for one in there}:
        out.print(f"{SEATS['entrepot'].label} is left out: it needs moto, which requirements-dev.txt brings")
    lines = [
        f"Logins are in {ENVIRONMENT}, and in {CONNECTIONS} for `airflow connections import`: only you can read them.",
        "To send to them, in another terminal:",
        f"  export SOBANK_PRIVATE_PARTNERS=1 SOBANK_PARTNERS={folder.absolute() / CATALOGUE}",
        f"  set -a; . {folder.absolute() / ENVIRONMENT}; set +a",
        f"  sobank simulate bank world --from 2026-03-02 --connectors {folder.absolute() / CONNECTORS}",
        "Ready; Ctrl-C stops them.",
    ]
    for line in lines:
        out.print(line, highlight=False, soft_wrap=True)
