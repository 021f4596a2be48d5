"""`connectors list|test`: how each connector is reached, whether it is left alone, and whether its connection works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sobank.cli.batch_words import circuit_document, circuit_state, circuit_words, print_circuits
from sobank.cli.show import AsJson, AskedBy, SeenBy, as_json, moment, nearest, out, print_report, progress, table
from sobank.domain.roles import Action, may, scope_of
from sobank.errors import ConfigurationError, NotFound, SinkError

if TYPE_CHECKING:
    from sobank.services.connection_test import Tried
    from sobank.store.connector_list import ListedConnector
    from sobank.wiring import House

app = typer.Typer(help="Connectors of cabinets: their connections and circuits.", no_args_is_help=True)


def _house() -> House:
    from sobank.wiring import House

    return House.ready()


@app.command("list")
def list_(
    cabinet: Annotated[str | None, typer.Option(help="Only those of this cabinet (code).")] = None,
    by: SeenBy = None,
    json: AsJson = False,
) -> None:
    """List connectors: partner, sink, Airflow connection, batches that wait, and the circuit if one is open."""
    from sobank.store.connector_list import connectors_on
    from sobank.store.memberships import roles_of

    house = _house()
    found = connectors_on(house.database, cabinet=cabinet)
    if (user := scope_of(by)) is not None:
        theirs = roles_of(house.database, user)
        found = [connector for connector in found if connector.cabinet in theirs]
    if json:
        as_json([_document(house, connector) for connector in found])
        return
    columns = ("destination", "partner", "sink", "connection", "waiting", "circuit")
    rows = [
        (c.destination, c.partner, _sink(house, c), c.connection or "none", c.waiting or "", circuit_state(c.circuit))
        for c in found
    ]
    table("Connectors", columns, rows, numbers=("waiting",))
    print_circuits({c.destination: c.circuit for c in found if c.circuit})


@app.command("test")
def try_(
    connector: Annotated[str | None, typer.Argument(help="connector:CAB001/fizen, or CAB001/fizen.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Test every connector.")] = False,
    by: AskedBy = None,
    why: Annotated[str, typer.Option(help="Why; kept likewise.")] = "the connection test succeeded",
    json: AsJson = False,
) -> None:
    """Connect, look at what the server can do, send nothing. Closes an open circuit if it works, else exit code 7."""
    from sobank.services.connection_test import try_connection
    from sobank.store.circuits import Circuits

    house = _house()
    chosen = _chosen(house, connector, every=every, by=by)
    circuits = Circuits(house.database)

    def attempt(asked: tuple[ListedConnector, str | None]) -> Tried:
        one, role = asked
        return try_connection(
            one.id,
            partial(
                house.sink,
                one.destination,
                partner=one.partner,
                cabinet=one.cabinet,
                connection=one.connection,
                settings=one.settings,
            ),
            circuits, standing=one.circuit, actor=by or "connectors test", role=role, reason=why,
            now=datetime.now(UTC),
        )  # fmt: skip

    tried = list(_each(attempt, chosen, at_once=house.settings.destinations_at_once))
    if json:
        as_json([_document(house, one) | _outcome(found) for one, found in tried])
    elif every:
        _table(house, tried)
    else:
        _one(house, *tried[0])
    if not all(found.report.reachable for _, found in tried):
        raise typer.Exit(SinkError.exit_code)


def _chosen(
    house: House, wanted: str | None, *, every: bool, by: str | None
) -> list[tuple[ListedConnector, str | None]]:
    """The connectors to test, each with the role in which `by` asks; None where nobody is named.

    Raises:
        NotFound: there is none of that name on a cabinet of his. NotAllowed: his profile may test none of them.
    """
    from sobank.services.allow import role_of
    from sobank.store.connector_list import connectors_on
    from sobank.store.memberships import roles_of

    if every == bool(wanted):
        raise ConfigurationError("either a connector or --all says which", remedy="name one, such as CAB001/fizen")
    found = {connector.destination.partition(":")[2]: connector for connector in connectors_on(house.database)}
    profiles = {} if (user := scope_of(by)) is None else roles_of(house.database, user)
    if user is not None:
        found = {name: one for name, one in found.items() if one.cabinet in profiles}
    if wanted is not None:
        name = wanted.removeprefix("connector:")
        if name not in found:
            raise NotFound("there is no such connector", subject=wanted, remedy=nearest(name, found))
        found = {name: found[name]}
    elif user is not None:
        # All that he may test; where that is nothing, he is told so by the first that he may not.
        theirs = {name: one for name, one in found.items() if may(profiles[one.cabinet], Action.ADD_CONNECTOR)}
        found = theirs or found
    return [
        (one, by and role_of(by, profiles.get(one.cabinet), Action.ADD_CONNECTOR, subject=one.destination))
        for one in found.values()
    ]


def _each(
    attempt: Callable[[tuple[ListedConnector, str | None]], Tried],
    chosen: list[tuple[ListedConnector, str | None]],
    *,
    at_once: int,
) -> Iterator[tuple[ListedConnector, Tried]]:
    with progress() as bar, ThreadPoolExecutor(at_once) as pool:
        task = bar.add_task("test", total=len(chosen))
        for (one, _), found in zip(chosen, pool.map(attempt, chosen), strict=True):
            bar.update(task, description=one.destination, advance=1)
            yield one, found


def _table(house: House, tried: list[tuple[ListedConnector, Tried]]) -> None:
    rows = [
        (
            one.destination,
            _sink(house, one),
            "works" if found.report.reachable else "FAILS",
            "\n".join([*found.report.degraded, *_about_circuit(one, found)]),
        )
        for one, found in tried
    ]
    failed = sum(not found.report.reachable for _, found in tried)
    table(
        f"Connections: {len(tried) - failed} work, {failed} fail", ("destination", "sink", "connection", "said"), rows
    )


def _one(house: House, one: ListedConnector, found: Tried) -> None:
    works = "its connection works; nothing was sent" if found.report.reachable else "its connection FAILS"
    out.print(f"{one.destination} ({one.partner}, {_sink(house, one)}): {works}", highlight=False)
    print_report(found.report)
    for text in _about_circuit(one, found):
        out.print(f"  {text}", highlight=False)


def _about_circuit(one: ListedConnector, found: Tried) -> list[str]:
    if found.closed is not None:
        return [f"its circuit, open since {moment(found.closed.opened_at)}, is closed; {one.waiting} batch(es) wait"]
    return [f"left as it is: {circuit_words(one.circuit)}"] if one.circuit else []


def _sink(house: House, connector: ListedConnector) -> str:
    """Kind of sink; a connector without an Airflow connection puts files into a folder."""
    if connector.connection is None:
        return "folder"
    partner = house.partners.get(connector.partner)
    return partner.sink if partner else "not in the catalogue"


def _document(house: House, connector: ListedConnector) -> dict[str, Any]:
    return {
        "destination": connector.destination,
        "partner": connector.partner,
        "sink": _sink(house, connector),
        "connection": connector.connection,
        "waiting": connector.waiting,
        "circuit": circuit_document(connector.circuit),
    }


def _outcome(found: Tried) -> dict[str, Any]:
    report = found.report
    gone = {"circuit": None} if found.closed is not None else {}
    return gone | {
        "reachable": report.reachable,
        "capabilities": list(report.capabilities),
        "degraded": list(report.degraded),
        "closed_circuit": found.closed is not None,
    }
