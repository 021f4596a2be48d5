"""What a whole run of kills measured, as docs/cluster.md keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NAMES: Final = ("killed", "in", "tried again after", "run", "missing", "doubled", "of statements so far")
_HEAD: Final = f"| {' | '.join(_NAMES)} |\n{'|---' * len(_NAMES)}|\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """One death. found: seconds until the task was tried again; None where no try was lost. state: of the day's run.

    missing, doubled, of: statements, once the run was over.
    """

    killed: str
    task: str
    found: float | None
    state: str
    missing: int
    doubled: int
    of: int

    @property
    def line(self) -> str:
        """Of the page's table."""
        found = "—" if self.found is None else f"{self.found:.0f} s"
        state = "green" if self.state == "success" else "red"
        return f"| {self.killed} | `{self.task}` | {found} | {state} | {self.missing} | {self.doubled} | {self.of} |\n"


@dataclass(kw_only=True, slots=True)
class Table:
    """Deaths in the order in which they came, kept at the end of a page in place of the same ones that were there."""

    page: Path

    def add(self, seen: Seen) -> None:
        """Keep one more; a run of a part leaves what others measured."""
        text, _, rows = self.page.read_text("utf-8").partition(_HEAD)
        lines = {_death(line): line for line in rows.splitlines(keepends=True)}
        lines[_death(seen.line)] = seen.line
        self.page.write_text(text + _HEAD + "".join(lines.values()), "utf-8")


def _death(line: str) -> tuple[str, ...]:
    """What was killed, and in which task."""
    return tuple(line.split(" | ")[:2])
