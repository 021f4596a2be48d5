"""Ours: each file staged, synced, read back, published by a rename that refuses to replace, and read back again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.child import Child


def main() -> None:
    """Send the files that `asked` names through the sink that partners get."""
    child = Child()
    with child.step("imports"):
        from sobank.domain.sink import Login, Outgoing, Reach
        from sobank.sinks.sftp import SftpSink

    asked, now = child.asked, datetime.now(UTC)
    paths = {file["sha256"]: Path(file["path"]) for file in asked["files"]}
    reach = Reach(
        destination="connector:BENCH/sftp",
        login=Login(
            host=asked["host"],
            port=asked["port"],
            user=asked["user"],
            extra={"private_key": asked["private_key"], "host_key": asked["host_key"]},
        ),
        settings={"folder": asked["folder"]},
        transport={"at_once": asked["at_once"]},
        remembers_days=None,
        folder=Path("/nonexistent"),
        payload=lambda sha256: paths[sha256].open("rb"),
        private=True,
    )
    sink = SftpSink.of(reach)

    def put(file: dict[str, Any]) -> None:
        path = paths[file["sha256"]]
        outgoing = Outgoing(
            object_name=path.name,
            idempotency_key=file["sha256"],
            sha256=file["sha256"],
            size=file["size"],
            n_statements=1,
        )
        with path.open("rb") as payload:
            staging = sink.stage(outgoing, payload, attempt=1, now=now)
        sink.publish(outgoing, staging=staging, again=False, now=now)

    with child.step("puts"), ThreadPoolExecutor(asked["threads"]) as pool:
        list(pool.map(put, asked["files"]))
    child.did(
        files=len(asked["files"]),
        bytes=sum(file["size"] for file in asked["files"]),
        durable="fsync",
        checked="SHA-256 read back before and after publishing",
        published="rename that refuses to replace",
    )


if __name__ == "__main__":
    main()
