"""The JSON API, `/sobank/api/v1/…`: one module a resource, each with a `router`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

ROUTERS: Final[tuple[APIRouter, ...]] = ()
