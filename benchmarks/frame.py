"""Measure contenders side by side: each in a process of its own, in interleaved rounds, verified before it counts.

What counts is the whole process, from its start to its end, imports included; what it needs is made before, and what it
made is verified after, both outside the time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent

#: How many days the big day is.
BIG_DAY = 10

Work = Mapping[str, int | str]
Measure = Literal["rate", "wall", "cpu", "peak_mb"]


class WrongOutput(AssertionError):
    """What a contender made is not what was asked: its time counts for nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """One way of doing the work.

    module: run as `python -m <module>`; it uses `benchmarks.child`. asked: what it is told, JSON.
    peer: runs in the peers' environment. before: makes room, not counted. verify: raises `WrongOutput`.
    """

    name: str
    label: str
    module: str
    asked: Mapping[str, object]
    verify: Callable[[Work], None]
    peer: bool = False
    before: Callable[[], None] = lambda: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The ratio of two contenders in one measure; a rate is better when higher, all else when lower.

    more: their difference instead of their ratio. at_least, at_most: the aim, if there is one.
    up_to: what `of` does after this step of it is not counted; had_done: how its work is to be described then.
    step: of both sides nothing but this step is counted.
    """

    of: str
    to: str
    measure: Measure = "wall"
    more: bool = False
    at_least: float | None = None
    at_most: float | None = None
    up_to: str | None = None
    had_done: Mapping[str, str] = field(default_factory=dict)
    step: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """Contenders for the same work. `unit`: the part of their `Work` that a rate counts, such as `files`.

    lap_at_most: the aim for the 95th percentile of each kind of answer, in seconds, if there is one.
    """

    name: str
    title: str
    unit: str
    contenders: Sequence[Contender]
    comparisons: Sequence[Comparison] = ()
    lap_at_most: float | None = None


#: Opens what a benchmark needs (servers, data) for a size and a folder of its own, and closes it after the last round.
Opens = Callable[[float, Path], AbstractContextManager[Sequence[Benchmark]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One measured and verified run: seconds of wall clock and of CPU (user and system, its children included).

    steps: seconds by step. peaks: by step, the peak memory up to its end, in MiB. laps: seconds of each answer by kind,
    where there are many. costs: by step, what it cost beside its time.
    """

    wall: float
    cpu: float
    peak_mb: float
    work: Work
    steps: Mapping[str, float]
    peaks: Mapping[str, float]
    laps: Mapping[str, Sequence[float]]
    costs: Mapping[str, Mapping[str, float]]

    def seconds(self, *, up_to: str | None = None, step: str | None = None) -> float:
        """Of the whole process, of it without the steps after `up_to`, or of one step alone."""
        if step is not None:
            return self.steps[step]
        if up_to is None:
            return self.wall
        names = list(self.steps)
        return self.wall - sum(self.steps[name] for name in names[names.index(up_to) + 1 :])


@dataclass(kw_only=True, slots=True)
class Measured:
    """The runs of a benchmark by the name of their contender, in order of rounds."""

    benchmark: Benchmark
    runs: dict[str, list[Run]] = field(default_factory=dict)

    def values(self, name: str, measure: Measure, *, up_to: str | None = None, step: str | None = None) -> list[float]:
        """The measure of every round; a rate is in units a second. `up_to`, `step`: see `Run.seconds`."""
        runs = self.runs[name]
        if measure in {"cpu", "peak_mb"}:
            if up_to or step:
                raise ValueError(f"{measure} is known of whole processes only")
            return [float(getattr(run, measure)) for run in runs]
        seconds = [run.seconds(up_to=up_to, step=step) for run in runs]
        if measure == "wall":
            return seconds
        return [int(run.work[self.benchmark.unit]) / of for run, of in zip(runs, seconds, strict=True)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """A ratio (or difference) round by round, with what differs between the work of its two sides, in words."""

    comparison: Comparison
    median: float
    low: float
    high: float
    differences: tuple[str, ...]

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the aim; None where there is none."""
        if self.comparison.at_least is not None:
            return self.median >= self.comparison.at_least
        return None if self.comparison.at_most is None else self.median <= self.comparison.at_most


def aim(size: float, day: float | None, *, big_day: float | None = None) -> float | None:
    """The aim for a size: that of the day, from ten days on that of the big day if it has its own.

    Below one day there is none: what is measured there is mostly the start of processes.
    """
    if size < 1:
        return None
    return big_day if size >= BIG_DAY and big_day is not None else day


def ratio(measured: Measured, comparison: Comparison) -> Ratio:
    """Compare two contenders of one run: each round with itself, so that a slow moment slows both sides."""
    step = comparison.step
    pairs = zip(
        measured.values(comparison.of, comparison.measure, up_to=comparison.up_to, step=step),
        measured.values(comparison.to, comparison.measure, step=step),
        strict=True,
    )
    rounds = [of - to if comparison.more else of / to for of, to in pairs]
    of, to = (measured.runs[name][-1].work for name in (comparison.of, comparison.to))
    return Ratio(
        comparison=comparison,
        median=statistics.median(rounds),
        low=min(rounds),
        high=max(rounds),
        differences=differences({**of, **comparison.had_done}, to),
    )


def differences(of: Work, to: Work) -> tuple[str, ...]:
    """What differs between two descriptions of work; what only one of them says differs too."""
    names = [*of, *(name for name in to if name not in of)]
    return tuple(
        f"{name}: {of.get(name, 'not said')} / {to.get(name, 'not said')}"
        for name in names
        if of.get(name) != to.get(name)
    )


def measure(
    benchmark: Benchmark, *, rounds: int, python: Callable[[bool], Path], say: Callable[[str], None]
) -> Measured:
    """Run every contender once a round, in the same order.

    Args:
        python: the interpreter of the peers (True) or ours (False).
    Raises:
        WrongOutput: a contender failed, says it did no work, or its output is wrong.
    """
    found = Measured(benchmark=benchmark)
    for number in range(1, rounds + 1):
        for contender in benchmark.contenders:
            contender.before()
            os.sync()  # what was made for it, a database among it, is no longer being written when its clock starts
            run = _run(contender, python(contender.peer))
            contender.verify(run.work)
            found.runs.setdefault(contender.name, []).append(run)
            say(f"{benchmark.name}, round {number} of {rounds}: {contender.label}: {run.wall:.2f} s")
    return found


def _run(contender: Contender, python: Path) -> Run:
    with tempfile.TemporaryDirectory(prefix="sobank-bench-") as folder:
        asked, outcome, said = (Path(folder) / name for name in ("asked.json", "outcome.json", "said.txt"))
        asked.write_text(json.dumps(contender.asked))
        with said.open("wb") as out:
            begin = time.perf_counter()
            process = subprocess.Popen(
                [python, "-m", contender.module, asked, outcome], cwd=ROOT, env=_environment(), stdout=out, stderr=out
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode or not outcome.is_file():
            last = said.read_text(errors="replace")[-2000:]
            raise WrongOutput(f"{contender.label}: ended with {process.returncode}, did no work:\n{last}")
        told = json.loads(outcome.read_text())
    if not told["work"]:
        raise WrongOutput(f"{contender.label}: does not say what work it did")
    return Run(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_mb=told["peak_mb"],
        work=told["work"],
        steps=told["steps"],
        peaks=told["peaks"],
        laps=told["laps"],
        costs=told["costs"],
    )


def _environment() -> dict[str, str]:
    """Ours finds its package in `include`; nothing else of the caller's settings reaches a measured process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOBANK_", "AIRFLOW_"))}
    return kept | {"PYTHONPATH": str(ROOT / "include"), "PYTHONUNBUFFERED": "1"}


def middle(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, least and most."""
    return statistics.median(values), min(values), max(values)


def median_steps(runs: Sequence[Run]) -> Iterator[tuple[str, float, float]]:
    """Each step with the medians of its seconds and of the peak up to its end, in the order of the first run."""
    for name in runs[0].steps:
        seconds, peaks = ([getattr(run, kind).get(name, 0.0) for run in runs] for kind in ("steps", "peaks"))
        yield name, statistics.median(seconds), statistics.median(peaks)


def laps(runs: Sequence[Run]) -> Iterator[tuple[str, int, float, float, float]]:
    """Each kind of answer: how many, and the seconds of the middle one, of the 95th percentile and of the slowest."""
    for kind in sorted(runs[0].laps):
        seconds = sorted(lap for run in runs for lap in run.laps[kind])
        # The nearest rank: a time that was measured, and no less than 95 % of them.
        yield kind, len(seconds), statistics.median(seconds), seconds[-(-len(seconds) * 95 // 100) - 1], seconds[-1]


def median_costs(runs: Sequence[Run]) -> dict[str, dict[str, float]]:
    """What each step cost, figure by figure the median of all runs."""
    return {
        step: {name: statistics.median([run.costs[step][name] for run in runs]) for name in figures}
        for step, figures in runs[0].costs.items()
    }
