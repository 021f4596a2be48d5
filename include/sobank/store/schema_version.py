"""Which schema this code needs, and whether a database is at it: asked by every job, so without Alembic's imports."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from sobank.errors import ConfigurationError
from sobank.store.database import Database

#: The newest migration; the name of each begins with its number.
NEWEST: Final = max(
    path.name.partition("_")[0] for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*_*.py")
)
#: Where Alembic notes what was applied last.
_VERSIONS: Final = sa.table("alembic_version", sa.column("version_num"))


def require_current(database: Database) -> None:
    """Refuse to work on a database of another schema.

    Raises:
        ConfigurationError: the schema is missing, older or newer than this code. DatabaseAway: it cannot be asked.
    """
    with database.read() as connection:
        there = sa.inspect(connection).has_table(_VERSIONS.name)
        found = connection.scalar(sa.select(_VERSIONS.c.version_num)) if there else None
    if found != NEWEST:
        raise ConfigurationError(
            f"the schema is at {found or 'nothing'}, this code needs {NEWEST}",
            subject=database.url.render_as_string(hide_password=True),
            remedy="run `sobank init`",
        )
