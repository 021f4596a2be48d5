"""How the simulated partners are reached, as files: Airflow connections, and the settings of connectors to them.

`connections.json` is what `airflow connections import` takes, `connections.env` what a shell takes (`set -a`), and
`connectors.json` what `simulate bank --connectors` takes. The first two hold secrets: only their owner reads them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sobank.domain.sink import Login
from sobank.errors import ConfigurationError
from sobank.simulator.private_file import write_private

CONNECTIONS: Final = "connections.json"
ENVIRONMENT: Final = "connections.env"
CONNECTORS: Final = "connectors.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reached:
    """What a connector says of its partner: the name of an Airflow connection, and settings without secrets."""

    connection: str
    settings: Mapping[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A partner's server: his code, how a connector names it, and the Airflow connection behind that name."""

    partner: str
    reached: Reached
    conn_type: str
    login: Login

    @property
    def connection(self) -> dict[str, Any]:
        """The Airflow connection, as JSON has it; with its secrets."""
        found = {
            "conn_type": self.conn_type,
            "host": self.login.host,
            "port": self.login.port,
            "login": self.login.user,
            "password": self.login.password,
            "extra": dict(self.login.extra),
        }
        return {name: value for name, value in found.items() if value not in (None, {}, "")}


def environment(addresses: Iterable[Address]) -> dict[str, str]:
    """Variables by which every process of an Airflow, and ours beside it, knows the connections."""
    return {f"AIRFLOW_CONN_{one.reached.connection.upper()}": json.dumps(one.connection) for one in addresses}


def write_connections(folder: Path, addresses: Iterable[Address]) -> None:
    """Write the three files into `folder`, each whole or as it was before."""
    there = list(addresses)
    connections = {one.reached.connection: one.connection for one in there}
    write_private(folder / CONNECTIONS, json.dumps(connections, indent=2) + "\n")
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in environment(there).items()]
    write_private(folder / ENVIRONMENT, "".join(lines))
    connectors = {
        one.partner: {"connection": one.reached.connection, "settings": dict(one.reached.settings)} for one in there
    }
    write_private(folder / CONNECTORS, json.dumps(connectors, indent=2) + "\n")


def read_connectors(path: Path) -> dict[str, Reached]:
    """How a connector of each partner is set up, by partner code.

    Raises:
        ConfigurationError: the file is missing or is not such a file.
    """
    try:
        tree = json.loads(path.read_text("utf-8"))
        return {
            str(code): Reached(connection=str(one["connection"]), settings=dict(one["settings"]))
            for code, one in tree.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationError(
            f"does not say how partners are reached ({type(error).__name__})",
            subject=str(path),
            remedy=f"give the {CONNECTORS} that `sobank simulate partners` wrote",
        ) from None
