"""Bank files of a simulated world: named and cut like So bank's own, in the shapes real files have (S2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Final

from sobank.simulator.bank_accounts import BANKS
from sobank.simulator.bank_statements import Sent

MAX_FILES: Final = 7
_FIRST_MOMENT: Final = time(0, 25)
_WINDOW_MS: Final = (11 * 60 + 36) * 60_000  # until 12:01


@dataclass(kw_only=True, slots=True)
class BankFile:
    """One file: `received` is its Paris day, `shape` how its records are written down."""

    name: str
    received: date
    statements: list[Sent]
    shape: str = "lf"
    content: bytes = field(default=b"", repr=False)


def make_files(rng: Random, sent: Sequence[Sent], shapes: Mapping[str, float]) -> list[BankFile]:
    """1–7 files for each stream (bank) and day of reception; statements in no order; what is sent again comes again."""
    streams = {bank: f"SOBANK_{100_001 + n}_{rng.randrange(10**16):016d}" for n, bank in enumerate(BANKS)}
    arriving: dict[tuple[date, str], list[Sent]] = {}
    for statement in sent:
        for day in (statement.received, *statement.again):
            arriving.setdefault((day, statement.account.bank), []).append(statement)
    files = []
    for (day, bank), statements in sorted(arriving.items(), key=lambda item: item[0]):
        rng.shuffle(statements)
        count = rng.randint(1, min(MAX_FILES, len(statements)))
        cuts = [0, *sorted(rng.sample(range(1, len(statements)), count - 1)), len(statements)]
        moments = sorted(rng.sample(range(_WINDOW_MS), count))
        for (first, last), moment in zip(pairwise(cuts), moments, strict=True):
            at = datetime.combine(day, _FIRST_MOMENT) + timedelta(milliseconds=moment)
            name = f"{streams[bank]}-{at:%Y-%m-%dT%H-%M-%S}-{at.microsecond // 1000:03d}.cfonb.txt"
            files.append(BankFile(name=name, received=day, statements=statements[first:last]))
    _give_shapes(rng, files, shapes)
    for file in files:
        file.content = _written(rng, file)
    return files


def write_files(files: Sequence[BankFile], inbox: Path) -> None:
    """Write each file into the folder of its day of reception."""
    for file in files:
        folder = inbox / file.received.isoformat()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_bytes(file.content)


def _give_shapes(rng: Random, files: Sequence[BankFile], shapes: Mapping[str, float]) -> None:
    plain = list(files)
    rng.shuffle(plain)
    for shape, rate in shapes.items():
        for _ in range(max(1, round(rate * len(files))) if rate > 0 else 0):
            if plain:
                plain.pop().shape = shape


def _written(rng: Random, file: BankFile) -> bytes:
    records: list[str] = []
    for statement in file.statements:
        statement.files.append(file.name)
        records += statement.records * (2 if statement.repeated else 1)
    if file.shape == "stream":
        return "".join(records).encode("latin-1")
    if file.shape == "drift":
        return "".join(_short(rng, records)).encode("latin-1")
    if file.shape == "long":
        return "\n".join(record + " " for record in records).encode("latin-1")
    if file.shape == "blank_lines":
        return "\n\n".join(map(_trimmed, records)).encode("latin-1") + b"\n\n"
    terminator = {"crlf": "\r\n", "cr": "\r"}.get(file.shape, "\n")
    content = terminator.join(map(_trimmed, records)).encode("latin-1")
    if file.shape == "bom":
        return b"\xef\xbb\xbf" + content
    return content + b"\n\x1a" if file.shape == "eof_mark" else content


def _trimmed(record: str) -> str:
    """Lines are cut at 104 where nothing follows."""
    return record if record[104:].strip() else record[:104]


def _short(rng: Random, records: Sequence[str]) -> list[str]:
    """Some records, one at least and never the last, lack the blank at their end."""
    blank = [n for n, record in enumerate(records[:-1]) if record.endswith("  ")]
    dropped = set(rng.sample(blank, max(1, len(blank) // 10)))
    return [record[:-1] if n in dropped else record for n, record in enumerate(records)]
