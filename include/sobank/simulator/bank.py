"""A seeded world to run on: a registry, days of bank files, and where every statement must end.

The same arguments give the same bytes. What is expected is stated by the simulator itself and never asked of the
product: `expected.jsonl` is a judge. It holds once every file is ingested, in order of name within a bank's stream,
and every day is run, with the registry unchanged.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from sobank.errors import ConfigurationError
from sobank.simulator.bank_accounts import make_accounts, make_cabinets, registry_yaml
from sobank.simulator.bank_files import make_files, write_files
from sobank.simulator.bank_statements import Sent, chains
from sobank.simulator.connections import Reached

PARTNERS: Final = ("fizen", "fulll", "inqom", "myunisoft")
#: Share of all statements; a quirk with a rate occurs at least once where there is room for it.
QUIRKS: Final[Mapping[str, float]] = {
    "repeated": 0.004,  # byte for byte in the same file
    "resent": 0.004,  # again in a file of a later day
    "conflict": 0.002,  # again on a later day, same identity, other content
    "late": 0.01,  # arrives two to four days after its business day
    "unbalanced": 0.003,
    "wrong_chain": 0.002,  # a wrong balance that the next day carries over
    "triplet": 0.005,  # three identical movements
    "blank_currency": 0.01,  # currency and decimals blank on 01 and 07
    "movement_03": 0.003,  # a 03 record where a 04 should be
    "foreign_bank": 0.003,  # the bank code of a 04 is not that of its 01
    "nel": 0.002,  # byte 0x85 in a label: a line end to careless readers
}
#: Share of all files; the others have LF and no final newline.
SHAPES: Final[Mapping[str, float]] = {
    "crlf": 0.05,
    "cr": 0.03,
    "bom": 0.03,
    "eof_mark": 0.03,  # 0x1A at the end
    "long": 0.03,  # lines of 121, the last character blank
    "blank_lines": 0.03,
    "stream": 0.03,  # no terminators at all
    "drift": 0.03,  # no terminators, and some records of 119
}


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What was made: `statements` and `entries` count each distinct statement once, `duplicates` the rest."""

    registry: Path
    inbox: Path
    expected: Path
    days: tuple[date, ...]
    files: int
    statements: int
    duplicates: int
    entries: int
    destinations: dict[str, int]


def simulate(
    folder: Path,
    *,
    seed: int,
    first_day: date,
    days: int,
    cabinets: int = 5,
    accounts: int = 60,
    entries: int = 6,
    partners: Sequence[str] = PARTNERS,
    reached: Mapping[str, Reached] | None = None,
    quirks: Mapping[str, float] | None = None,
    shapes: Mapping[str, float] | None = None,
) -> World:
    """Write `registry.yaml`, `inbox/<day of reception>/` and `expected.jsonl` into `folder`.

    Args:
        days: calendar days from first_day on; banks send statements of Monday to Friday.
        accounts: in all. entries: mean of a statement with movements. quirks, shapes: rates; {} for none.
        partners: codes; each cabinet has a few of them. reached: how the connectors of a partner are set up; it changes
            that alone, and a connector of a partner that is not in it is delivered into a folder.
    Raises:
        ConfigurationError: the world would be empty; an unknown quirk or shape; the folder holds a world already.
    """
    wanted = [first_day + timedelta(days=n) for n in range(days)]
    business = tuple(day for day in wanted if day.weekday() < 5)
    quirks, shapes = _known(quirks, QUIRKS), _known(shapes, SHAPES)
    _check(folder, business, min(cabinets, accounts, entries))
    rng = Random(seed)
    offices = make_cabinets(rng, cabinets, partners)
    numbers = make_accounts(rng, offices, accounts, first_day)
    folder.mkdir(parents=True, exist_ok=True)
    registry, inbox, expected = folder / "registry.yaml", folder / "inbox", folder / "expected.jsonl"
    registry.write_text(registry_yaml(rng, offices, numbers, reached or {}), "utf-8")
    sent = list(chains(rng, numbers, business, entries, quirks))
    files = make_files(rng, sent, shapes)
    write_files(files, inbox)
    expected.write_text("".join(json.dumps(_expected(s), ensure_ascii=False) + "\n" for s in sent), "utf-8")
    return World(
        registry=registry, inbox=inbox, expected=expected, days=business, files=len(files), statements=len(sent),
        duplicates=sum(_duplicates(s) for s in sent), entries=sum(len(s.amounts) for s in sent),
        destinations=dict(sorted(Counter(s.destination for s in sent).items())),
    )  # fmt: skip


def read_expected(path: Path) -> Iterable[dict[str, Any]]:
    """The rows of an `expected.jsonl`, one a distinct statement (see `_expected` for the keys)."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _expected(sent: Sent) -> dict[str, Any]:
    """Amounts in minor units; `sha256` of the canonical records; `duplicates`: how often it comes again."""
    account = sent.account
    return {
        "iban": account.iban, "bban": account.bban, "bank": account.bank, "branch": account.branch,
        "account": account.number, "currency": account.currency, "decimals": account.decimals,
        "opening_date": sent.opening_date.isoformat(), "closing_date": sent.closing_date.isoformat(),
        "opening": sent.opening, "closing": sent.closing, "entries": len(sent.amounts), "sum": sum(sent.amounts),
        "sha256": sent.sha256, "destination": sent.destination, "duplicates": _duplicates(sent),
        "received_on": sent.received.isoformat(), "files": sent.files, "quirk": sent.quirk,
    }  # fmt: skip


def _duplicates(sent: Sent) -> int:
    return len(sent.again) + sent.repeated


def _known(given: Mapping[str, float] | None, all_: Mapping[str, float]) -> Mapping[str, float]:
    given = all_ if given is None else given
    if unknown := given.keys() - all_.keys():
        raise ConfigurationError(
            "no such quirk or shape", subject=", ".join(sorted(unknown)), remedy=f"choose among {', '.join(all_)}"
        )
    return given


def _check(folder: Path, business: Sequence[date], least: int) -> None:
    if not business or least < 1:
        raise ConfigurationError(
            "the world would be empty",
            subject="simulate bank",
            remedy="ask for a day from Monday to Friday, and at least one cabinet, account and entry",
        )
    if (folder / "registry.yaml").exists() or (folder / "inbox").exists():
        raise ConfigurationError("holds a world already", subject=str(folder), remedy="give an empty folder")
