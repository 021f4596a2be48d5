"""The undecided statements of a day with the facts that decide them, and the route of each (D1–D4).

The rule itself is `domain.routing.route`; here it is asked once per distinct combination of facts and spread over the
rows, so that a day of a hundred thousand statements asks it a few dozen times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sobank.domain.registry import MandateStep
from sobank.domain.routing import ConnectorFact, Facts, Kind, route

#: One row a candidate: an undecided statement with `business_date` up to the day.
CANDIDATES = pa.schema(
    [
        ("statement_id", pa.int64()),
        ("business_date", pa.date32()),
        ("due_date", pa.date32()),
        ("opening_date", pa.date32()),
        ("n_entries", pa.int32()),
        ("n_records", pa.int32()),
        ("credit", pa.int64()),
        ("debit", pa.int64()),
        ("cabinet_id", pa.int32()),
        ("cabinet", pa.string()),
        ("mandate_id", pa.int32()),
        ("step", pa.string()),
        ("association_id", pa.int32()),
        ("connector_id", pa.int32()),
        ("connector", pa.string()),
        ("partner", pa.string()),
        ("connector_fact", pa.string()),
        ("account_closed", pa.int32()),
        ("cabinet_closed", pa.int32()),
        ("contested", pa.int32()),
    ]
)

#: Facts in force at the moment of the query. `:day` is the last business day taken.
CANDIDATES_FROM = """
      FROM undecided u
      JOIN statements s ON s.id = u.statement_id
      LEFT JOIN accounts a ON a.id = s.account_id
      LEFT JOIN cabinets c ON c.id = a.cabinet_id
      LEFT JOIN mandates m ON m.account_id = a.id AND m.current
      LEFT JOIN associations x ON x.account_id = a.id AND x."until" IS NULL
      LEFT JOIN connectors k ON k.id = x.connector_id
      LEFT JOIN (SELECT o.bban, o.currency
                   FROM accounts o JOIN cabinets oc ON oc.id = o.cabinet_id
                  WHERE o.closed_at IS NULL AND oc.closed_at IS NULL
                  GROUP BY o.bban, o.currency HAVING min(o.cabinet_id) < max(o.cabinet_id)) t
        ON t.bban = s.bban AND t.currency = s.currency
     WHERE s.business_date <= :day
"""
CANDIDATES_SQL = f"""
    SELECT s.id, s.business_date, s.due_date, s.opening_date, s.n_entries, s.n_records, s.credit, s.debit,
           a.cabinet_id, c.code, m.id, m.step, x.id, k.id, k.name, k.partner,
           CASE WHEN x.id IS NULL THEN '{ConnectorFact.NONE}'
                WHEN k.deleted_at IS NULL AND k.cabinet_id = a.cabinet_id THEN '{ConnectorFact.ON_CABINET}'
                ELSE '{ConnectorFact.MISSING}' END,
           CASE WHEN a.closed_at IS NULL THEN 0 ELSE 1 END, CASE WHEN c.closed_at IS NULL THEN 0 ELSE 1 END,
           CASE WHEN t.bban IS NULL THEN 0 ELSE 1 END
    {CANDIDATES_FROM}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Routed:
    """Candidates with their route, row by row: `kind` and `reason` are text arrays (`reason` empty unless quarantine).

    `destination` is `connector:<cabinet>/<name>` or `global:<cabinet>` where the kind is one of these, else empty.
    """

    candidates: pa.Table
    kind: np.ndarray
    reason: np.ndarray
    destination: pa.ChunkedArray

    @property
    def leaving(self) -> np.ndarray:
        """Mask of the statements of approved mandates that have a destination."""
        leaving: np.ndarray = np.isin(self.kind, [Kind.PARTNER, Kind.GLOBAL_FILE])
        return leaving


def routed(candidates: pa.Table) -> Routed:
    """Route every candidate by the facts in its row."""
    columns = {
        "step": candidates["step"].fill_null("none"),
        "connector": candidates["connector_fact"],
        "known": pc.is_valid(candidates["cabinet_id"]),
        "closed": candidates["account_closed"],
        "cabinet_closed": candidates["cabinet_closed"],
        "contested": candidates["contested"],
    }
    combinations, which = _distinct(list(columns.values()))
    routes = [
        route(
            Facts(
                mandate=None if step == "none" else MandateStep(step),
                connector=ConnectorFact(connector),
                account_known=known,
                account_closed=bool(closed),
                cabinet_closed=bool(cabinet_closed),
                claims=2 if contested else 1,
            )
        )
        for step, connector, known, closed, cabinet_closed, contested in combinations
    ]
    kind = np.array([str(r.kind) for r in routes], dtype=object)[which]
    reason = np.array([str(r.reason or "") for r in routes], dtype=object)[which]
    partner = pc.binary_join_element_wise(
        candidates["cabinet"].fill_null(""), candidates["connector"].fill_null(""), "/"
    )
    destination = pc.if_else(
        pa.array(kind == Kind.PARTNER),
        pc.binary_join_element_wise("connector:", partner, ""),
        pc.if_else(
            pa.array(kind == Kind.GLOBAL_FILE),
            pc.binary_join_element_wise("global:", candidates["cabinet"].fill_null(""), ""),
            "",
        ),
    )
    return Routed(candidates=candidates, kind=kind, reason=reason, destination=destination)


def _distinct(columns: list[pa.ChunkedArray]) -> tuple[list[tuple[Any, ...]], np.ndarray]:
    """The distinct rows of some columns of few values each, and for every row which of them it is."""
    code = np.zeros(len(columns[0]), np.int64)
    values = []
    for column in columns:
        encoded = column.combine_chunks().dictionary_encode()
        code = code * max(len(encoded.dictionary), 1) + encoded.indices.to_numpy(zero_copy_only=False)
        values.append(encoded)
    _, first, which = np.unique(code, return_index=True, return_inverse=True)
    return [tuple(column[int(row)].as_py() for column in values) for row in first], which
