"""What the database itself knows of its trace outside, so that one that was restored is told from one that is level."""

from __future__ import annotations

import sqlalchemy as sa

from sobank.store.schema.columns import metadata

lineage = sa.Table(
    "lineage",
    metadata,
    # One row. The number goes up when a restored database is reconciled; the trace has one folder for each.
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
)

departures = sa.Table(
    "departures",
    metadata,
    # Committed before the object of that token is written: an object without a row was written after the backup.
    sa.Column("token", sa.Text, primary_key=True),
)
