"""One module a page. Each has a `router`; a page is shown in the menu by a line in `navigation.py`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from sobank.web.pages import (
    account_sheet,
    account_statements,
    accounts,
    add_account,
    associate,
    backfill,
    batch,
    cabinets,
    choices,
    connectors,
    connectors_off,
    dag_tabs,
    dashboard,
    deliveries,
    diagnosis,
    dossiers,
    global_files,
    journal,
    members,
    quarantine,
    quarantine_statement,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    account_sheet.router,
    account_statements.router,
    accounts.router,
    add_account.router,
    associate.router,
    backfill.router,
    batch.router,
    cabinets.router,
    choices.router,
    connectors.router,
    connectors_off.router,
    dag_tabs.router,
    dashboard.router,
    deliveries.router,
    diagnosis.router,
    dossiers.router,
    global_files.router,
    journal.router,
    members.router,
    quarantine.router,
    quarantine_statement.router,
)
