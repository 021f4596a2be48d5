"""Tables of the registry, the statements and the delivery ledger (SQLAlchemy Core), the same on SQLite and PostgreSQL.

Money is BIGINT minor units, moments are UTC, days are plain dates. Rules that the schema itself holds are named by
their constraint: a partial unique index or a CHECK refuses what the services must never do.
"""

from sobank.store.schema.columns import UtcDateTime, metadata
from sobank.store.schema.ledger import allocations, attempts, batches, circuits
from sobank.store.schema.received import (
    bank_file_names,
    bank_files,
    duplicates,
    entries,
    quarantine,
    refusals,
    statements,
    undecided,
)
from sobank.store.schema.registry import (
    accounts,
    associations,
    audit_events,
    audit_head,
    cabinets,
    connectors,
    dossiers,
    mandates,
    memberships,
)
from sobank.store.schema.trace import departures, lineage

__all__ = [
    "UtcDateTime",
    "accounts",
    "allocations",
    "associations",
    "attempts",
    "audit_events",
    "audit_head",
    "bank_file_names",
    "bank_files",
    "batches",
    "cabinets",
    "circuits",
    "connectors",
    "departures",
    "dossiers",
    "duplicates",
    "entries",
    "lineage",
    "mandates",
    "memberships",
    "metadata",
    "quarantine",
    "refusals",
    "statements",
    "undecided",
]
