"""`connectors add|remove|cut`: put a connector on a cabinet and take it off, as a member of the cabinet (A2, A3)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.show import AsJson, By, Why, as_json, out, print_report

if TYPE_CHECKING:
    from sobank.services.connect import Added
    from sobank.store.registry import Registry
    from sobank.wiring import House

Cabinet = Annotated[str, typer.Option(help="Code of the cabinet.")]
Name = Annotated[str, typer.Argument(help="Name of the connector on the cabinet, such as fizen.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the group `connectors`."""
    app.command()(add)
    app.command()(remove)
    app.command()(cut)


def _registry(house: House) -> Registry:
    from sobank.store.registry import Registry

    return Registry(house.database)


def add(
    name: Name,
    cabinet: Cabinet,
    by: By,
    partner: Annotated[str | None, typer.Option(help="Code in the catalogue; the name if not given.")] = None,
    connection: Annotated[
        str | None, typer.Option(help="Id of the Airflow connection, sobank_<cabinet>_…; none: a folder.")
    ] = None,
    setting: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE, no secret; a VALUE in JSON is read as such. Repeatable.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Put a connector on a cabinet, test its connection, and offer the accounts to associate with it."""
    from sobank.services.connect import add_connector
    from sobank.services.connector_reach import settings_of
    from sobank.wiring import House

    house = House.ready()
    settings = settings_of(setting or [], subject="--setting")
    added = add_connector(
        _registry(house),
        cabinet=cabinet,
        partner=partner or name,
        name=name,
        partners=house.partners,
        check_encryption=house.encryption.check,
        sink=partial(
            house.sink,
            f"connector:{cabinet}/{name}",
            partner=partner or name,
            cabinet=cabinet,
            connection=connection,
            settings=settings,
        ),
        actor=by,
        now=datetime.now(UTC),
        connection=connection,
        settings=settings,
    )
    if json:
        as_json(_document(added))
    else:
        _print(added, by=by)
        if connection is None:
            out.print("without --connection its files go into a folder of this machine", highlight=False)


def _document(added: Added) -> dict[str, Any]:
    return {
        "connector": added.destination,
        "reachable": added.test.reachable,
        "capabilities": list(added.test.capabilities),
        "degraded": list(added.test.degraded),
        "accounts": added.accounts,
    }


def _print(added: Added, *, by: str) -> None:
    cabinet, _, name = added.destination.removeprefix("connector:").partition("/")
    works = "its connection works; nothing was sent" if added.test.reachable else "its connection FAILS"
    out.print(f"{added.destination} is on the cabinet; {works}", highlight=False)
    print_report(added.test)
    out.print(
        f"{added.accounts} account(s) may be associated with it:\n"
        f"  sobank accounts associate --cabinet {cabinet} --connector {name} --by {by} --all --dry-run",
        highlight=False,
    )


def remove(name: Name, cabinet: Cabinet, by: By, why: Why, json: AsJson = False) -> None:
    """Take a connector off a cabinet; refused while accounts or batches hang on it (`cut` takes the accounts off)."""
    from sobank.services.connect import delete_connector
    from sobank.wiring import House

    house = House.ready()
    delete_connector(_registry(house), cabinet=cabinet, name=name, actor=by, reason=why, now=datetime.now(UTC))
    destination = f"connector:{cabinet}/{name}"
    as_json({"removed": destination}) if json else out.print(f"{destination} is off the cabinet", highlight=False)


def cut(name: Name, cabinet: Cabinet, by: By, why: Why, json: AsJson = False) -> None:
    """Dissociate every account of a connector and take it off, in one transaction (couper entièrement)."""
    from sobank.services.connect import cut_connector
    from sobank.wiring import House

    house = House.ready()
    done = cut_connector(_registry(house), cabinet=cabinet, name=name, actor=by, reason=why, now=datetime.now(UTC))
    destination = f"connector:{cabinet}/{name}"
    if json:
        found = {"dissociated": list(done.accounts), "batches_to_withdraw": done.batches_to_withdraw}
        as_json({"removed": destination} | found)
        return
    out.print(
        f"{destination} is off the cabinet; {len(done.accounts)} account(s) have no connector now: their next"
        " statements go into the global file",
        highlight=False,
    )
    if done.batches_to_withdraw:
        out.print(f"{done.batches_to_withdraw} sealed batch(es) are withdrawn by the next run", highlight=False)
