"""Stop a task at a known point: its transaction waits for a lock that the test holds, at the very row it writes.

The seam is PostgreSQL's own, a trigger that asks for an advisory lock. The product knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

_KEY = 20_060_219
_MAKE = """
CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({key}); RETURN NEW; END $$;
CREATE TRIGGER held BEFORE {event} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION held();
"""
_WAITING = """
SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND objid = %s AND NOT granted
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Where to stop. event: what is done to the table, `INSERT` or `UPDATE`; when: to which rows, in SQL."""

    table: str
    event: str
    when: str = "true"


class RowHold:
    """Whoever writes such a row waits until `release`."""

    def __init__(self, holder: psycopg.Connection[tuple[int]], watch: psycopg.Connection[tuple[int]]) -> None:
        self._holder = holder
        self._watch = watch

    @property
    def ports(self) -> set[int]:
        """By which ports of their own those who wait came to the server."""
        return {int(row[0]) for row in self._watch.execute(_WAITING, (_KEY,))}

    def release(self) -> None:
        """Let them go on, and all that come after them."""
        self._holder.rollback()


@contextmanager
def holding(url: str, row: Row) -> Iterator[RowHold]:
    """Hold everybody who writes such a row; nothing of it is left afterwards."""
    url = url.replace("+psycopg", "")
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watch:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", (_KEY,))
        watch.execute(_MAKE.format(key=_KEY, event=row.event, table=row.table, when=row.when))
        hold = RowHold(holder, watch)
        try:
            yield hold
        finally:
            hold.release()
            watch.execute(f"DROP TRIGGER held ON {row.table}")
