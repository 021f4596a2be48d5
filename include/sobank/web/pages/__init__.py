"""One module a page. Each has a `router`; a page is shown in the menu by a line in `navigation.py`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from sobank.web.pages import (
    accounts,
    add_account,
    associate,
    backfill,
    cabinets,
    choices,
    connectors,
    connectors_off,
    dashboard,
    dossiers,
    global_files,
    journal,
    members,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    accounts.router,
    add_account.router,
    associate.router,
    backfill.router,
    cabinets.router,
    choices.router,
    connectors.router,
    connectors_off.router,
    dashboard.router,
    dossiers.router,
    global_files.router,
    journal.router,
    members.router,
)
