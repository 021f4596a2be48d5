"""The JSON API, `/sobank/api/v1/…`: one module a resource, each with its `routes`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from sobank.web.api import accounts, audit, cabinets, connectors, deliveries, diagnosis, dossiers, openapi, quarantine

ROUTERS: Final[tuple[APIRouter, ...]] = tuple(
    module.routes
    for module in (accounts, audit, cabinets, connectors, deliveries, diagnosis, dossiers, openapi, quarantine)
)
