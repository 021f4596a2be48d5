"""`make bench`: measure everything, or what ONLY names; print one table, write results.json and results.svg.

What is measured alone takes the place of what was measured of it before; another SIZE has files of its own.

SIZE: part of the day (1.0; 10 is the big day). ROUNDS: how often each contender runs (3). ONLY: names, comma-separated.
RESULTS: the folder for the results (benchmarks/).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks import airflow, cluster, daily, history, ingest, registry, sftp, unit_costs
from benchmarks.frame import ROOT, Opens, WrongOutput, measure
from benchmarks.machine import machine, versions
from benchmarks.peers_home import PYTHON as PEERS
from benchmarks.peers_home import WANTED, install
from benchmarks.plot import plot
from benchmarks.report import as_json, table

BENCHMARKS: Mapping[str, Opens] = {
    "sftp": sftp.benchmarks,
    "daily": daily.benchmarks,
    "ingest": ingest.benchmarks,
    "registry": registry.benchmarks,
    "history": history.benchmarks,
    "costs": unit_costs.benchmarks,
    "airflow": airflow.benchmarks,
    "cluster": cluster.benchmarks,
}


def main(environment: Mapping[str, str] = os.environ, known: Mapping[str, Opens] = BENCHMARKS) -> int:
    """Run the benchmarks; 0 when every output was right, whatever the figures are."""
    size, rounds = float(environment.get("SIZE") or 1), int(environment.get("ROUNDS") or 3)
    results = Path(environment.get("RESULTS") or ROOT / "benchmarks")
    names = [name for name in (environment.get("ONLY") or ",".join(known)).split(",") if name]
    if unknown := sorted(set(names) - set(known)):
        _say(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    stem = "results" if size == 1 else f"results-size-{size:g}"
    with tempfile.TemporaryDirectory(prefix="sobank-bench-") as folder:
        for name in names:
            place = Path(folder) / name
            place.mkdir()
            with known[name](size, place) as opened:
                for benchmark in opened:
                    try:
                        found = measure(benchmark, rounds=rounds, python=_python, say=_say)
                    except WrongOutput as wrong:
                        _say(str(wrong))
                        return 1
                    sys.stdout.write(table([found]))
                    # What is measured is kept, whatever the benchmarks after it come to.
                    _keep(as_json(found, {"size": size, "rounds": rounds}), machine(place), results, stem)
            shutil.rmtree(place)
    return 0


def _keep(found: Mapping[str, object], here: Mapping[str, object], results: Path, stem: str) -> None:
    """Put a benchmark among those that were measured before on such a machine, in place of the same one."""
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{stem}.json"
    facts = {"machine": here, "versions": versions(_python(False), PEERS, WANTED)}
    before = json.loads(path.read_text("utf-8")) if path.exists() else {}
    kept = before["benchmarks"] if before.get("machine") == here else []
    names = [one["name"] for one in kept]
    if found["name"] in names:
        kept[names.index(found["name"])] = found
    else:
        kept.append(found)
    path.write_text(json.dumps({**facts, "benchmarks": kept}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    path.with_suffix(".svg").write_text(plot(kept), "utf-8")
    _say(f"written: {path}, {stem}.svg")


def _python(peer: bool) -> Path:
    return install(_say) if peer else Path(sys.executable)


def _say(line: str) -> None:
    """Progress, beside the table."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
