"""The object store of the tests: moto's server behind a gate that can refuse every request, or keep some waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sobank.simulator.partner_s3 import S3Partner

BUCKET: Final = "sobank"
_SECONDS: Final = 300
_REFUSAL: Final = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>ServiceUnavailable</Code></Error>'
Matching = Callable[[str, str], bool]


class StoreHold:
    """Requests that match wait until `release`."""

    def __init__(self, matching: Matching) -> None:
        self.matching = matching
        #: by which ports of their own those who wait came to the server
        self.ports: set[int] = set()
        self._go = threading.Event()

    def release(self) -> None:
        """Let them go on, and all that come after them."""
        self._go.set()

    def wait_here(self, port: int) -> None:
        """In the server's thread, before the request is looked at."""
        self.ports.add(port)
        self._go.wait(_SECONDS)


class ObjectServer(S3Partner):
    """The store, while it is entered; it checks keys and signatures. refusing: whether it answers nothing but 503 now.

    refused: how often it did.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, bucket=BUCKET)
        self.refusing = False
        self.refused = 0
        self._holds: list[StoreHold] = []

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self.endpoint.rpartition(":")[2])

    @contextmanager
    def holding(self, matching: Matching) -> Iterator[StoreHold]:
        """Keep requests waiting for which `matching(method, path)`; they go on when the block ends at the latest."""
        hold = StoreHold(matching)
        self._holds.append(hold)
        try:
            yield hold
        finally:
            self._holds.remove(hold)
            hold.release()

    def _serve(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        for hold in list(self._holds):
            if hold.matching(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
                hold.wait_here(int(environ["REMOTE_PORT"]))
        if self.refusing:
            self.refused += 1
            start("503 Service Unavailable", [("Content-Type", "application/xml"), ("Connection", "close")])
            return [_REFUSAL]
        return super()._serve(environ, start)
