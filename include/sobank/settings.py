"""What can be set, frozen. `sobank.wiring` is the only reader of the environment; everything else is handed this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Where things are and how much is taken at once.

    home: folder of everything that is ours on disk (SOBANK_HOME).
    database_url: SQLAlchemy URL of registry, statements and delivery ledger (SOBANK_DATABASE_URL).
    runs_url: the files that the tasks of one run hand to one another, `file:///folder` or `s3://bucket/prefix`.
    spool_url, archive_url: content-addressed stores of sealed payloads and of received files, by the same schemes.
    trace_url: what left and what came in, by the same schemes; never restored, on another disk than the database.
        "" is `trace` beside the spool.
    inbox: folder in which banks' files arrive. quiet_seconds: a file touched since is still being written.
    ready_at: Paris time on D+1 from which the run of D may start (DESIGN §5).
    lease_seconds: how long a claim on a batch is believed without news of its owner (DESIGN §6).
    chunk_bytes: how much of a bank file is read at once; memory of ingest is a small multiple of it.
    destinations_at_once: how many destinations one push serves side by side.
    shard_statements, shard_files: about how many statements, or global files, one task of a large day is given.
    shards_most: in how many shards a day is cut at the most, however large it is.
    private_partners: development only: partners may be on this machine or its network, and over plain http.
    partners: folder of further partners beside our own catalogue (A1); None where there are none.
    operators: names that administer every cabinet on the command line.
    """

    home: Path
    database_url: str
    runs_url: str
    spool_url: str
    archive_url: str
    inbox: Path
    trace_url: str = ""
    quiet_seconds: int = 30
    ready_at: time = time(13, 0)
    lease_seconds: int = 300
    chunk_bytes: int = 8 << 20
    destinations_at_once: int = 16
    shard_statements: int = 50_000
    shard_files: int = 1_000
    shards_most: int = 32
    private_partners: bool = False
    partners: Path | None = None
    operators: tuple[str, ...] = ()

    @property
    def global_files(self) -> Path:
        """Folder of the cabinets' global files, one folder a cabinet."""
        return self.home / "global"
