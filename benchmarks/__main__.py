"""`make bench`: measure everything, or what ONLY names; print one table, write results.json and results.svg.

Of a part alone the files are called after it, such as results-registry.json: they leave those of the whole as they are.

SIZE: part of the day (1.0; 10 is the big day). ROUNDS: how often each contender runs (3). ONLY: names, comma-separated.
RESULTS: the folder for the results (benchmarks/).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import airflow, cluster, daily, history, ingest, registry, sftp, unit_costs
from benchmarks.frame import ROOT, Measured, Opens, WrongOutput, measure
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
    stem = "results" if set(names) == set(known) else "-".join(["results", *names])
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="sobank-bench-") as folder:
        for name in names:
            place = Path(folder) / name
            place.mkdir()
            with known[name](size, place) as opened:
                for benchmark in opened:
                    try:
                        found.append(measure(benchmark, rounds=rounds, python=_python, say=_say))
                    except WrongOutput as wrong:
                        _say(str(wrong))
                        return 1
                    sys.stdout.write(table(found[-1:]))
                    # What is measured is kept, whatever the benchmarks after it come to.
                    _keep(found, {"size": size, "rounds": rounds, "machine": machine(place)}, results, stem)
            shutil.rmtree(place)
    return 0


def _keep(found: Sequence[Measured], facts: Mapping[str, object], results: Path, stem: str) -> None:
    results.mkdir(parents=True, exist_ok=True)
    facts = {**facts, "versions": versions(_python(False), PEERS, WANTED)}
    (results / f"{stem}.json").write_text(json.dumps(as_json(found, facts), indent=1, ensure_ascii=False) + "\n")
    (results / f"{stem}.svg").write_text(plot(found))
    _say(f"written: {results / stem}.json, {stem}.svg")


def _python(peer: bool) -> Path:
    return install(_say) if peer else Path(sys.executable)


def _say(line: str) -> None:
    """Progress, beside the table."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
