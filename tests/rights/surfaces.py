"""What a surface is to the matrix, and which there are: one class each, registered here by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from sobank.domain.roles import Action
from tests.rights.command_line import CommandLine
from tests.rights.web import Api, Pages
from tests.rights.world import World


class Surface(Protocol):
    """A way in which a person acts, over a world that it may change.

    name: in the names of the tests. absent: actions that this surface does not offer, each with the reason; what is
    neither there nor tried is missing, and fails by its name.
    """

    name: ClassVar[str]
    absent: ClassVar[Mapping[Action, str]]

    def attempt(self, action: Action, user: str) -> bool:
        """Whether `user` (one of `world.USERS`) was let do it, in each way in which the surface offers it.

        For what only shows something: whether it was shown.

        Raises:
            LookupError: the surface has no way to do it. AssertionError: it was answered in a way that is neither yes
                nor a proper no, or one way said yes and another no.
        """


class MakesSurface(Protocol):
    """A class of surfaces, made over the world of one cell."""

    name: ClassVar[str]
    absent: ClassVar[Mapping[Action, str]]

    def __call__(self, world: World) -> Surface:
        """The surface over a world."""


SURFACES: dict[str, MakesSurface] = {made.name: made for made in (CommandLine, Api, Pages)}
