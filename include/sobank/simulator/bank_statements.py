"""Statements of a simulated bank, rendered to CFONB 120 by a writer of its own: it must be able to judge the product's.

The quirks are those that real files have (corpus page); each changes one statement, and what is expected of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final

from sobank.simulator.bank_accounts import Account

UNBALANCED: Final = "quarantine:unbalanced"
CONFLICT: Final = "quarantine:conflict"


@dataclass(kw_only=True, slots=True)
class Sent:
    """One statement as the bank sends it: `records` of 120 characters; amounts in minor units; `quirk` or empty."""

    account: Account
    opening_date: date
    closing_date: date
    opening: int
    closing: int
    amounts: list[int]
    records: list[str]
    destination: str
    received: date
    quirk: str = ""
    again: list[date] = field(default_factory=list)
    repeated: bool = False
    files: list[str] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        """Of the canonical records, hex."""
        return hashlib.sha256("".join(self.records).encode("latin-1")).hexdigest()


def chains(
    rng: Random, accounts: Sequence[Account], days: Sequence[date], mean: int, quirks: Mapping[str, float]
) -> Iterator[Sent]:
    """Every account's statement of every day, balances in a chain, `mean` entries on average; quirks at their rates."""
    chosen = _chosen(rng, accounts, days, quirks)
    for place, account in enumerate(accounts):
        unit = 10**account.decimals
        balance = rng.randint(-500, 50_000) * unit + rng.randrange(unit)
        before = _business_day_before(days[0])
        drift = 0
        for number, day in enumerate(days):
            quirk = chosen.get((place, number), "")
            amounts = _amounts(rng, mean, unit, quirk)
            opening, balance = balance, balance + sum(amounts)
            wrong = rng.randint(1, 99_999) if quirk == "wrong_chain" else 0
            sent = _sent(rng, account, (before, day), (opening + drift, balance + wrong), amounts, quirk)
            if drift:
                sent.destination, sent.quirk = UNBALANCED, "wrong_chain_end"
            yield sent
            if quirk == "conflict":
                yield _other_content(rng, sent)
            drift, before = wrong, day


def _chosen(
    rng: Random, accounts: Sequence[Account], days: Sequence[date], quirks: Mapping[str, float]
) -> dict[tuple[int, int], str]:
    """Which statement has which quirk: at most one each; a quirk with a rate occurs, where there is room for it."""
    open_ = [(a, d) for a, account in enumerate(accounts) if account.usual for d in range(len(days))]
    rng.shuffle(open_)
    total, taken, found = len(accounts) * len(days), set[tuple[int, int]](), dict[tuple[int, int], str]()
    for quirk, rate in quirks.items():
        wanted = max(1, round(rate * total)) if rate > 0 else 0
        rest = []
        for place in open_:
            following = (place[0], place[1] + 1)
            fits = place not in taken and (quirk != "blank_currency" or accounts[place[0]].currency == "EUR")
            if quirk == "wrong_chain":
                fits = fits and following[1] < len(days) and following not in taken
            if not wanted or not fits:
                rest.append(place)
                continue
            wanted -= 1
            found[place] = quirk
            taken |= {place, following} if quirk == "wrong_chain" else {place}
        open_ = rest
    return found


def _amounts(rng: Random, mean: int, unit: int, quirk: str) -> list[int]:
    count = 0 if rng.random() < 0.15 else rng.randint(1, 2 * mean - 1)
    if quirk and not (quirk == "blank_currency" and rng.random() < 0.3):
        count = max(count, 2)  # most quirks need a movement to show on
    amounts = [rng.randint(1, 5_000) * unit // rng.choice((1, 4, 100)) or unit for _ in range(count)]
    amounts = [-amount if rng.random() < 0.6 else amount for amount in amounts]
    return amounts + [amounts[0]] * 2 if quirk == "triplet" else amounts


def _sent(
    rng: Random, account: Account, days: tuple[date, date], balances: tuple[int, int], amounts: list[int], quirk: str
) -> Sent:
    records = [balance_record("01", account, days[0], balances[0])]
    for number, amount in enumerate(amounts):
        same_as_first = quirk == "triplet" and number >= len(amounts) - 2
        records += (
            records[1 : 1 + _first_movement(records)] if same_as_first else _movement(rng, account, days[1], amount)
        )
    records.append(balance_record("07", account, days[1], balances[1]))
    received = days[1] + timedelta(days=1)
    sent = Sent(
        account=account, opening_date=days[0], closing_date=days[1], opening=balances[0], closing=balances[1],
        amounts=amounts, records=records, destination=account.destination, received=received, quirk=quirk,
    )  # fmt: skip
    _make_odd(rng, sent)
    return sent


def _first_movement(records: Sequence[str]) -> int:
    """How many records the first movement and its complements take."""
    return next((n for n, record in enumerate(records[2:], 1) if not record.startswith("05")), len(records) - 1)


def _make_odd(rng: Random, sent: Sent) -> None:
    records, later = sent.records, sent.closing_date + timedelta(days=rng.randint(2, 4))
    match sent.quirk:
        case "repeated":
            sent.repeated = True
        case "resent":
            sent.again.append(later)
        case "late":
            sent.received = later
        case "blank_currency":
            for place in (0, -1):
                records[place] = records[place][:16] + "    " + records[place][20:]
        case "movement_03":
            records[1] = "03" + records[1][2:]
        case "foreign_bank":
            records[1] = records[1][:2] + "99999" + records[1][7:]
        case "nel":
            records[1] = records[1][:50] + "\x85" + records[1][51:]
        case "unbalanced":
            sent.amounts = [sent.amounts[0] + 1, *sent.amounts[1:]]
            records[1] = records[1][:90] + signed(sent.amounts[0]) + records[1][104:]
            sent.destination = UNBALANCED
        case "wrong_chain":
            sent.destination = UNBALANCED


def _other_content(rng: Random, sent: Sent) -> Sent:
    """The same account, days and balances, another label: it arrives later and must not leave with the first (S10)."""
    records = list(sent.records)
    records[1] = records[1][:48] + f"{f'LIBELLE CORRIGE {rng.randrange(10**6):06d}':31}" + records[1][79:]
    return Sent(
        account=sent.account, opening_date=sent.opening_date, closing_date=sent.closing_date, opening=sent.opening,
        closing=sent.closing, amounts=list(sent.amounts), records=records, destination=CONFLICT,
        received=sent.received + timedelta(days=rng.randint(1, 3)), quirk="conflict_second",
    )  # fmt: skip


def signed(amount: int) -> str:
    """14 characters, the last with its sign: `{ABCDEFGHI` for +0…+9, `}JKLMNOPQR` for −0…−9."""
    digits = f"{abs(amount):014d}"
    return digits[:13] + ("}JKLMNOPQR" if amount < 0 else "{ABCDEFGHI")[int(digits[13])]


def balance_record(code: str, account: Account, day: date, amount: int) -> str:
    """A record 01 or 07."""
    a = account
    head = f"{code}{a.bank}    {a.branch}{a.currency}{a.decimals} {a.number}  {day:%d%m%y}"
    return f"{head}{'':50}{signed(amount)}{'':16}"


def _movement(rng: Random, account: Account, day: date, amount: int) -> list[str]:
    a = account
    kind, label, operation = rng.choice(_DEBITS if amount < 0 else _CREDITS)
    label = f"{label} {rng.randrange(10**6):06d}"
    reference = f"REF{rng.randrange(10**9):09d}" if rng.random() < 0.3 else ""
    value = day + timedelta(days=rng.randint(-1, 2))
    where = f"{a.bank}{operation:4}{a.branch}{a.currency}{a.decimals} {a.number}{kind}{day:%d%m%y}"
    records = [
        f"04{where}  {value:%d%m%y}{label:31}  {rng.randrange(10**7):07d}  {signed(amount)}{reference:16}",
    ]
    if rng.random() < 0.4:
        qualifier, text = rng.choice(_COMPLEMENTS)
        records.append(f"05{where}{'':5}{qualifier:3}{f'{text} {rng.randrange(10**8):08d}':70}  ")
    return records


def _business_day_before(day: date) -> date:
    day -= timedelta(days=1)
    while day.weekday() >= 5:
        day -= timedelta(days=1)
    return day


_CREDITS = (("05", "VIR RECU CLIENT", "B001"), ("17", "REMISE CB", "B017"), ("02", "REMISE CHEQUES", ""))
_DEBITS = (
    ("08", "PRLV SEPA ÉLECTRICITÉ", "A008"), ("11", "CARTE ACHAT", "A011"), ("01", "CHEQUE", ""),
    ("06", "VIR EMIS FOURNISSEUR", "A006"), ("62", "FRAIS DE TENUE", "A062"),
)  # fmt: skip
_COMPLEMENTS = (
    ("LIB", "FACTURE"), ("NPY", "SOCIETE DU MARCHE"), ("REF", "DOSSIER"), ("RCN", "MANDAT"),
    ("XYZ", "QUALIFIANT INCONNU"), ("", "ANCIEN FORMAT"),
    ("LCC", "MOTIF DU VIREMENT, LONG ASSEZ POUR ALLER BIEN AU-DELA"),
)  # fmt: skip
