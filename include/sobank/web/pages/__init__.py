"""One module a page. Each has a `router`; a page is shown in the menu by a line in `navigation.py`."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from sobank.web.pages import journal

ROUTERS: Final[tuple[APIRouter, ...]] = (journal.router,)
