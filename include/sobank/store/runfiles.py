"""The files that the tasks of one run hand to one another: Arrow IPC on storage that every worker sees.

XCom carries a small JSON reference to the folder; rows never pass through it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from sobank.errors import ConfigurationError


class RunFiles:
    """Folder of one run of one business day. Writing a file again replaces it whole."""

    def __init__(self, root: Path, *, day: date, run: str) -> None:
        if not run or Path(run).name != run or run.startswith("."):
            raise ConfigurationError(
                "not a run key that can name a folder", subject=run[:80], remedy="use letters and -"
            )
        self.day = day
        self.run = run
        self.folder = root / day.isoformat() / run

    def write(self, name: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
        """Write rows as `<name>.arrow` and return how many there were."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        aside, rows = self.folder / f".{name}.arrow", 0
        with pa.OSFile(str(aside), "wb") as out, pa.ipc.new_file(out, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        aside.chmod(0o640)
        aside.replace(self.folder / f"{name}.arrow")
        return rows

    def read(self, name: str) -> pa.Table:
        """Rows of `<name>.arrow`, mapped rather than loaded.

        Raises:
            ConfigurationError: the file is not there, because its task did not run or another machine keeps it.
        """
        path = self.folder / f"{name}.arrow"
        try:
            return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except FileNotFoundError:
            raise ConfigurationError(
                "a file of this run is not there",
                subject=str(path),
                remedy="clear the run from its task `extract`; all workers must see the same SOBANK_HOME",
            ) from None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a small summary as `<name>.json`."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        (self.folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
