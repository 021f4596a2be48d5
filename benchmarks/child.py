"""The inside of a measured process: what it was asked, how long its steps took, what work it says it did.

Standard library only: peers import it in an environment that holds nothing of ours.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_MEGABYTE = 1 << 20


class Child:
    """One measured process, started as `python -m <module> <asked.json> <outcome.json>`."""

    def __init__(self, arguments: list[str] | None = None) -> None:
        asked, outcome = (sys.argv if arguments is None else arguments)[1:3]
        self.asked: dict[str, Any] = json.loads(Path(asked).read_text())
        self._outcome = Path(outcome)
        self._steps: dict[str, float] = {}
        self._peaks: dict[str, float] = {}
        self._laps: dict[str, list[float]] = {}
        self._costs: dict[str, dict[str, float]] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a part of the work under a name, in seconds; parts of one name are added up."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] = self._steps.get(name, 0.0) + time.perf_counter() - begin
            self._peaks[name] = peak_mb()

    def lap(self, name: str, seconds: float) -> None:
        """Keep the time of one of many answers of a kind."""
        self._laps.setdefault(name, []).append(seconds)

    def cost(self, name: str, **figures: float) -> None:
        """Keep what a step cost beside its time, each figure in the unit that its name says."""
        self._costs[name] = figures

    def did(self, **work: int | str) -> None:
        """Say what was done, last of all: the ratio of two runs says where these differ."""
        outcome: Mapping[str, object] = {"work": work, "steps": self._steps, "peaks": self._peaks, "laps": self._laps}
        outcome = {**outcome, "costs": self._costs, "peak_mb": peak_mb()}
        self._outcome.write_text(json.dumps(outcome))


def peak_mb() -> float:
    """Most memory that this process held at once, or one that it started and waited for; MiB.

    Its own is read from the kernel's account of the program that runs now: `ru_maxrss` also remembers the process
    that started it.
    """
    own = next(
        int(line.split()[1]) / 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / _MEGABYTE)
