"""An Airflow of loopback that knows which days have a run, and keeps who asked for what."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sobank.domain.day import BANK_ZONE, midnight


@dataclass
class PretendAirflow:
    """What the server answers; `refuses` is the status of every answer to a backfill that is to start."""

    ran: set[date] = field(default_factory=set)
    paused: bool = False
    under_way: int = 0
    refuses: int = 0
    tokens: set[str | None] = field(default_factory=set)
    started: list[tuple[date, date, str]] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and document."""
        if path == "/api/v2/dags/deliver_statements":
            return 200, {"is_paused": self.paused}
        if path == "/api/v2/backfills/dry_run":
            return 200, {"backfills": [{"logical_date": midnight(day).isoformat()} for day in self._days(body)]}
        if path == "/api/v2/backfills" and method == "GET":
            found = [{"completed_at": None}] * self.under_way
            return 200, {"backfills": found, "total_entries": len(found)}
        if path == "/api/v2/backfills":
            if self.refuses:
                return self.refuses, {"detail": "no"}
            self.started.append((_day(body["from_date"]), _day(body["to_date"]), body["reprocess_behavior"]))
            return 200, {"id": 7}
        return 404, {"detail": "not found"}

    def _days(self, body: dict[str, Any]) -> Iterator[date]:
        day = _day(body["from_date"])
        while day <= _day(body["to_date"]):
            if body["reprocess_behavior"] == "completed" or day not in self.ran:
                yield day
            day += timedelta(days=1)


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(BANK_ZONE).date()


@contextmanager
def pretend_airflow() -> Iterator[tuple[str, PretendAirflow]]:
    """Its address, and what it answers."""
    pretend = PretendAirflow()

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"null")
            pretend.tokens.add(self.headers.get("Authorization"))
            status, document = pretend.answer(self.command, self.path.partition("?")[0], body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        do_GET = do_PATCH = do_POST  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", pretend
        finally:
            server.shutdown()
            thread.join()
