"""How a connector may be reached by who puts it on a cabinet: the connection and the settings he may give (DESIGN §8).

An Airflow connection is somebody's access to a partner. Which cabinet it is for is said by its id, and only Airflow's
admins make connections: a member gives his connector one that is for his cabinet, everything else is an operator's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

from sobank.domain.roles import Operator
from sobank.errors import ConfigurationError, NotAllowed

#: What follows the prefix. Secrets backends make a path of an id: `..` and `/` would lead to another cabinet's.
_REST: Final = re.compile(r"[A-Za-z0-9_.-]{1,200}")


class ReachedPartner(Protocol):
    """A partner of the catalogue, as far as this looks at it."""

    @property
    def sink(self) -> str:
        """Kind of sink that its connections lead to."""
        ...


def own_prefix(cabinet: str) -> str:
    """What the ids of the connections of a cabinet begin with. Codes hold no `_`, so that none begins with another."""
    return f"sobank_{cabinet.lower()}_"


def require_own_reach(
    cabinet: str, partner: ReachedPartner, *, connection: str | None, settings: Mapping[str, Any], actor: str
) -> None:
    """Let a member name connections of the cabinet alone, and no folder of this machine; an operator names any.

    Raises:
        NotAllowed: the connection may be another cabinet's, or the folder anybody's. Whether it is there is not told.
    """
    if isinstance(actor, Operator):
        return
    prefix = own_prefix(cabinet)
    if connection is not None and not (
        connection.startswith(prefix) and _REST.fullmatch(connection.removeprefix(prefix))
    ):
        raise NotAllowed(
            f"only an operator may name a connection that is not {prefix} and letters, digits, `_`, `-` or `.`",
            subject=f"connection {connection}",
            remedy="ask an Airflow admin for a connection of the cabinet, or to add the connector",
        )
    if settings.get("folder") and (connection is None or partner.sink == "folder"):
        raise NotAllowed(
            "only an operator may choose a folder of this machine",
            subject="settings.folder",
            remedy="leave it out, which makes a folder for the cabinet, or ask an Airflow admin to add the connector",
        )


def settings_of(texts: Iterable[str], *, subject: str) -> dict[str, Any]:
    """Settings written as KEY=VALUE; a VALUE that is JSON is read as such.

    Raises:
        ConfigurationError: one has no key, or is nested without end. It may be a secret typed in the wrong place: the
            text is not repeated.
    """
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise ConfigurationError("is not KEY=VALUE", subject=subject, remedy="write it like folder=/in")
        try:
            found[key.strip()] = json.loads(value)
        except ValueError:
            found[key.strip()] = value.strip()
        except RecursionError:
            raise ConfigurationError("is nested too deep", subject=subject, remedy="write it like folder=/in") from None
    return found
