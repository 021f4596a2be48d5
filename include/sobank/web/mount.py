"""What the plugin hands to Airflow: an app that is built at its first request, in the API server alone.

Every process of Airflow loads plugins; the scheduler and the workers must not pay for pages that they never serve.
"""

from __future__ import annotations

import logging
import threading
from functools import cache

from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)


class Pages:
    """The pages as an ASGI app."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._built()(scope, receive, send)

    def _built(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                from sobank.web.airflow_runs import day_of_run
                from sobank.web.airflow_user import identify_with
                from sobank.web.app import build
                from sobank.wiring import House

                operators = House.from_environment().settings.operators
                self._app = build(cache(House.ready), identify_with(operators), run_day=day_of_run)
            return self._app
