"""Bring our database to the newest schema, and say whether it is there (Alembic, `store/migrations`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from sobank.errors import ConfigurationError
from sobank.store.database import Database


def _configuration(database: Database | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if database is not None:
        config.attributes["engine"] = database.engine
    return config


@cache
def _newest() -> str | None:
    """The schema that this code needs; its migrations are files that a process reads once."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def upgrade(database: Database) -> None:
    """Apply every migration that the database has not seen yet; doing it twice is doing it once.

    Raises:
        DatabaseAway: there is no database to bring anywhere.
    """
    with database.read():
        pass  # Alembic opens its own connection, and would say it in its own words
    command.upgrade(_configuration(database), "head")


def require_current(database: Database) -> None:
    """Refuse to work on a database of another schema.

    Raises:
        ConfigurationError: the schema is missing, older or newer than this code. DatabaseAway: it cannot be asked.
    """
    newest = _newest()
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != newest:
        raise ConfigurationError(
            f"the schema is at {found or 'nothing'}, this code needs {newest}",
            subject=database.url.render_as_string(hide_password=True),
            remedy="run `sobank init`",
        )
