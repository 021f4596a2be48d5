"""Where each task of the delivery is held, so that it is killed at a moment that matters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Final, Protocol

from tests.cluster.cluster import Cluster
from tests.cluster.holds import Row, holding


class Held(Protocol):
    """A task is kept waiting; see `RowHold` and `StoreHold`."""

    @property
    def ports(self) -> set[int]: ...

    def release(self) -> None: ...


_DELIVERED: Final = "NEW.state = 'delivered' AND NEW.destination LIKE '{}:%'"
#: In a transaction of ours: decided and not committed; published to the partner and not recorded.
ROWS: Final[Mapping[str, Row]] = {
    "decide": Row(table="allocations", event="INSERT"),
    "push": Row(table="batches", event="UPDATE", when=_DELIVERED.format("connector")),
    "write_global_files": Row(table="batches", event="UPDATE", when=_DELIVERED.format("global")),
}
#: While it keeps a file of the run in the object store: which.
FILES: Final[Mapping[str, str]] = {"extract": "extracted", "validate": "errors"}


def held_in(cluster: Cluster, task: str) -> AbstractContextManager[Held]:
    """Hold the first try of a task that comes to its point."""
    if task in ROWS:
        return holding(cluster.database, ROWS[task])
    return cluster.objects.holding(_keeping(FILES[task]))


def _keeping(name: str) -> Callable[[str, str], bool]:
    def matching(method: str, path: str) -> bool:
        return method == "PUT" and "/runs/" in path and path.rpartition("/")[2].startswith(name)

    return matching
