"""The files that the tasks of one run hand to one another: Arrow IPC on storage that every worker sees.

XCom carries a small JSON reference to the run; rows never pass through it. What lies in a bucket is mapped from a copy
that nobody else can find: a copy of an earlier try is never read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile, mkstemp
from typing import TYPE_CHECKING, Any, Protocol, cast

import pyarrow as pa

from sobank.errors import ConfigurationError
from sobank.store.place import place_of

if TYPE_CHECKING:
    from sobank.store.bucket import Bucket


class RunFiles:
    """Files of one run of one business day. Writing a file again replaces it whole.

    url: `file:///folder` or `s3://bucket/prefix`, the same for all workers; a run has `<day>/<run>/` there.
    """

    def __init__(self, url: str, *, day: date, run: str) -> None:
        if not run or Path(run).name != run or run.startswith("."):
            raise ConfigurationError(
                "not a run key that can name a folder", subject=run[:80], remedy="use letters and -"
            )
        self.day = day
        self.run = run
        self._kept = _kept(url)
        self._folder = f"{day.isoformat()}/{run}"

    def write(self, name: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> int:
        """Write rows as `<name>.arrow` and return how many there were."""
        rows = 0
        with (
            self._kept.writing(self._folder, f"{name}.arrow") as path,
            pa.OSFile(str(path), "wb") as out,
            pa.ipc.new_file(out, schema) as writer,
        ):
            for batch in batches:
                writer.write_batch(batch)
                rows += batch.num_rows
        return rows

    def read(self, name: str) -> pa.Table:
        """Rows of `<name>.arrow`, mapped rather than loaded.

        Raises:
            ConfigurationError: the file is not there, because its task did not run or another machine keeps it.
        """
        try:
            with self._kept.reading(self._folder, f"{name}.arrow") as path:
                return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        except FileNotFoundError:
            raise ConfigurationError(
                "a file of this run is not there",
                subject=f"{self._kept.url}/{self._folder}/{name}.arrow",
                remedy="clear the run from its task `shards`; all workers must see the same SOBANK_RUNS_URL",
            ) from None

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a small summary as `<name>.json`."""
        text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
        with self._kept.writing(self._folder, f"{name}.json") as path:
            path.write_text(text + "\n", encoding="utf-8")


def newest_run(url: str, day: date, *, holding: str) -> str | None:
    """Key of the run of that day which wrote `<holding>.arrow` last; None where none did."""
    return _kept(url).newest(day.isoformat(), f"{holding}.arrow")


class _Kept(Protocol):
    """One way of keeping run files. `writing` gives a path to fill, `reading` one to map: each for the block only."""

    url: str

    def writing(self, folder: str, name: str) -> AbstractContextManager[Path]: ...

    def reading(self, folder: str, name: str) -> AbstractContextManager[Path]: ...

    def newest(self, folder: str, name: str) -> str | None: ...


def _kept(url: str) -> _Kept:
    place = place_of(url)
    return _InFolder(place) if isinstance(place, Path) else _InBucket(place)


class _InFolder:
    def __init__(self, root: Path) -> None:
        self.url = str(root)
        self._root = root

    @contextmanager
    def writing(self, folder: str, name: str) -> Iterator[Path]:
        (self._root / folder).mkdir(parents=True, exist_ok=True, mode=0o750)
        # A name of its own: a task that was given up may still be writing beside its next try.
        handle, aside = mkstemp(dir=self._root / folder, prefix=f".{name}.")
        os.close(handle)
        try:
            yield Path(aside)
            Path(aside).chmod(0o640)
            Path(aside).replace(self._root / folder / name)
        finally:
            Path(aside).unlink(missing_ok=True)

    @contextmanager
    def reading(self, folder: str, name: str) -> Iterator[Path]:
        yield self._root / folder / name

    def newest(self, folder: str, name: str) -> str | None:
        found = sorted((self._root / folder).glob(f"*/{name}"), key=lambda path: path.stat().st_mtime)
        return found[-1].parent.name if found else None


class _InBucket:
    def __init__(self, bucket: Bucket) -> None:
        self.url = bucket.url
        self._bucket = bucket

    @contextmanager
    def writing(self, folder: str, name: str) -> Iterator[Path]:
        with NamedTemporaryFile(prefix="sobank-run-") as here:
            yield Path(here.name)
            self._bucket.put(f"{folder}/{name}", cast("Any", here))

    @contextmanager
    def reading(self, folder: str, name: str) -> Iterator[Path]:
        with NamedTemporaryFile(prefix="sobank-run-") as here:
            self._bucket.fetch(f"{folder}/{name}", cast("Any", here))
            here.flush()
            yield Path(here.name)  # its name goes at the end of the block; what was mapped lives on without it

    def newest(self, folder: str, name: str) -> str | None:
        return self._bucket.newest(folder, name)
