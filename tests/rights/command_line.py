"""The command line as a surface: every command that takes `--by`, run as the real one, by the action that it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from unittest import mock

from typer.testing import CliRunner

from sobank.cli import app
from sobank.domain.iban import masked
from sobank.domain.roles import Action
from sobank.errors import RegistryError
from tests.builders import iban_of
from tests.rights.world import CUT, DRAFT, FREE, GUEST, HERE, OPERATOR, UNREGISTERED, World


@dataclass(frozen=True)
class Command:
    """A command without its `--by`. shows: what it prints where it is allowed, of one that never refuses to list.

    behind: it is run on a database that is behind of its trace.
    """

    arguments: tuple[str, ...]
    shows: str | None = None
    behind: bool = False


def command(*arguments: object, shows: str | None = None, behind: bool = False) -> Command:
    """A command of these words and numbers."""
    return Command(tuple(str(argument) for argument in arguments), shows, behind)


class CommandLine:
    """`sobank …` on the home and database of a world; operators are those of SOBANK_OPERATORS."""

    name: ClassVar[str] = "command line"
    absent: ClassVar[Mapping[Action, str]] = {
        Action.START_BACKFILL: "`sobank backfill` asks Airflow as SOBANK_AIRFLOW_USER: Airflow decides",
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._commands = commands(world)

    def attempt(self, action: Action, user: str) -> bool:
        """See `Surface.attempt`: refused is exit code 4, or a list without what was to be seen."""
        if action not in self._commands:
            raise LookupError(f"the {self.name} has no command for {action}")
        answers = {one.arguments: self._allowed(one, user) for one in self._commands[action]}
        assert len(set(answers.values())) == 1, answers
        return next(iter(answers.values()))

    def _allowed(self, one: Command, user: str) -> bool:
        if one.behind:
            self._world.house.trace.close()
        settings = self._world.house.settings
        environment = {
            "SOBANK_HOME": str(settings.home),
            "SOBANK_DATABASE_URL": settings.database_url,
            "SOBANK_OPERATORS": OPERATOR,
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SOBANK_")}
        with mock.patch.dict(os.environ, kept | environment, clear=True):
            result = CliRunner().invoke(app, [*one.arguments, "--by", user])
        if isinstance(result.exception, RegistryError):
            assert result.exception.exit_code == 4
            return False
        assert result.exit_code == 0, (one.arguments, result.output, result.exception)
        return one.shows is None or one.shows in result.stdout


def commands(world: World) -> dict[Action, tuple[Command, ...]]:
    """Every command by its action, each to be run once on the world, in this order."""
    here, why = ("--cabinet", HERE), ("--why", "asked the partner")
    first, second, third = world.held
    draft, free, cut = iban_of(DRAFT), iban_of(FREE), iban_of(CUT)
    return {
        Action.SEE: (
            command("accounts", "list", "--search", free, shows=free),
            command("cabinets", "list", shows=HERE),
            command("cabinets", "show", HERE),
            command("connectors", "list", "--json", shows=f"connector:{HERE}/fizen"),
            command("deliveries", "list", "--json", shows=f"connector:{HERE}/fizen"),
            command("deliveries", "show", first),
            command("diagnose", free, "--json", shows=f'"{HERE}"'),
            command("dossiers", "list", shows="Boulangerie"),
            command("mandates", "show", draft),
            command("members", "list", *here),
            command("quarantine", "list", shows=masked(free)),
            command("quarantine", "show", world.set_aside[0]),
        ),
        Action.SEE_AUDIT: (command("audit", "list", "--json", shows=f'"{HERE}"'),),
        Action.ADD_CONNECTOR: (
            command("connectors", "test", f"{HERE}/fizen"),
            command("connectors", "add", "inqom-2", "--partner", "inqom", *here),
        ),
        Action.DELETE_CONNECTOR: (command("connectors", "remove", "fizen-free", *here, *why),),
        Action.CUT_CONNECTOR: (command("connectors", "cut", "fizen-cut", *here, *why),),
        Action.ADD_ACCOUNT: (command("accounts", "add", iban_of(UNREGISTERED), *here, "--dossier", "D1"),),
        Action.ASSOCIATE: (
            command("accounts", "associate", free, *here, "--connector", "fizen-free", "--dry-run"),
            command("accounts", "associate", free, *here, "--connector", "fizen-free"),
        ),
        Action.DISSOCIATE: (
            command("accounts", "dissociate", cut, *here, "--dry-run"),
            command("accounts", "dissociate", cut, *here),
        ),
        Action.DOWNLOAD: (command("export", iban_of(1), "--to", world.house.settings.home / "copy.txt"),),
        Action.SET_MANDATE: (command("mandates", "set", draft, "signed"),),
        Action.DECIDE_QUARANTINE: (
            command("quarantine", "release", world.set_aside[0], *why),
            command("quarantine", "reject", world.set_aside[1], *why),
        ),
        Action.DECIDE_DELIVERY: (
            command("deliveries", "release", first, *why),
            command("deliveries", "confirm", second, *why),
            command("deliveries", "reject", third, *why),
            command("deliveries", "retry", world.sealed, *why),
        ),
        Action.RECONCILE: (command("reconcile", "--apply", *why, behind=True),),
        Action.ADD_DOSSIER: (command("dossiers", "add", "D9", "--name", "Garage", *here),),
        Action.ADD_CABINET: (command("cabinets", "add", "CAB009", "--name", "Cabinet Neuf"),),
        Action.EDIT_CABINET: (command("cabinets", "edit", HERE, "--name", "Cabinet Premier"),),
        Action.SET_MEMBER: (command("members", "set", "new", "collaborateur", *here),),
        Action.REMOVE_MEMBER: (command("members", "remove", GUEST, *here, *why),),
    }
