"""python-cfonb, the public Python reader of CFONB 120.

A file that it does not take whole (a trimmed line, an amount that cannot be read: it raises and gives nothing) is cut
into statements and padded for it, as its user would have to.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.child import Child


def main() -> None:
    """Read the file of `asked`, whole or (`mended`) statement by statement."""
    child = Child()
    with child.step("imports"):
        from cfonb import StatementReader
        from cfonb.parser.common import ParsingError

    faulty, found = 0, []
    with child.step("read"):
        text = Path(child.asked["file"]).read_text(encoding="latin-1")
        if not child.asked["mended"]:
            found = StatementReader().parse(io.StringIO(text, newline=None))
        else:
            for statement in _cut(text):
                try:
                    found += StatementReader().parse(io.StringIO(statement))
                except (ParsingError, ValueError):
                    faulty += 1
    child.did(**_work(found, text), faulty=faulty, made="rows of texts and decimals")


def _cut(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith("01") and lines:
            yield "".join(lines)
            lines = []
        if line:
            lines.append(f"{line:120}\n")
    yield "".join(lines)


def _work(found: list[Any], text: str) -> dict[str, int]:
    entries = [row for statement in found for row in statement.lines]
    return {
        "records": text.count("\n"),
        "statements": len(found),
        "entries": len(entries),
        "cents": int(sum(row["amount"] for row in entries) * 100),
    }


if __name__ == "__main__":
    main()
