"""What is in a file, without storing it: each statement with its balance, each refused record with its reason (S1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sobank.domain.statement import Counts
from sobank.formats.parsed import Parsed

_SHOWN = (
    "iban", "bank", "branch", "account", "currency", "decimals", "opening_date", "closing_date", "opening", "closing",
    "balanced", "duplicate_of",
)  # fmt: skip
GAP = "gap"


def inspected(chunks: Iterable[Parsed]) -> dict[str, Any]:
    """`records`, `statements` and `refused` of a file as plain values; amounts in minor units, days `YYYY-MM-DD`.

    `duplicate_of` is the 0-based place, in `statements`, of the first statement with the same records. A statement
    that does not begin where the one before it on its account ended carries the warning `gap` (S9).
    """
    counts, statements, refused = Counts(), [], []
    for chunk in chunks:
        counts += chunk.counts
        statements += [_statement(row) for row in chunk.statements.to_pylist()]
        refused += chunk.refusals.to_pylist()
    _mark_gaps(statements)
    return {
        "records": {name: getattr(counts, name) for name in ("total", "parsed", "blank", "refused")},
        "statements": statements,
        "refused": refused,
    }


def _statement(row: dict[str, Any]) -> dict[str, Any]:
    found = {name: row[name] for name in _SHOWN}
    for name in ("opening_date", "closing_date"):
        found[name] = row[name].isoformat() if row[name] else None
    return found | {
        "entries": row["n_entries"],
        "sum": row["credit"] + row["debit"],
        "warnings": row["warnings"].split(),
        "errors": row["errors"].split(),
    }


def _mark_gaps(statements: list[dict[str, Any]]) -> None:
    readable = [s for s in statements if s["closing"] is not None and s["opening"] is not None]
    readable = [s for s in readable if s["opening_date"] and s["closing_date"] and s["duplicate_of"] is None]
    last: dict[tuple[str, ...], int] = {}
    for statement in sorted(readable, key=lambda s: (s["opening_date"], s["closing_date"])):
        account = tuple(statement[name] for name in ("bank", "branch", "account", "currency"))
        if last.get(account, statement["opening"]) != statement["opening"]:
            statement["warnings"].append(GAP)
        last[account] = statement["closing"]
