"""What was measured, as one table for people and as JSON for machines. No ratio stands without what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.frame import Comparison, Measured, Ratio, laps, median_costs, median_steps, middle, ratio

_HEADS = ("", "wall s", "range", "CPU s", "peak MiB", "rate/s")
_MEASURES = {"rate": "rate", "wall": "time", "cpu": "CPU", "peak_mb": "peak memory"}


def table(measured: Sequence[Measured]) -> str:
    """The one table: every contender of every benchmark, its steps, and the ratios with their aims."""
    return "\n".join(line for one in measured for line in _section(one)) + "\n"


def _section(measured: Measured) -> Iterator[str]:
    rounds = len(next(iter(measured.runs.values())))
    yield f"\n{measured.benchmark.title} ({rounds} rounds, interleaved; rate: {measured.benchmark.unit})"
    yield from _columns([_HEADS, *_rows(measured)])
    for contender in measured.benchmark.contenders:
        if answers := list(_lap_rows(measured, contender.name)):
            yield from _columns([(f"{contender.label}, ms", "answers", "median", "95 %", "slowest", ""), *answers])
    for comparison in measured.benchmark.comparisons:
        yield from sentence(measured, comparison)


def _columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  " + "  ".join(cells).rstrip()


def _lap_rows(measured: Measured, name: str) -> Iterator[tuple[str, ...]]:
    aim = measured.benchmark.lap_at_most
    for kind, count, *seconds in laps(measured.runs[name]):
        missed = aim is not None and seconds[1] > aim
        said = f"aim at most {1000 * aim:g}: NOT REACHED" if aim is not None and missed else ""
        yield f"    {kind}", str(count), *(f"{1000 * one:.1f}" for one in seconds), said


def _rows(measured: Measured) -> Iterator[tuple[str, ...]]:
    for contender in measured.benchmark.contenders:
        runs = measured.runs[contender.name]
        wall, least, most = middle([run.wall for run in runs])
        cpu, peak, rate = (middle(measured.values(contender.name, m))[0] for m in ("cpu", "peak_mb", "rate"))
        yield contender.label, f"{wall:.2f}", f"{least:.2f}–{most:.2f}", f"{cpu:.2f}", f"{peak:.0f}", f"{rate:,.0f}"
        costs = median_costs(runs)
        for name, seconds, up_to in median_steps(runs):
            own, server = (
                f"{costs[name][one]:.2f}" if one in costs.get(name, {}) else "" for one in ("cpu_s", "server_cpu_s")
            )
            yield f"    {name}", f"{seconds:.2f}", "", own, f"{up_to:.0f}", server and f"server CPU s {server}"


def sentence(measured: Measured, comparison: Comparison) -> list[str]:
    """A ratio in words: its range, its aim, and below it what differs between the work of its two sides."""
    found = ratio(measured, comparison)
    labels = {contender.name: contender.label for contender in measured.benchmark.contenders}
    what = _MEASURES[comparison.measure] + (f" of step {comparison.step}" if comparison.step else "")
    of = labels[comparison.of] + (f", up to the end of {comparison.up_to}" if comparison.up_to else "")
    by = f"{found.median:.2f} {'more than' if comparison.more else '×'} {labels[comparison.to]}"
    lines = [f"  {what}: {of} = {by} ({found.low:.2f}–{found.high:.2f}){_aim(found)}"]
    if found.differences:
        lines.append(f"    not the same work: {'; '.join(found.differences)}")
    return lines


def _aim(found: Ratio) -> str:
    if found.reached is None:
        return ""
    at_least, at_most = found.comparison.at_least, found.comparison.at_most
    wanted = f"at least {at_least:g}" if at_least is not None else f"at most {at_most:g}"
    return f"; aim {wanted}: {'reached' if found.reached else 'NOT REACHED'}"


def as_json(measured: Measured, facts: Mapping[str, object]) -> dict[str, Any]:
    """All figures of a benchmark, run by run, with the facts of the measurement before them."""
    benchmark = measured.benchmark
    return {
        **facts,
        "name": benchmark.name,
        "title": benchmark.title,
        "unit": benchmark.unit,
        "answers_p95_at_most_ms": benchmark.lap_at_most and 1000 * benchmark.lap_at_most,
        "contenders": [
            {
                "name": contender.name,
                "label": contender.label,
                "peer": contender.peer,
                "wall_s": _figures([run.wall for run in measured.runs[contender.name]]),
                "cpu_s": _figures([run.cpu for run in measured.runs[contender.name]]),
                "peak_mb": _figures([run.peak_mb for run in measured.runs[contender.name]]),
                "rate": _figures(measured.values(contender.name, "rate")),
                "steps": {
                    name: {"seconds": round(seconds, 4), "peak_mb_up_to": round(up_to, 1)}
                    for name, seconds, up_to in median_steps(measured.runs[contender.name])
                },
                "answers": {
                    kind: {
                        "count": count,
                        "median_ms": round(1000 * median, 2),
                        "p95_ms": round(1000 * p95, 2),
                        "slowest_ms": round(1000 * slowest, 2),
                    }
                    for kind, count, median, p95, slowest in laps(measured.runs[contender.name])
                },
                "costs": median_costs(measured.runs[contender.name]),
                "work": dict(measured.runs[contender.name][-1].work),
            }
            for contender in benchmark.contenders
        ],
        "ratios": [_ratio_json(ratio(measured, comparison)) for comparison in benchmark.comparisons],
    }


def _figures(values: list[float]) -> dict[str, Any]:
    median, low, high = middle(values)
    return {
        "median": round(median, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "rounds": [round(value, 4) for value in values],
    }


def _ratio_json(found: Ratio) -> dict[str, Any]:
    comparison = found.comparison
    return {
        "of": comparison.of,
        "to": comparison.to,
        "measure": comparison.measure,
        "more": comparison.more,
        "up_to": comparison.up_to,
        "step": comparison.step,
        "median": round(found.median, 3),
        "low": round(found.low, 3),
        "high": round(found.high, 3),
        "at_least": comparison.at_least,
        "at_most": comparison.at_most,
        "reached": found.reached,
        "differences": list(found.differences),
    }
