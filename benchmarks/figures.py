"""What earlier runs of `make bench` found, read back: whole benchmarks, and unit costs taken apart.

The three days of `unit_costs` differ in one thing at a time, so each cost falls into a part that every day has, a part
a statement and a part a file.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

STAGES: Final = (
    "ingest", "shards", "extract", "partition", "validate", "decide", "push", "global files", "prove",
)  # fmt: skip
Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A cost as `fixed + statement × statements + file × files`; none of them is less than nothing."""

    fixed: float
    statement: float
    file: float

    def at(self, statements: float, files: float) -> float:
        """The cost of so many; statements have ten entries each, as those of the day have."""
        return self.fixed + self.statement * statements + self.file * files


#: Of one stage, by figure: `seconds`, `cpu_s`, `server_cpu_s`, `wal_bytes`, `database_bytes`, `written_bytes`.
StageCosts = Mapping[str, Line]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Benchmarks by name, each with the file that it stands in and how it was measured."""

    benchmarks: Mapping[str, Json]
    files: Mapping[str, str]

    def contender(self, benchmark: str, name: str) -> Json:
        """One contender of a benchmark.

        Raises:
            LookupError: it was not measured.
        """
        for one in self.benchmarks.get(benchmark, {"contenders": ()})["contenders"]:
            if one["name"] == name:
                return dict(one)
        raise LookupError(f"{name} of {benchmark} was not measured: `make bench` measures it")

    def costs(self) -> dict[str, StageCosts]:
        """Unit costs by stage."""
        days = [self.contender("costs", name) for name in ("few", "more_statements", "more_files")]
        sizes = [(day["work"]["statements"], day["work"]["files"]) for day in days]
        return {
            stage: {
                figure: line(sizes, [_cost(day, stage, figure) for day in days]) for figure in _figures(days[0], stage)
            }
            for stage in STAGES
        }

    def laps(self, benchmark: str, contender: str, begins: str) -> dict[str, float]:
        """Median seconds of the kinds of answers whose name begins so."""
        answers = self.contender(benchmark, contender)["answers"]
        return {kind: one["median_ms"] / 1000 for kind, one in answers.items() if kind.startswith(begins)}


def read_results(folder: Path) -> Found:
    """Every benchmark in the results of a folder; of another size under names such as `daily_postgres-size-10`."""
    benchmarks, files = {}, {}
    for path in sorted(folder.glob("results*.json")):
        results = json.loads(path.read_text("utf-8"))
        for benchmark in results["benchmarks"]:
            how = f"{path.name}: SIZE={benchmark['size']:g}, ROUNDS={benchmark['rounds']}"
            name = benchmark["name"] + path.stem.removeprefix("results")
            benchmarks[name], files[name] = benchmark, how
    return Found(benchmarks=benchmarks, files=files)


def line(sizes: Sequence[tuple[int, int]], values: Sequence[float]) -> Line:
    """The line through three days: the first, one with more statements, one with more files than the second."""
    (few, fewer), (many, files), (again, more) = sizes
    statement = max(0.0, (values[1] - values[0]) / (many - few))
    file = max(0.0, (values[2] - values[1] - statement * (again - many)) / (more - files))
    rest = [
        value - statement * n - file * k for value, (n, k) in zip(values, ((few, fewer), (many, files)), strict=False)
    ]
    return Line(fixed=max(0.0, statistics.fmean(rest)), statement=statement, file=file)


def _figures(day: Json, stage: str) -> tuple[str, ...]:
    return ("seconds", *day["costs"][stage])


def _cost(day: Json, stage: str, figure: str) -> float:
    return float(day["steps"][stage]["seconds"] if figure == "seconds" else day["costs"][stage][figure])
