"""`python -m benchmarks.scale [folder]`: write the tables of scale.md anew, from the results of `make bench`.

Between two marks stands what this program wrote; everything else in that file is left as it is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.figures import STAGES, Found, read_results
from benchmarks.frame import BIG_DAY, ROOT
from benchmarks.planned_day import PARTNERS, Load, Rates, cut, in_one_process, load_of, rates, tasks_of
from benchmarks.schedule import Course, Machines, Task, run

DOCUMENT: Final = ROOT / "benchmarks" / "scale.md"
#: By how much a simulated time may differ from the measured one.
TOLERANCE: Final = 0.35
#: Times of the big day that are asked about; 0.1 is the day.
SIZES: Final = (0.1, 1, 10, 100, 1000)
#: A task may take so long (`execution_timeout` of the DAG); a worker may hold so much (its `mem_limit`).
TASK_SECONDS: Final = 3600
WORKER_MIB: Final = 4096
#: Bytes a statement, held by `decide` (numbers only, NOTES.md) and by the proof (two digests and their offsets).
HELD_BYTES: Final = (40, 72)
#: MyUnisoft's public guide: requests a second of one token.
MYUNISOFT_A_SECOND: Final = 20 / 10
_HOUR, _MILLION, _GIGA, _MIB, _DAYS_A_YEAR = 3600, 1_000_000, 1_000_000_000, 1 << 20, 250
_MARKS: Final = re.compile(
    r"(<!-- (?P<name>[a-z ]+): written by python -m benchmarks.scale -->\n).*?(<!-- end -->)", re.S
)

Rows = list[tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What a day runs on, and what it is called."""

    label: str
    machines: Machines


def places(found: Found) -> tuple[Place, ...]:
    """One machine as it was measured; the compose file; many machines around a large database."""
    pauses = found.laps("airflow", "airflow", "from the end")
    here = Machines(slots=2, cores=2, pause=next(iter(pauses.values())), starts_a_second=1)
    return (
        Place(label="this machine: 2 cores for all", machines=here),
        Place(
            label="compose file: 2 workers of 2 cores, PostgreSQL 2",
            machines=replace(here, slots=8, cores=4, server_cores=2),
        ),
        Place(
            label="16 workers of 4 cores, PostgreSQL 32",
            machines=replace(here, slots=64, cores=64, server_cores=32, starts_a_second=5),
        ),
    )


def main(folder: Path = ROOT / "benchmarks", document: Path = DOCUMENT) -> int:
    """Write the tables; 1 if something that they need was not measured."""
    try:
        document.write_text(filled(document.read_text("utf-8"), tables(read_results(folder))), "utf-8")
    except LookupError as missing:
        sys.stderr.write(f"{missing.args[0]}\n")
        return 1
    return 0


def filled(text: str, written: Mapping[str, str]) -> str:
    """The document with its tables in place of those between the marks."""
    return _MARKS.sub(lambda mark: f"{mark[1]}\n{written[mark['name']]}\n\n{mark[3]}", text)


def tables(found: Found) -> dict[str, str]:
    """Every table of the document by its name.

    Raises:
        LookupError: a benchmark that it is drawn from was not measured.
    """
    given, there = rates(found), places(found)
    return {
        "sources": _sources(found),
        "unit costs": _unit_costs(given),
        "reproduction": _reproduction(found),
        "schedule": _schedule(given, there),
        "otherwise": _otherwise(given, there),
        "volume": _volume(found, given),
        "partners": _partners(found, given, there[-1]),
    }


def reproductions(found: Found) -> Iterator[tuple[str, float, float]]:
    """What was measured whole, and the simulation of it: label, measured seconds, simulated seconds."""
    given, here = rates(found), places(found)[0].machines
    # Two jobs at a time have one interpreter: what one gains is the waiting of the other, which is little.
    alone = replace(here, slots=1, pause=0.0, starts_a_second=float("inf"))
    for name, label in (("daily_postgres", "a day"), ("daily_postgres-size-10", "the big day")):
        if name in found.benchmarks:
            day = found.contender(name, "ours_judged")
            tasks = in_one_process(_load(day), given, proved="prove" in day["steps"])
            yield f"{label}, in one process", _steps(day), run(tasks, alone).seconds
    through = found.contender("airflow", "airflow")
    label = "a normal day, through a LocalExecutor"
    yield label, through["steps"]["run"]["seconds"], run(tasks_of(_load(through), given), here).seconds


def _steps(day: Mapping[str, dict[str, dict[str, float]]]) -> float:
    return sum(one["seconds"] for name, one in day["steps"].items() if name != "imports")


def _load(contender: Mapping[str, dict[str, int]]) -> Load:
    return cut(int(contender["work"]["statements"]), int(contender["work"]["files"]))


def _sources(found: Found) -> str:
    used = ("costs", "airflow", "daily_postgres", "daily_postgres-size-10", "sftp_far", "history")
    return _table([("benchmark", "figures from"), *((name, found.files.get(name, "not measured")) for name in used)])


def _unit_costs(given: Rates) -> str:
    head = (
        "", "fixed s", "a statement: µs", "of that worker's CPU", "of that PostgreSQL's CPU", "a file: ms",
        "WAL bytes a statement", "database bytes a statement", "bytes written a statement",
    )  # fmt: skip
    rows: Rows = [head]
    for stage in STAGES:
        one = given.costs[stage]
        micro = [f"{one[name].statement * _MILLION:.0f}" for name in ("seconds", "cpu_s", "server_cpu_s")]
        sizes = [f"{one[name].statement:,.0f}" for name in ("wal_bytes", "database_bytes", "written_bytes")]
        rows.append((stage, f"{one['seconds'].fixed:.1f}", *micro, f"{one['seconds'].file * 1000:.2f}", *sizes))
    return _table(rows)


def _reproduction(found: Found) -> str:
    rows: Rows = [("", "measured s", "simulated s", "ratio", f"within {TOLERANCE:.0%}")]
    for label, measured, simulated in reproductions(found):
        ratio = simulated / measured
        rows.append((label, f"{measured:.1f}", f"{simulated:.1f}", f"{ratio:.2f}", "yes" if _near(ratio) else "NO"))
    return _table(rows)


def _near(ratio: float) -> bool:
    return 1 / (1 + TOLERANCE) <= ratio <= 1 + TOLERANCE


def _schedule(given: Rates, there: Sequence[Place]) -> str:
    head = ("big days", "statements", "tasks", "prepare", "decide", "leave", "prove", "all", "longest task", "over 1 h")
    lines: list[str] = []
    for place in there:
        rows: Rows = [head]
        for times in SIZES:
            load = load_of(times * BIG_DAY)
            tasks = tasks_of(load, given)
            rows.append((f"{times:g} ×", f"{load.statements:,}", str(len(tasks)), *_course(tasks, place.machines)))
        lines += [f"*{place.label}*\n", _table(rows), ""]
    return "\n".join(lines).rstrip()


def _course(tasks: Sequence[Task], machines: Machines) -> tuple[str, ...]:
    course = run(tasks, machines)
    lasted = {name: end - course.starts[name] for name, end in course.ends.items()}
    longest = max(lasted, key=lambda name: lasted[name])
    parts = [("shards", "extract", "partition", "validate"), ("decide",), ("push", "global files"), ("prove",)]
    late = sorted({name.rpartition(" ")[0] or name for name, seconds in lasted.items() if seconds > TASK_SECONDS})
    return (
        *(_time(course.lasted(*names)) for names in parts), _time(course.seconds),
        f"{longest.rpartition(' ')[0] or longest} {_time(lasted[longest])}", ", ".join(late) or "none",
    )  # fmt: skip


def _otherwise(given: Rates, there: Sequence[Place]) -> str:
    place = there[-1]
    more = replace(place.machines, server_cores=2 * (place.machines.server_cores or 0))
    ways: tuple[tuple[str, Machines, tuple[str, ...]], ...] = (
        ("as it is", place.machines, ()),
        ("PostgreSQL with twice the cores", more, ()),
        ("decided by shard", place.machines, ("decide",)),
        ("decided and proved by shard", place.machines, ("decide", "prove")),
    )
    rows: Rows = [("big days", *(label for label, _, _ in ways))]
    for times in SIZES:
        load = load_of(times * BIG_DAY)
        found: list[Course] = [run(tasks_of(load, given, by_shard=split), on) for _, on, split in ways]
        rows.append((f"{times:g} ×", *(f"{_time(_alone(one))} of {_time(one.seconds)}" for one in found)))
    return f"*{place.label}: time in decide and prove, of the whole*\n\n{_table(rows)}"


def _alone(course: Course) -> float:
    return course.lasted("decide") + course.lasted("prove")


def _volume(found: Found, given: Rates) -> str:
    head = (
        "big days", "taking in, one file after another", "log of PostgreSQL a day", "database grows a day",
        "in a year of 250 days", "workers write a day", "decide holds", "the proof holds",
        f"over {WORKER_MIB // 1024} GiB",
    )  # fmt: skip
    rows: Rows = [head]
    least = found.contender("airflow", "in_process")["peak_mb"]["median"] * _MIB
    for times in SIZES:
        load = load_of(times * BIG_DAY)

        def all_of(name: str, load: Load = load) -> float:
            return sum(given.costs[stage][name].at(load.statements, load.files) for stage in STAGES)

        grows, held = all_of("database_bytes"), [least + each * load.statements for each in HELD_BYTES]
        rows.append((
            f"{times:g} ×", _time(given.costs["ingest"]["seconds"].at(load.statements, load.files)),
            _bytes(all_of("wal_bytes")), _bytes(grows), _bytes(grows * _DAYS_A_YEAR), _bytes(all_of("written_bytes")),
            *map(_bytes, held), "YES" if max(held) > WORKER_MIB * _MIB else "no",
        ))  # fmt: skip
    return _table(rows)


def _partners(found: Found, given: Rates, place: Place) -> str:
    a_second = found.contender("sftp_far", "ours")["rate"]["median"]
    rows: Rows = [
        ("big days", "files a partner", f"SFTP, 20 ms away, {a_second:.0f}/s", "run with such partners", "over 1 h",
         "MyUnisoft, one token for all, 2/s"),
    ]  # fmt: skip
    for times in SIZES:
        load = replace(load_of(times * BIG_DAY), partner_seconds=1 / a_second)
        each = load.files / 2 / PARTNERS
        *_, whole, _, late = _course(tasks_of(load, given), place.machines)
        rows.append((
            f"{times:g} ×", f"{each:,.0f}", _time(each / a_second), whole, late, _time(each / MYUNISOFT_A_SECOND),
        ))  # fmt: skip
    return f"*{place.label}*\n\n{_table(rows)}"


def _table(rows: Rows) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])


def _time(seconds: float) -> str:
    return _scaled(seconds, ((2 * 24 * _HOUR, 24 * _HOUR, "d"), (2 * _HOUR, _HOUR, "h"), (120, 60, "min")), "s")


def _bytes(number: float) -> str:
    return _scaled(number, ((_GIGA * 1000, _GIGA * 1000, "TB"), (_GIGA, _GIGA, "GB")), "MB", by=_MILLION)


def _scaled(value: float, units: Sequence[tuple[float, float, str]], least: str, *, by: float = 1) -> str:
    for above, unit, name in units:
        if value >= above:
            return f"{value / unit:,.1f} {name}"
    return f"{value / by:,.0f} {least}"


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:2])))
