"""Whether the files of a day are right: each statement once, where it belongs, whole lines, sums to the cent."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.day import Made, Plan
from benchmarks.frame import WrongOutput

_LINE = 122
_KINDS = {b"01": "statements", b"04": "entries"}


def files_of(folder: Path) -> list[Path]:
    """The files of a day: below `partners` and `global`, each in a folder named by its cabinet; no manifests."""
    return [
        path
        for kind in ("partners", "global")
        for path in sorted((folder / kind).rglob("*"))
        if path.is_file() and path.suffix != ".json"
    ]


def verify_files(folder: Path, planned: Plan, made: Made) -> None:
    """Read every file of the day (`files_of`).

    Raises:
        WrongOutput: what is wrong, first found.
    """
    accounts, found = [], Made()
    for path in files_of(folder):
        content = np.frombuffer(path.read_bytes(), np.uint8)
        if len(content) == 0 or len(content) % _LINE:
            raise WrongOutput(f"{path.name}: {len(content)} bytes are not lines of 120 characters and CRLF")
        rows = content.reshape(-1, _LINE)
        if (rows[:, 120:] != np.frombuffer(b"\r\n", np.uint8)).any():
            raise WrongOutput(f"{path.name}: lines do not end with CRLF")
        mine = _count(rows, found)
        _belong(path.relative_to(folder), mine, planned)
        accounts.append(mine)
    if (found.statements, found.entries, found.records) != (made.statements, made.entries, made.records):
        raise WrongOutput(f"{found} was written, {made} was to be")
    if (found.credit, found.debit) != (made.credit, made.debit):
        raise WrongOutput(f"the sums are {found.credit} and {found.debit}, not {made.credit} and {made.debit}")
    if not np.array_equal(np.sort(np.concatenate(accounts)), np.arange(planned.statements)):
        raise WrongOutput("a statement is missing, or there twice")


def _count(rows: np.ndarray, found: Made) -> np.ndarray:
    """Add a file to what was found; the accounts of its statements, from 0."""
    code = rows[:, 0].astype(np.int64) * 256 + rows[:, 1]
    opened, moved = (code == int.from_bytes(kind, "big") for kind in _KINDS)
    amounts = _amounts(rows[moved, 90:104])
    found.statements += int(opened.sum())
    found.entries += int(moved.sum())
    found.records += len(rows)
    found.credit += int(amounts[amounts > 0].sum())
    found.debit += int(amounts[amounts < 0].sum())
    return _number(rows[opened, 21:32]) - 1


def _belong(path: Path, accounts: np.ndarray, planned: Plan) -> None:
    is_global = "global" in path.parts
    cabinets = {f"CAB{n:05d}" for n in np.unique(planned.cabinet[accounts])}
    if len(cabinets) != 1 or not cabinets & set(path.parts):
        raise WrongOutput(f"{path}: holds statements of {len(cabinets)} cabinets")
    if (planned.associated[accounts] == is_global).any():
        raise WrongOutput(f"{path}: holds a statement that belongs to {'a partner' if is_global else 'the cabinet'}")


def _number(cells: np.ndarray) -> np.ndarray:
    return (cells.astype(np.int64) - ord("0")) @ (10 ** np.arange(cells.shape[1] - 1, -1, -1, dtype=np.int64))


def _amounts(cells: np.ndarray) -> np.ndarray:
    value, negative = np.zeros(256, np.int64), np.zeros(256, np.bool_)
    for digit in range(10):
        for sign in ("{ABCDEFGHI", "}JKLMNOPQR"):
            value[ord(sign[digit])] = digit
        negative[ord("}JKLMNOPQR"[digit])] = True
    last = cells[:, 13]
    total = _number(cells[:, :13]) * 10 + value[last]
    return np.where(negative[last], -total, total)
