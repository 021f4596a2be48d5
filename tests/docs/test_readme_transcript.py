"""The README's transcript, typed again into an empty folder: what it shows is what comes out.

Blocks after `<!-- replayed -->` are run in one shell, in order. In what a block shows, a line that is only `…` stands
for any lines, `…` within a line for any text; all else must come out as it is written, spaces at line ends aside.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SKIP = "…"
_BLOCK = re.compile(r"<!-- replayed -->\n```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_END = "-- end of command --"


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of the transcript and the lines that are shown of its output."""

    line: str
    shown: tuple[str, ...]


def transcript(text: str) -> list[Command]:
    """The commands of all replayed blocks, in order."""
    commands: list[Command] = []
    for block in _BLOCK.findall(text):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *shown = part.splitlines()
            commands.append(Command(line=line, shown=tuple(shown)))
    return commands


def difference(shown: tuple[str, ...], printed: list[str]) -> str | None:
    """The first run of shown lines that did not come out where it is shown, or None."""
    runs = [list(lines) for skipped, lines in groupby(shown, key=lambda line: line == SKIP) if not skipped]
    place, free = 0, bool(shown) and shown[0] == SKIP
    for run in runs:
        wanted = [re.compile(".*".join(map(re.escape, line.rstrip().split(SKIP)))) for line in run]
        starts = range(place, len(printed) - len(run) + 1) if free else [place]
        found = next((n for n in starts if _all_match(wanted, printed[n:])), None)
        if found is None:
            return "\n".join(run)
        place, free = found + len(run), True
    open_end = bool(shown) and shown[-1] == SKIP
    return None if open_end or place == len(printed) else f"nothing more, but there was: {printed[place]}"


def _all_match(wanted: list[re.Pattern[str]], printed: list[str]) -> bool:
    return len(printed) >= len(wanted) and all(w.fullmatch(p) for w, p in zip(wanted, printed, strict=False))


def replay(commands: list[Command], folder: Path) -> list[list[str]]:
    """Run the commands in one shell; the lines each printed on standard output."""
    script = "".join(f"{command.line}\nprintf '%s\\n' {shlex.quote(_END)}\n" for command in commands)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SOBANK_", "AIRFLOW"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    environment = kept | {"PATH": path, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "PYTHONPATH": str(REPOSITORY / "include")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stderr}\nafter:\n{done.stdout[-2000:]}"
    parts = done.stdout.split(_END + "\n")[:-1]
    return [[line.rstrip() for line in part.splitlines()] for part in parts]


def test_the_transcript_of_the_readme_comes_out_as_it_is_shown(tmp_path: Path) -> None:
    commands = transcript((REPOSITORY / "README.md").read_text("utf-8"))
    printed = replay(commands, tmp_path)
    wrong = [
        f"$ {command.line}\nshown, but did not come out: {missing}\ncame out:\n" + "\n".join(lines)
        for command, lines in zip(commands, printed, strict=True)
        if (missing := difference(command.shown, lines)) is not None
    ]
    assert not wrong, "\n\n".join(wrong)


def test_the_transcript_goes_from_a_simulated_bank_to_an_exported_copy() -> None:
    lines = [command.line for command in transcript((REPOSITORY / "README.md").read_text("utf-8"))]
    steps = ["simulate bank", "init", "registry import", "ingest", "deliver", "prove", "quarantine list", "export"]
    places = [next(n for n, line in enumerate(lines) if line.startswith(f"sobank {step}")) for step in steps]
    assert places == sorted(places)


def test_what_is_shown_is_compared_line_by_line() -> None:
    printed = ["a 1", "b", "c", "d 2 e"]
    assert difference(("a 1", "…", "d … e"), printed) is None
    assert difference(("a 1", "b", "…"), printed) is None
    assert difference(("…", "c", "…", "b", "…"), printed) == "b"
    assert difference(("…", "b", "d … e"), printed) == "b\nd … e"
    assert difference(("a 2", "…"), printed) == "a 2"
    assert difference(("a 1", "c", "…"), printed) == "a 1\nc"
    assert difference(("a 1", "b", "c"), printed) == "nothing more, but there was: d 2 e"
    assert difference((), []) is None
