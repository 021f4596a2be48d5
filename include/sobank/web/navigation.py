"""The entries of the menu *So bank*, in Airflow's own and at the top of every page: a page is one line to add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

PREFIX: Final = "/sobank"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """A page of the menu. path: under the mount; name: as France reads it."""

    path: str
    name: str


NAVIGATION: Final = (
    Entry(path="/dashboard", name="Tableau de bord"),
    Entry(path="/cabinets", name="Cabinets"),
    Entry(path="/accounts", name="IBAN"),
    Entry(path="/dossiers", name="Clients"),
    Entry(path="/statements", name="Relevés"),
    Entry(path="/deliveries", name="Livraisons"),
    Entry(path="/quarantine", name="Quarantaine"),
    Entry(path="/diagnosis", name="Diagnostic"),
    Entry(path="/journal", name="Journal"),
)


def external_views() -> list[dict[str, Any]]:
    """What Airflow's plugin lists: every page under one category, and the deliveries on a DAG and on a run of it."""
    pages = [
        {
            "name": entry.name,
            "href": f"{PREFIX}{entry.path}",
            "destination": "nav",
            "category": "So bank",
            "url_route": f"sobank-{entry.path.strip('/')}",
        }
        for entry in NAVIGATION
    ]
    tabs = [
        {
            "name": "Livraisons",
            "href": f"{PREFIX}/deliveries/of-dag/{{DAG_ID}}",
            "destination": "dag",
            "url_route": "sobank-dag",
        },
        {
            "name": "Livraisons",
            "href": f"{PREFIX}/deliveries/of-dag/{{DAG_ID}}/runs/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "sobank-dag-run",
        },
    ]
    return pages + tabs
