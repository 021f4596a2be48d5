"""The connectors of the cabinet of a path, and how pages and API reach one to test it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sobank.domain.roles import Action
from sobank.domain.sink import Sink
from sobank.errors import NotFound
from sobank.services.allow import role_of
from sobank.services.connection_test import Tried, try_connection
from sobank.store.circuits import Circuits
from sobank.store.connector_list import ListedConnector, connectors_on
from sobank.web.rights import Here


def on_cabinet(here: Here) -> list[ListedConnector]:
    """The connectors of the cabinet of the path, by name."""
    return connectors_on(here.house.database, cabinet=here.at)


def connector_of(here: Here, name: str) -> ListedConnector:
    """The connector of that name on the cabinet of the path.

    Raises:
        NotFound: there is none.
    """
    for connector in on_cabinet(here):
        if connector.name == name:
            return connector
    raise NotFound("no such connector", subject=name[:40], remedy="look for it in the list")


def sink_of(
    here: Here, name: str, *, partner: str, connection: str | None, settings: Mapping[str, Any]
) -> Callable[[], Sink]:
    """What makes the sink of a connector of the cabinet of the path.

    Airflow is asked anew: this process stays, and the connection may have been corrected since.
    """
    return partial(
        here.house.fresh().sink, f"connector:{here.at}/{name}", partner=partner, cabinet=here.at,
        connection=connection, settings=settings,
    )  # fmt: skip


def tried(here: Here, found: ListedConnector, *, reason: str) -> Tried:
    """A connection test; where it works, a circuit that stands for a fault is closed for `reason`.

    Raises:
        NotAllowed: the visitor may not test connectors of the cabinet.
    """
    sink = sink_of(here, found.name, partner=found.partner, connection=found.connection, settings=found.settings)
    return try_connection(
        found.id, sink, Circuits(here.house.database), standing=found.circuit, actor=here.visitor.actor,
        role=role_of(here.visitor.actor, here.profile, Action.ADD_CONNECTOR, subject=here.at), reason=reason,
        now=here.now,
    )  # fmt: skip
