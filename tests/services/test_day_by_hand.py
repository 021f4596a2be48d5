"""What a run writes equals, byte for byte, what a slow and obvious program makes of the banks' lines and the registry.

The program here shares no code with ours: it reads lines, sorts them by hand and joins them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from sobank.store import decision
from tests.builders import Cabinet, TestHouse, file_of, iban_of, statement

FIRST = date(2026, 3, 2)
DAYS = [FIRST + timedelta(days=n) for n in range(2)]
CABINETS, ACCOUNTS = 7, 60


def by_hand(received: bytes, owner: dict[int, tuple[str, str | None]]) -> dict[str, bytes]:
    """Every file of the day by its path, from the lines of the bank and, by account, cabinet and connector."""
    files = defaultdict(list)
    for lines in _statements(received.decode("latin-1").split("\n")):
        account, day = int(lines[0][21:32]), _day(lines[-1][34:40])
        cabinet, connector = owner[account]
        if connector is None:
            path = f"global/{cabinet}/fichier-global_{cabinet}_{day}_01.cfonb.txt"
        else:
            path = f"partners/{connector}/{cabinet}/SOBANK_{cabinet}_{connector}_{day:%Y%m%d}_001.cfonb.txt"
        files[path].append((iban_of(account), lines))
    return {
        path: "".join(f"{line}\r\n" for _, lines in sorted(statements) for line in lines).encode("latin-1")
        for path, statements in files.items()
    }


def _statements(lines: list[str]) -> Iterator[list[str]]:
    so_far: list[str] = []
    for line in lines:
        so_far.append(line)
        if line.startswith("07"):
            yield so_far
            so_far = []


def _day(ddmmyy: str) -> date:
    return date(2000 + int(ddmmyy[4:]), int(ddmmyy[2:4]), int(ddmmyy[:2]))


@pytest.mark.parametrize("chunk", [decision.CHUNK_RECORDS, 40], ids=["in one chunk", "in many chunks"])
def test_every_file_of_a_run_is_what_is_made_by_hand(
    house: TestHouse, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(decision, "CHUNK_RECORDS", chunk)
    seeded = random.Random(20260302)
    owner = {
        n: (f"CAB{seeded.randrange(CABINETS)}", seeded.choice(["fizen", "inqom", None])) for n in range(1, ACCOUNTS + 1)
    }
    cabinets = {code: Cabinet(code, ("fizen", "inqom")) for code, _ in owner.values()}
    for n, (code, connector) in owner.items():
        cabinets[code].accounts[n] = ("approved", connector)
    house.register(*cabinets.values())
    expected = {}
    for number, day in enumerate(DAYS):
        accounts = seeded.sample(range(1, ACCOUNTS + 1), ACCOUNTS)
        received = file_of(
            *(
                statement(
                    n, day, *(seeded.randrange(-9_999, 9_999) for _ in range(seeded.randrange(6))),
                    opening=seeded.randrange(10**6), label=f"VIR n° {n} é",
                )
                for n in accounts
            )
        )  # fmt: skip
        house.take_in(received, f"bank-{number}.txt")
        house.run(day)
        expected |= by_hand(received, owner)
    found = {path: content for path, content in house.delivered().items() if not path.endswith(".manifest.json")}
    assert sorted(found) == sorted(expected)
    assert {path for path in expected if found[path] != expected[path]} == set()
