"""Bring our database to the newest schema (Alembic, `store/migrations`)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

from sobank.store.database import Database


def configuration(database: Database) -> Config:
    """What Alembic's commands ask for: our migrations, and the database they are for."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["engine"] = database.engine
    return config


def upgrade(database: Database) -> None:
    """Apply every migration that the database has not seen yet; doing it twice is doing it once.

    Raises:
        DatabaseAway: there is no database to bring anywhere.
    """
    with database.read():
        pass  # Alembic opens its own connection, and would say it in its own words
    command.upgrade(configuration(database), "head")
