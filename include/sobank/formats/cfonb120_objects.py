"""Tables that were read → domain statements, for other formats, single downloads and tests; not for the daily path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sobank.domain.statement import Detail, Entry, Statement
from sobank.formats.parsed import ENTRIES, Parsed

_ENTRY_FIELDS = [name for name in ENTRIES.names if name not in ("position", "seq", "details")]
_FIELDS = [name for name in Statement.__dataclass_fields__ if name not in ("entries", "country")]


def statements_of(parsed: Iterable[Parsed], *, released: bool = False) -> Iterator[Statement]:
    """Yield the statements of a file that have no error, repeated ones as often as they are there, in order.

    A complement without qualifier (blank, or the old layout) has an empty one. released: those too whose errors a
    person may waive, since balances and days were read.
    """
    for chunk in parsed:
        entries: dict[int, list[Entry]] = {}
        for row in chunk.entries.to_pylist():
            entries.setdefault(row["position"], []).append(_entry(row))
        for row in chunk.statements.select([*_FIELDS, "position", "errors"]).to_pylist():
            fields = {name: row[name] for name in _FIELDS}
            if not row["errors"] or (released and None not in fields.values()):
                yield Statement(**fields, entries=tuple(entries.get(row["position"], ())))


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(**{name: row[name] for name in _ENTRY_FIELDS}, details=details_from(row["details"]))


def details_from(text: str) -> tuple[Detail, ...]:
    """The complements of an entry from its `details` column: one line each, 3 characters of qualifier, then text."""
    return tuple(Detail(qualifier=line[:3].rstrip(" "), text=line[3:]) for line in text.split("\n") if line)
