"""The accounts of a simulated world: each has its fate first, then the registry is written so that the fate comes true.

Fates are stated here and not asked of the product's own routing: what is expected must be able to disagree with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final

from sobank.domain.iban import bban, iban
from sobank.simulator.connections import Reached

#: Real codes of French banks, so that schwifty knows their names.
BANKS: Final = ("30004", "10278", "18706", "14518", "20041", "30002")
#: Fates that are none of the two usual ones, with their share of the accounts.
RARE_FATES: Final = {
    "waiting:null": 0.01, "waiting:draft": 0.015, "waiting:signed": 0.015, "waiting:sent_to_bank": 0.015,
    "waiting:bank_processing": 0.02, "waiting:rejected": 0.01, "quarantine:mandate_revoked": 0.015,
    "quarantine:mandate_expired": 0.015, "quarantine:account_closed": 0.01, "quarantine:unknown_account": 0.015,
    "quarantine:claimed_by_two_cabinets": 0.01,
}  # fmt: skip
CONNECTED_SHARE: Final = 0.65
#: Currency, decimals, share of the accounts.
CURRENCIES: Final = (("XPF", 0, 0.01), ("TND", 3, 0.01), ("USD", 2, 0.02))
LETTERS_SHARE: Final = 0.05


@dataclass(kw_only=True, slots=True)
class Account:
    """One account as the world has it. `destination`: where its sound statements must end."""

    cabinet: int
    bank: str
    branch: str
    number: str
    currency: str = "EUR"
    decimals: int = 2
    fate: str = ""
    mandate: str | None = "approved"
    since: date | None = None
    connector: str | None = None
    closed: bool = False
    destination: str = ""
    also_at: int | None = None

    @property
    def usual(self) -> bool:
        """Whether its statements reach a partner or a global file."""
        return self.destination.startswith(("connector:", "global:"))

    @property
    def bban(self) -> str:
        """23 characters."""
        return bban(self.bank, self.branch, self.number)

    @property
    def iban(self) -> str:
        """IBAN without spaces."""
        return iban(self.bban)


@dataclass(kw_only=True, slots=True)
class Cabinet:
    """One cabinet: `connectors` partner by name; in a `full` one every account is associated (A10)."""

    code: str
    connectors: dict[str, str] = field(default_factory=dict)
    full: bool = False
    closed: bool = False


def make_cabinets(rng: Random, count: int, partners: Sequence[str]) -> list[Cabinet]:
    """The second one associates every account, the third has no connector, the last of four or more is closed."""
    found = []
    for number in range(count):
        cabinet = Cabinet(code=f"CAB{number + 1:03d}", full=number == 1, closed=number == count - 1 and count >= 4)
        if number != 2:
            for partner in rng.sample(list(partners), min(len(partners), rng.randint(1, 3))):
                cabinet.connectors[partner] = partner
        found.append(cabinet)
    first = next(iter(found[0].connectors), None)
    if first:
        found[0].connectors[f"{first}-2"] = first  # two connectors of one partner on one cabinet
    return found


def make_accounts(rng: Random, cabinets: Sequence[Cabinet], count: int, first_day: date) -> list[Account]:
    """`count` accounts, at least one to a cabinet while they last; every fate occurs where there is room for it."""
    seen: set[tuple[str, str, str]] = set()
    found = []
    weights = [1 / (place + 1) ** 0.5 for place in range(len(cabinets))]
    for number, fate in enumerate(_fates(rng, count)):
        cabinet = number if number < len(cabinets) else rng.choices(range(len(cabinets)), weights)[0]
        bank, branch, digits = _numbers(rng, seen)
        account = Account(cabinet=cabinet, bank=bank, branch=branch, number=digits)
        account.fate = fate
        account.since = first_day - timedelta(days=rng.randint(10, 60))
        _make_true(rng, account, cabinets)
        found.append(account)
    usual = [account for account in found if account.usual]
    for currency, decimals, share in CURRENCIES:
        for account in rng.sample(usual, min(len(usual) // 8, max(1, round(share * count)))):
            account.currency, account.decimals = currency, decimals
    return found


def _fates(rng: Random, count: int) -> list[str]:
    rare = [fate for fate, share in RARE_FATES.items() for _ in range(max(1, round(share * count)))]
    rng.shuffle(rare)
    rare = rare[: count // 2]
    rest = ["connector" if rng.random() < CONNECTED_SHARE else "global" for _ in range(count - len(rare))]
    fates = rare + rest
    rng.shuffle(fates)
    return fates


def _numbers(rng: Random, seen: set[tuple[str, str, str]]) -> tuple[str, str, str]:
    while True:
        number = f"{rng.randrange(10**11):011d}"
        if rng.random() < LETTERS_SHARE:
            number = number[:7] + rng.choice("ABEGKMRSXZ") + number[8:]
        found = (rng.choice(BANKS), f"{rng.randint(1, 99_999):05d}", number)
        if found not in seen:
            seen.add(found)
            return found


def _make_true(rng: Random, account: Account, cabinets: Sequence[Cabinet]) -> None:
    cabinet = cabinets[account.cabinet]
    kind, _, detail = account.fate.partition(":")
    if kind == "quarantine" and detail.startswith("mandate_"):
        account.mandate = detail.removeprefix("mandate_")
    elif kind == "waiting":
        account.mandate = None if detail == "null" else detail
    account.closed = detail == "account_closed"
    open_ones = [n for n, other in enumerate(cabinets) if n != account.cabinet and not other.closed]
    if detail == "claimed_by_two_cabinets":
        if open_ones and not cabinet.closed:
            account.also_at = rng.choice(open_ones)
        else:
            kind = "global"
    wants = cabinet.full or kind == "connector" or (kind == "waiting" and rng.random() < 0.5)
    if wants and cabinet.connectors:
        account.connector = rng.choice(list(cabinet.connectors))
    account.destination = _destination(account, cabinet, kind)


def _destination(account: Account, cabinet: Cabinet, kind: str) -> str:
    if account.fate == "quarantine:unknown_account":
        return account.fate
    if account.also_at is not None:
        return "quarantine:claimed_by_two_cabinets"
    if cabinet.closed:
        return "quarantine:cabinet_closed"
    if kind == "quarantine":
        return account.fate
    if kind == "waiting":
        return "waiting"
    return f"connector:{cabinet.code}/{account.connector}" if account.connector else f"global:{cabinet.code}"


def registry_yaml(
    rng: Random, cabinets: Sequence[Cabinet], accounts: Sequence[Account], reached: Mapping[str, Reached]
) -> str:
    """The registry file of the world; accounts whose fate is to be unknown are not in it.

    Args:
        reached: how a connector of each partner is set up; one of a partner that is not there names no connection.
    """
    lines = ["cabinets:"]
    here: dict[int, list[Account]] = {}
    for account in accounts:
        if account.fate != "quarantine:unknown_account":
            here.setdefault(account.cabinet, []).append(account)
            if account.also_at is not None:
                here.setdefault(account.also_at, []).append(account)
    for place, cabinet in enumerate(cabinets):
        lines += [
            f"  - code: {cabinet.code}",
            f"    name: {_text(f'Cabinet {cabinet.code}')}",
            f"    siret: {_text(_siret(rng))}",
            f"    closed: {_text(cabinet.closed)}",
            "    members:",
        ]
        for profile in ("administrateur", "superviseur", "collaborateur"):
            lines.append(f"      - {{user: {profile[:5]}-{cabinet.code.lower()}, profile: {profile}}}")
        lines.append("    connectors:" if cabinet.connectors else "    connectors: []")
        for name, partner in cabinet.connectors.items():
            lines.append(f"      - {{name: {name}, partner: {partner}, {_reached(reached.get(partner))}}}")
        lines += _dossiers(rng, place, here.get(place, []))
    return "\n".join(lines) + "\n"


def _reached(how: Reached | None) -> str:
    if how is None:
        return "connection: null, settings: {}"
    return f"connection: {_text(how.connection)}, settings: {json.dumps(how.settings)}"


def _dossiers(rng: Random, place: int, here: Sequence[Account]) -> Iterator[str]:
    yield "    dossiers:" if here else "    dossiers: []"
    number = 0
    while here:
        number += 1
        share = rng.randint(1, 3)
        yield f"      - reference: D{number:05d}"
        yield f"        name: {_text(f'{rng.choice(_TRADES)} {rng.choice(_PLACES)}')}"
        yield f"        siret: {_text(_siret(rng))}"
        yield "        accounts:"
        for account in here[:share]:
            yield f"          - {_account(account, own=place == account.cabinet)}"
        here = here[share:]


def _account(account: Account, *, own: bool) -> str:
    """One account of a dossier; at the cabinet that claims it wrongly it has no connector."""
    since = f", mandate_since: {account.since}" if account.mandate else ""
    connector = (account.connector if own else None) or "null"
    return (
        f"{{iban: {account.iban}, currency: {account.currency}, mandate: {account.mandate or 'null'}{since}"
        f", connector: {connector}, closed: {_text(account.closed)}}}"
    )


def _siret(rng: Random) -> str:
    """Fourteen digits whose Luhn sum is a multiple of ten."""
    digits = [rng.randint(0, 9) for _ in range(13)]
    total = sum(sum(divmod(2 * digit, 10)) if place % 2 == 0 else digit for place, digit in enumerate(digits))
    return "".join(map(str, digits)) + str(-total % 10)


def _text(value: str | bool) -> str:
    return json.dumps(value, ensure_ascii=False)


_TRADES = ("Boulangerie", "Garage", "Librairie", "Pharmacie", "Menuiserie", "Café", "Épicerie", "Atelier")
_PLACES = ("du Port", "de la Gare", "du Marché", "des Écoles", "du Centre", "de l'Église", "des Halles")
