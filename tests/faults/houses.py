"""A whole house with three statements to deliver: to two partners, and in a global file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.builders import Cabinet, TestHouse, file_of, named, statement
from tests.faults.sweeps import Outcome

DAY = date(2026, 3, 2)


def stocked(home: Path, url: str) -> TestHouse:
    """The house, its statements taken in, none decided."""
    house = TestHouse(home, url)
    accounts = {n: ("approved", connector) for n, connector in enumerate(("fizen", "fulll", None), 1)}
    house.register(Cabinet("CAB001", connectors=("fizen", "fulll"), accounts=accounts))
    house.take_in(file_of(*(statement(n, DAY, 100 * n) for n in accounts)), named(DAY))
    return house


def compare(outcome: Outcome, found: dict[str, bytes], wanted: dict[str, bytes], where: str) -> None:
    """Count one place. Names and bytes of a run are the same whatever happened before it (D9), so files may be told."""
    outcome.points += 1
    lost = [name for name in wanted if found.get(name) != wanted[name]]
    extra = [name for name in found if name not in wanted]
    outcome.missing += len(lost)
    outcome.doubled += len(extra)
    outcome.violations += [
        f"{where}: {what} {name}" for what, names in (("missing", lost), ("extra", extra)) for name in names
    ]
