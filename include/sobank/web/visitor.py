"""Who looks at a page: an Airflow user, and what of ours he may see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from sobank.domain.roles import Operator


class NotSignedIn(Exception):
    """Nobody, or nobody any more: no token, a forged one, an expired one."""


class ForeignOrigin(Exception):
    """A change asked for by a page of another site, or by one that does not say where it comes from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Visitor:
    """A signed-in user of Airflow, by the name under which he is a member of cabinets.

    operator: administers every cabinet, as Airflow's admins do.
    """

    name: str
    operator: bool = False

    @property
    def user(self) -> str | None:
        """The scope of what he reads: his name, or None for everything."""
        return None if self.operator else self.name

    @property
    def actor(self) -> str:
        """Who he is to the services, and in the audit trail."""
        return Operator(self.name) if self.operator else self.name


#: Says who asks; raises NotSignedIn.
Identify = Callable[[HTTPConnection], Awaitable[Visitor]]
